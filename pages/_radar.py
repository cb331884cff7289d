"""The newest releases of all artists, or of those who are followed."""

from __future__ import annotations

import streamlit as st

from pages import _cards, _data, _downloads, _following, _parts
from pages._text import Text
from pipeline import queries

__all__ = ["show_newest", "show_none"]


def show_newest(text: Text) -> None:
    """Covers, six a page: sixty releases are some weeks, not an archive."""
    st.header(text("Newest releases"), anchor=False)
    among = _following.choose_followed(text, key="newest_followed")
    if among == ():
        _following.show_nobody(text)
        return
    found, place = _data.ask(queries.newest_releases, 60, among), st.container()
    if found.is_empty():
        were_read = among and _data.ask(queries.release_counts, among)["releases"].drop_nulls().len()
        show_none(text, of_followed=bool(were_read))
        return
    page = _parts.choose_page(found.height, 6, key="newest")
    with place:
        if among:  # of all, the newest are recent by themselves
            st.html(_cards.note(text("Albums and singles in the last twelve months.")))
        _parts.release_grid(found.slice(6 * (page - 1), 6).to_dicts(), text, key="newest", columns=3)
    _downloads.offer_releases(found, text, key="newest")


def show_none(text: Text, *, of_followed: bool = False) -> None:
    """Why there are none: nothing read yet, or nothing new of those who are followed."""
    missing, advice = text("No releases yet"), text("Releases are read after the artists, run by run.")
    if of_followed:
        missing, advice = text("No release of theirs in twelve months"), text("Older ones stand on each artist's page.")
    st.html(_cards.empty(missing, advice))
