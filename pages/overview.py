"""What a newcomer sees first: how much is known, what is new, who grows, how a genre moves, what the last run did."""

from __future__ import annotations

import polars as pl
import streamlit as st

from pages import _cards, _charts, _data, _parts, _run_cards
from pages._html import tag
from pages._text import Text, current_text
from pipeline import queries

GROWTH_DAYS = 30


def show_numbers(text: Text) -> None:
    """Counts, each with what it covers."""
    known = _data.ask(queries.coverage)
    artists = max(known["artists"], 1)
    followers = text("followers known of {share}", share=text.percent(known["artists_with_followers"] / artists))
    if not known["artists_with_followers"]:
        followers = text("followers not given by Spotify to this app")
    releases = text("read for {share} of artists", share=text.percent(known["artists_with_releases"] / artists))
    until = text("up to {day}", day=text.day(known["last_on"]))
    tracks = text.plural("{count} track known", "{count} tracks known", known["tracks"])
    tiles = (
        (text("Artists"), text.number(known["artists"]), followers),
        (text("Releases"), text.number(known["releases"]), releases),
        (text("Released in 30 days"), text.number(known["releases_recent"]), until),
        (text("Genres"), text.number(known["genres"]), tracks),
        (text("Days of history"), text.number(known["days"]), text("since {day}", day=text.day(known["first_on"]))),
    )
    st.html(_cards.stats(tiles))


def show_newest(text: Text) -> None:
    """The newest releases as covers."""
    st.subheader(text("Newest releases"), anchor=False)
    found = _data.ask(queries.newest_releases, 6)
    if found.is_empty():
        advice = text("Releases are read after the artists; the next run goes on where the last one ended.")
        st.html(_cards.empty(text("No releases yet"), advice))
    else:
        _parts.release_grid(found.to_dicts(), text, key="newest", columns=3)


def show_growth(text: Text) -> None:
    """Who grew most in proportion."""
    st.subheader(text("Growing fastest"), anchor=False)
    st.html(_cards.note(text("Followers gained in 30 days, in proportion, from at least 1,000.")))
    found = _data.ask(queries.growth_leaders, GROWTH_DAYS, 7)
    if found.is_empty():
        advice = text(
            "Growth needs followers of two days. Where Spotify does not give them to this app, there is none."
        )
        st.html(_cards.empty(text("No growth to show yet"), advice))
    else:
        _parts.artist_list(found.to_dicts(), text, key="growth")


def show_genre(text: Text) -> None:
    """A genre over time: followers of its artists where they are given, and its releases by week."""
    heading, choice = st.columns([3, 2], vertical_alignment="bottom")
    heading.subheader(text("A genre over time"), anchor=False)
    genres = _data.ask(queries.genres)["genre"].to_list()
    genre = choice.selectbox(text("Genre"), genres, key="show", bind="query-params")
    if genre is None:
        return
    left, right = st.columns(2, gap="medium")
    with left:
        show_followers(_data.ask(queries.followers_over_time, genre), text)
    with right:
        about = text("Albums and singles by week of release")
        st.html(_cards.note(about))
        weeks = _data.ask(queries.releases_per_week, genre)
        _parts.show_chart(_charts.releases_chart, weeks, text, about=about, key="genre_releases")


def show_followers(history: pl.DataFrame, text: Text) -> None:
    """Followers of the same artists, day by day."""
    if history.height < 2:
        advice = text(
            "A line needs followers of two days. Where Spotify does not give them to this app, there is none."
        )
        st.html(_cards.empty(text("No followers to show yet"), advice))
        return
    artists = text.plural("one artist", "the same {count} artists", history["artists"][0])
    about = text("Followers of {artists}, day by day", artists=artists)
    st.html(_cards.note(about))
    _parts.show_chart(_charts.followers_chart, history, text, about=about, key="genre_followers")


def show_run(text: Text) -> None:
    """What the last run did."""
    st.subheader(text("The last run"), anchor=False)
    run = _data.last_run()
    if run is None:
        st.html(_cards.empty(text("No run yet"), text("Start one on the page Runs.")))
    else:
        st.html(_run_cards.run_summary(run, text))
        st.page_link("runs.py", label=text("All runs"))


def main() -> None:
    """The page."""
    text = current_text()
    st.title(text("Overview"), anchor=False)
    lead = text("Artists found genre by genre, watched day by day: what they release, and who is growing.")
    st.html(tag("p", lead, cls="g-lead"))
    show_numbers(text)
    newest, growth = st.columns(2, gap="medium")
    with newest:
        show_newest(text)
    with growth:
        show_growth(text)
    show_genre(text)
    show_run(text)


main()
