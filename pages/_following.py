"""The list of followed artists on pages: the choice of them alone, how a list begins, the button of one artist.

The list is the workspace's, and today's, whatever day is looked back to.
"""

from __future__ import annotations

import streamlit as st

from pages import _access, _cards, _data
from pages._text import Text
from pipeline.service.scheduler import service

__all__ = ["choose_followed", "follow_control", "show_nobody"]


def choose_followed(text: Text, *, key: str = "followed") -> tuple[str, ...] | None:
    """Ids of all who are followed where they alone are asked for, else None; the address keeps the choice.

    A key of another page is another one: Streamlit would carry some choices over, and not those of an address.
    """
    chosen = st.toggle(text("Only followed artists"), key=key, bind="query-params")
    return service().followed() if chosen else None


def show_nobody(text: Text) -> None:
    """How a list of one's own begins; the demo imports nothing."""
    if _data.is_synthetic():
        advice = text("Open an artist and press Follow.")
    else:
        advice = text(
            "Open an artist and press Follow, or bring a list of names and links: python -m pipeline import FILE"
        )
    st.html(_cards.empty(text("Nobody is followed yet"), advice))


def follow_control(artist_id: str, text: Text) -> None:
    """The button that puts an artist on the list or takes it off; who may not press it sees whether it is on it."""
    is_followed = service().is_followed(artist_id)
    if not _access.may_operate():
        if is_followed:
            st.html(_cards.badge(text("followed"), "good"))
        return
    about = text("The list of artists and the newest releases can show those alone whom you follow.")
    label, change = (text("Unfollow"), service().unfollow) if is_followed else (text("Follow"), service().follow)
    if st.button(label, help=about, key="follow"):
        _access.act(change, artist_id)
