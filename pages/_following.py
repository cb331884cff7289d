"""The list of followed artists on pages: the choice of them alone, how a list begins, the head of an artist's page.

The list is the workspace's, and today's, whatever day is looked back to.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from pages import _access, _cards, _data
from pages._text import Text, current_text
from pipeline import queries
from pipeline.errors import GarimpoError
from pipeline.service.scheduler import service

__all__ = [
    "choose_followed",
    "choose_list",
    "explain_absent",
    "invite",
    "named",
    "show_head",
    "show_missing",
    "show_nobody",
]

EXAMPLE = "https://open.spotify.com/artist/…"
MOST_NAMED = 20
MOST_PASTED = 100_000  # characters: some thousand links with names


def choose_followed(text: Text, *, key: str = "followed") -> tuple[str, ...] | None:
    """Ids of all who are followed where they alone are asked for, else None; the address keeps the choice.

    A key of another page is another one: Streamlit would carry some choices over, and not those of an address.
    """
    chosen = st.toggle(text("Only followed artists"), key=key, bind="query-params")
    return service().followed() if chosen else None


def choose_list(text: Text) -> tuple[str, ...] | None:
    """The choice of those who are followed, and beside it the way to follow others."""
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", key="my_list"):
        chosen = choose_followed(text)
        invite(text)
    return chosen


def invite(text: Text) -> None:
    """A field for links of artists, known here or not, and a button that follows them, where somebody is asked of them.

    The demo knows its own alone.
    """
    if _data.is_synthetic() or _data.is_idle() or not _access.may_operate():
        return
    about = text("One artist a line: the link, or cells of a spreadsheet with names and links.")
    with st.popover(text("Follow by link"), key="invite"), st.form("invitation", border=False):
        st.text_area(
            text("Links of artists"), key="pasted", placeholder=EXAMPLE, help=about, max_chars=MOST_PASTED, height=180
        )
        st.form_submit_button(text("Follow"), type="primary", on_click=_follow_pasted)
        if told := st.session_state.pop("invited", ""):
            st.html(_cards.note(told, is_told=True))


def _follow_pasted() -> None:
    """Follow whom the field names; lines that name nobody stay in it."""
    text = current_text()
    if not _access.may_operate():
        return
    try:
        new, known, rest = service().follow_all(st.session_state["pasted"])
    except GarimpoError as error:
        st.session_state["invited"] = text.error(error)
        return
    told = [text.plural("{count} artist put on your list", "{count} artists put on your list", new)]
    if known:
        told.append(text("{count} on it already", count=text.number(known)))
    if rest:
        told.append(text("what is left above names no artist by a link"))
    st.session_state.update(invited="; ".join(told), pasted=rest)


def explain_absent(among: Sequence[str], shown: int, text: Text) -> None:
    """Why those who are followed are not all among the shown: nobody has answered about them yet, or knows them."""
    nobody = service().unknown(among)
    if nobody:
        names = service().followed_names()
        st.html(_cards.note(text("Spotify does not know these: compare the links, unfollow wrong ones.")))
        with st.container(horizontal=True, gap="xsmall", key="chips"):
            for each in nobody[:MOST_NAMED]:
                st.page_link("artist.py", label=names.get(each) or each, query_params={"id": each})
        shown += len(nobody) - _data.ask(queries.artists_count, "", "", tuple(nobody))
    missing = len(among) - shown
    if missing == len(among):
        advice = text("The next run asks about such artists first.")
        st.html(_cards.empty(text("None of those you follow was read yet"), advice))
    elif missing:
        told = text.plural(
            "{count} more is not read yet: the next run asks about such artists first",
            "{count} more are not read yet: the next run asks about such artists first",
            missing,
        )
        st.html(_cards.note(told))


def show_nobody(text: Text) -> None:
    """How a list of one's own begins; the demo takes nobody from outside."""
    if _data.is_synthetic():
        advice = text("Open an artist and press Follow.")
    else:
        advice = text(
            "Open an artist and press Follow, paste links on Artists, or bring a file: python -m pipeline import FILE"
        )
    st.html(_cards.empty(text("Nobody is followed yet"), advice))


def named(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same artists, where nobody has answered about one yet with the name that the list has for it."""
    names = {} if all(row["name"] for row in rows) else service().followed_names()
    return [{**row, "name": row["name"] or names.get(row["artist_id"])} for row in rows]


def show_head(found: dict[str, Any], text: Text) -> bool:
    """The top of an artist's page with its button; False where there is nothing but an id, which is said below it."""
    is_read = any(found[each] is not None for each in ("name", "followers", "popularity")) or found["releases"] > 0
    st.html(_cards.artist_head(named([found])[0], text, is_read=is_read))
    _follow_control(found["artist_id"], text)
    if not is_read:
        _show_unread(found["artist_id"], text)
    return is_read


def show_missing(artist_id: str, text: Text) -> str:
    """Of an artist of whom there is nothing: who is on the list has a name there, and a way off it. The title."""
    names = service().followed_names()
    if artist_id in names:
        name = names[artist_id] or artist_id
        st.title(name, anchor=False)
        _follow_control(artist_id, text)
        _show_unread(artist_id, text)
        return name
    st.title(text("Artist"), anchor=False)
    title = text("No artist with the id {id} here", id=artist_id) if artist_id else text("Which artist?")
    st.html(_cards.empty(title, text("Choose one from the list of artists.")))
    st.page_link("artists.py", label=text("Go to Artists"))
    return text("Artist")


def _show_unread(artist_id: str, text: Text) -> None:
    """Why there is nothing but an id of an artist: nobody was asked yet, or Spotify does not know it."""
    if _data.is_looking_back():
        st.html(_cards.empty(text("Not read until then"), text("Only the id was known.")))
    elif service().unknown([artist_id]):
        advice = text("Asked in the last seven days, it had nobody by this id. Compare the link; unfollow a wrong one.")
        st.html(_cards.empty(text("Spotify does not know this artist"), advice))
    else:
        advice = text("Only the id is known so far; the next run asks about such artists first.")
        st.html(_cards.empty(text("Not read yet"), advice))


def _follow_control(artist_id: str, text: Text) -> None:
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
