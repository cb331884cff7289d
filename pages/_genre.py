"""A genre on the overview: how it moves, who grows fastest in it, who entered it lately."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pages import _cards, _charts, _data, _parts
from pages._text import Text
from pipeline import queries

__all__ = ["show_genre"]

SHOWN = 7  # artists in each list
USUAL_SPAN = 30  # days; of fewer where there is no growth over so many yet


def show_genre(text: Text) -> None:
    """A genre over time: followers of its artists where they are given, its releases by week, who grows, who came."""
    genres = _data.ask(queries.genres)["genre"].to_list()
    if not genres:  # as before the artists of a list of one's own were read
        return
    heading, choice = st.columns([3, 2], vertical_alignment="bottom")
    heading.header(text("A genre over time"), anchor=False)
    genre = choice.selectbox(text("Genre"), genres, key="show", bind="query-params")
    if genre is None:
        return
    history = _data.ask(queries.followers_over_time, genre)
    drawn = history.height > 1
    columns = st.columns(1 + drawn, gap="medium")
    if drawn:
        artists = text.plural("one artist", "the same {count} artists", history["artists"][0])
        about = text("Followers of {artists}, day by day", artists=artists)
        with columns[0]:
            st.html(_cards.note(about))
            _parts.show_chart(_charts.followers_chart, history, text, about=about, key="followers", numbers_of=genre)
    with columns[-1]:
        weeks, about = _data.ask(queries.releases_per_week, genre), text("Albums and singles by week of release")
        st.html(_cards.note(about))
        if _data.ask(queries.coverage)["releases"]:
            _parts.show_chart(_charts.releases_chart, weeks, text, about=about, key="releases", numbers_of=genre)
        else:  # none was read: a row of zeros would say that there were none
            st.html(_cards.empty(text("No releases yet"), text("Releases are read after the artists, run by run.")))
    show_people(genre, text)


def show_people(genre: str, text: Text) -> None:
    """Who grows fastest in a genre, where that can be said, and who entered it lately."""
    spans = _data.ask(queries.genre_spans, genre)
    columns = st.columns(1 + bool(spans), gap="medium")
    if spans:
        with columns[0]:
            show_leaders(genre, spans, text)
    with columns[-1]:
        show_newcomers(genre, text)


def show_leaders(genre: str, spans: Sequence[int], text: Text) -> None:
    """Who grew most in proportion over one of the spans, and of how many that is known."""
    usual = max((span for span in spans if span <= USUAL_SPAN), default=spans[0])
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom"):
        st.subheader(text("Growing fastest in {genre}", genre=genre), anchor=False, width="content")
        days = st.segmented_control(
            text("Days"), spans, default=usual, required=True, label_visibility="collapsed", key="span",
            format_func=lambda span: text.plural("{count} day", "{count} days", span),
        )  # fmt: skip
    found = _data.ask(queries.genre_leaders, genre, days, SHOWN).to_dicts()
    over = text.plural("In {count} day", "In {count} days", days)
    known = text.plural("known of {count} artist", "known of {count} artists", found[0]["compared"])
    st.html(_cards.note(text("{over}, in proportion, from at least 1,000 followers; {known}.", over=over, known=known)))
    _parts.artist_list(found, text, key="leaders")


def show_newcomers(genre: str, text: Text) -> None:
    """Who entered a genre lately; how many, and how many left."""
    st.subheader(text("New in {genre}", genre=genre), anchor=False)
    turnover = _data.ask(queries.genre_turnover, genre)
    since = turnover["first_on"] and text.day(turnover["first_on"])
    if not (turnover["entered"] or turnover["left"]):
        nobody = text("Nobody entered or left in the last 30 days.")
        if since:
            nobody = text("Nobody entered or left since {day}, the first day known.", day=since)
        st.html(_cards.note(nobody))
        return
    entered = text.plural("{count} artist entered", "{count} artists entered", turnover["entered"])
    left = text.plural("{count} left", "{count} left", turnover["left"])
    told = text("In the last 30 days {entered} and {left}.", entered=entered, left=left)
    if since:
        told = text("Since {day}, the first day known, {entered} and {left}.", day=since, entered=entered, left=left)
    st.html(_cards.note(told))
    _parts.artist_list(_data.ask(queries.genre_newcomers, genre, SHOWN).to_dicts(), text, key="newcomers")
