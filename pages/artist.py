"""One artist: /artist?id=…: face, numbers, history, genres, releases, and the way back to Spotify."""

from __future__ import annotations

from typing import Any

import streamlit as st

from pages import _cards, _charts, _data, _lists
from pages._look import current_palette
from pages._text import Text, current_text
from pipeline import queries

MOST_RELEASES = 60


def show_numbers(found: dict[str, Any], text: Text) -> None:
    """Followers, popularity, releases; what is withheld is said."""
    grown = found["growth"] is not None
    change = (
        text("{gained} since {day}", gained=text.signed(found["gained"]), day=text.day(found["since"])) if grown else ""
    )
    withheld = text("not given by Spotify to this app")
    latest = text("latest on {day}", day=text.day(found["latest_release_on"])) if found["latest_release_on"] else ""
    growth = text.percent(found["growth"], signed=True) if grown else "\u2013"
    checked = found["releases_checked_on"]
    tiles = (
        (
            text("Followers"),
            "\u2013" if found["followers"] is None else text.number(found["followers"]),
            withheld if found["followers"] is None else change,
        ),
        (text("Growth in 30 days"), growth, text("of followers") if grown else text("needs followers of two days")),
        (
            text("Popularity"),
            "\u2013" if found["popularity"] is None else text.number(found["popularity"]),
            withheld if found["popularity"] is None else text("of 100, Spotify's own index"),
        ),
        (text("Releases"), text.number(found["releases"]), latest if checked else text("not read yet")),
    )
    st.html(_cards.stats(tiles))


def show_history(found: dict[str, Any], text: Text) -> None:
    """Followers and popularity by day."""
    history = _data.ask(queries.artist_history, found["artist_id"])
    style, name = _charts.Style(text, current_palette()), found["name"] or found["artist_id"]
    charts = (
        (
            "followers",
            text("Followers over time"),
            _charts.followers_chart,
            text("Followers of {name} by day", name=name),
        ),
        (
            "popularity",
            text("Popularity over time"),
            _charts.popularity_chart,
            text("Popularity of {name} by day", name=name),
        ),
    )
    for column, (field, title, chart, about) in zip(st.columns(2, gap="medium"), charts, strict=True):
        with column:
            st.subheader(title, anchor=False)
            known = history[field].drop_nulls().len()
            if known > 1:
                st.plotly_chart(
                    chart(history, style), theme=None, config=_charts.CONFIG, alt=about, key=f"{field}_chart"
                )
            elif known == 1:
                st.html(
                    _cards.empty(
                        text("One day so far"), text("A line appears with the second day; collect again tomorrow.")
                    )
                )
            else:
                advice = text("Apps in development mode do not receive it; nothing is guessed in its place.")
                st.html(_cards.empty(text("Not given by Spotify to this app"), advice))


def show_genres(artist_id: str, text: Text) -> None:
    """The artist's genres, each leading to its artists."""
    genres = _data.ask(queries.artist_genres, artist_id)
    with st.container(horizontal=True, gap="xsmall", key="chips"):
        for genre, provenances, _ in genres.iter_rows():
            origin = text("found by searching this genre") if provenances == ["search"] else text("given by Spotify")
            st.page_link("artists.py", label=genre, query_params={"genre": genre}, help=origin)


def show_releases(artist_id: str, text: Text) -> None:
    """Releases as covers, newest first."""
    st.subheader(text("Releases"), anchor=False)
    found = _data.ask(queries.artist_releases, artist_id, MOST_RELEASES)
    if found.is_empty():
        advice = text(
            "Either there are none, or they have not been read yet: the artists unread for longest come first in each run."
        )
        st.html(_cards.empty(text("No releases known"), advice))
    else:
        _lists.release_grid(found.to_dicts(), text, key="releases")


def main() -> None:
    """The page."""
    text, artist_id = current_text(), st.query_params.get("id", "")
    found = _data.ask(queries.artist, artist_id)
    if found is None:
        title = text("No artist with the id {id} here", id=artist_id) if artist_id else text("Which artist?")
        st.html(_cards.empty(title, text("Choose one from the list of artists.")))
        st.page_link("artists.py", label=text("Go to Artists"))
        return
    st.html(_cards.artist_head(found, text))
    show_genres(artist_id, text)
    show_numbers(found, text)
    show_history(found, text)
    show_releases(artist_id, text)


main()
