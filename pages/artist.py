"""One artist: /artist?id=…: face, numbers, history, genres, releases, and the way back to Spotify."""

from __future__ import annotations

from typing import Any

import streamlit as st

from pages import _cards, _charts, _data, _following, _parts
from pages._text import Text, current_text
from pipeline import queries

PER_PAGE = 24


def show_numbers(found: dict[str, Any], text: Text) -> None:
    """Followers, growth, popularity, releases; what is withheld is said."""
    grown, withheld = found["growth"] is not None, _cards.withheld(text, was_asked=_data.was_asked())
    gained = text("{gained} since {day}", gained=text.signed(found["gained"]), day=text.day(found["since"]))
    history = _data.ask(queries.artist_history, found["artist_id"])["followers"].drop_nulls()
    lacking = text("needs followers of 30 days before") if history.len() > 1 else text("needs followers of two days")
    why = withheld if found["followers"] is None else lacking
    latest = text("latest on {day}", day=text.day(found["latest_release_on"])) if found["latest_release_on"] else ""
    read = latest if found["releases_checked_on"] else text("own list not read yet")
    tiles = (
        _known(text("Followers"), found["followers"], gained if grown else "", withheld, text),
        (
            text.plural("Growth in {count} day", "Growth in {count} days", growth_days(found)),
            text.percent(found["growth"], signed=True) if grown else _cards.NONE,
            text("of followers") if grown else why,
        ),
        _known(text("Popularity"), found["popularity"], text("of 100, Spotify's own index"), withheld, text),
        (text("Releases"), text.number(found["releases"]), read),
    )
    st.html(_cards.stats(tiles))


def growth_days(found: dict[str, Any]) -> int:
    """Over how many days growth is told: 30, or fewer while no more are known."""
    return min(30, (found["until"] - found["since"]).days) if found["since"] else 30


def _known(label: str, value: int | None, about: str, withheld: str, text: Text) -> tuple[str, str, str]:
    return (label, _cards.NONE, withheld) if value is None else (label, text.number(value), about)


def show_history(found: dict[str, Any], text: Text) -> None:
    """Followers and popularity by day."""
    name = found["name"] or found["artist_id"]
    followers, popularity = st.columns(2, gap="medium")
    with followers:
        st.header(text("Followers over time"), anchor=False)
        about = text("Followers of {name} by day", name=name)
        show_line("followers", _charts.followers_chart, found["artist_id"], about, text)
    with popularity:
        st.header(text("Popularity over time"), anchor=False)
        about = text("Popularity of {name} by day, 0 to 100", name=name)
        show_line("popularity", _charts.popularity_chart, found["artist_id"], about, text)


def show_line(field: str, chart: Any, artist_id: str, about: str, text: Text) -> None:
    """One number by day; below two days what is missing, and why."""
    history = _data.ask(queries.artist_history, artist_id)
    days = history[field].drop_nulls().len()
    if days > 1:
        numbers = history.select("observed_on", field)
        _parts.show_chart(chart, numbers, text, about=about, key=field, numbers_of=artist_id)
    elif days == 1:
        then, advice = _data.is_looking_back(), text("A line appears with the second day; collect again tomorrow.")
        missing = text("One day until then") if then else text("One day so far")
        st.html(_cards.empty(missing, text("A line needs numbers of two days.") if then else advice))
    elif not _data.was_asked():
        st.html(_cards.empty(text("Not asked yet"), text("A run asks Spotify.")))
    else:
        advice = text("Apps in development mode do not receive it; nothing is guessed in its place.")
        st.html(_cards.empty(text("Not given by Spotify to this app"), advice))


def show_genres(artist_id: str, text: Text) -> None:
    """The artist's genres, each leading to its artists."""
    with st.container(horizontal=True, gap="xsmall", key="chips"):
        for genre, provenances, _ in _data.ask(queries.artist_genres, artist_id).iter_rows():
            origin = text("given by Spotify") if "spotify" in provenances else text("found by searching this genre")
            st.page_link("artists.py", label=genre, query_params={"genre": genre}, help=origin)


def show_releases(found: dict[str, Any], text: Text) -> None:
    """Releases as covers, newest first, page by page."""
    st.header(text("Releases"), anchor=False)
    if not found["releases"]:
        advice = text("There are none, or they have not been read yet: each run reads the artists unread for longest.")
        st.html(_cards.empty(text("No releases known"), advice))
        return
    place, page = st.container(), _parts.choose_page(found["releases"], PER_PAGE)
    rows = _data.ask(queries.artist_releases, found["artist_id"], PER_PAGE, (page - 1) * PER_PAGE)
    with place:
        _parts.release_grid(rows.to_dicts(), text, key="releases")


def main() -> None:
    """The page."""
    text, artist_id = current_text(), st.query_params.get("id", "")
    found = _data.ask(queries.artist, artist_id)
    if found is None:
        _parts.name_page(_following.show_missing(artist_id, text))
        return
    _parts.name_page(found["name"] or artist_id)
    if not _following.show_head(found, text):
        return
    show_genres(artist_id, text)
    show_numbers(found, text)
    show_history(found, text)
    show_releases(found, text)


main()
