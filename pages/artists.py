"""All artists, or those who are followed: by name, by genre, in an order, page by page; the address keeps it all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from pages import _cards, _data, _downloads, _following, _parts
from pages._text import Text, current_text
from pipeline import queries

PER_PAGE = 25
ORDER_NEEDS = {"followers": "followers", "growth": "followers", "popularity": "popularity", "released": "neither"}


def orders(text: Text) -> dict[str, str]:
    """What a list can be ordered by, in the reader's words."""
    return {
        "followers": text("most followers"),
        "growth": text("fastest growth"),
        "popularity": text("highest popularity"),
        "released": text("latest release"),
        "new": text("newly found"),
        "name": text("name"),
    }


def choose_order(text: Text, given: Mapping[str, bool]) -> str:
    """The order; kept in the address under a name that is the same in both languages."""
    labels = {name: label for name, label in orders(text).items() if given.get(ORDER_NEEDS.get(name, ""), True)}
    asked = st.query_params.get("sort", "followers")
    st.session_state["order"] = asked if asked in labels else next(iter(labels))  # a step back changes it, too

    def keep() -> None:
        st.query_params["sort"] = st.session_state["order"]

    return (
        st.selectbox(text("Order by"), list(labels), format_func=lambda name: labels[name], key="order", on_change=keep)
        or "name"
    )


def choose(text: Text, given: Mapping[str, bool]) -> tuple[str, str, str]:
    """Search, genre and order as chosen."""
    genres = _data.ask(queries.genres)["genre"].to_list()
    name, kind, order = st.columns([2, 1, 1])
    with name:
        search = st.text_input(
            text("Search by name"),
            key="q",
            bind="query-params",
            placeholder=text("Beginnings of words, accents do not matter"),
            type="search",
        )
    with kind:
        genre = st.selectbox(
            text("Genre"), genres, None, key="genre", bind="query-params", placeholder=text("All genres")
        )
    with order:
        return search or "", genre or "", choose_order(text, given)


def show_all() -> None:
    """Take back what narrows the list: a link to the page itself would keep it."""
    st.session_state.update(q="", genre=None, followed=False)


def show_none(text: Text, *, narrowed: bool) -> None:
    """What to do when nothing matches."""
    if narrowed:
        st.html(
            _cards.empty(text("No artist matches"), text("Try fewer letters, another genre, or look at all of them."))
        )
        st.button(text("Show all artists"), on_click=show_all, key="show_all")
    else:
        st.html(
            _cards.empty(text("No artists yet"), text("They appear after the first run; start one on the page Runs."))
        )
        st.page_link("runs.py", label=text("Go to Runs"))


def main() -> None:
    """The page."""
    text = current_text()
    given = dict(_data.ask(queries.numbers_given))
    given["neither"] = not (given["followers"] or given["popularity"])
    search, genre, order = choose(text, given)
    among = _following.choose_list(text)
    if among == ():
        _following.show_nobody(text)
        return
    count = _data.ask(queries.artists_count, search, genre, among)
    if among and not (search or genre or _data.is_looking_back()):
        _following.explain_absent(among, count, text)
    elif not count:
        show_none(text, narrowed=bool(search or genre or among))
    if not count:
        return
    place, page = st.container(), _parts.choose_page(count, PER_PAGE)
    asked: dict[str, Any] = {"search": search, "genre": genre, "among": among, "order": order}
    rows = _data.ask(queries.artists, **asked, limit=PER_PAGE, offset=(page - 1) * PER_PAGE)
    with place:
        told = [text.plural("{count} artist", "{count} artists", count)]
        if given["neither"]:
            told.append(_cards.no_followers(text, was_asked=_data.was_asked()))
            counts = _data.ask(queries.release_counts, tuple(rows["artist_id"]))
            rows = rows.join(counts, "artist_id", "left", maintain_order="left")
        st.html(_cards.note(_cards.DOT.join(told), is_told=True))
        _parts.artist_list(_following.named(rows.to_dicts()), text, key="artists")
    _downloads.offer_artists(count, text, asked, with_releases=given["neither"], key="artists")


main()
