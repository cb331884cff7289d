"""Parts of the settings page: a table of words, what is kept for how long, what Spotify's terms ask."""

from __future__ import annotations

from collections.abc import Iterable

import streamlit as st

from pages import _cards
from pages._html import Html, marked, tag
from pages._tables import table
from pages._text import Text
from pipeline.service.scheduler import service

__all__ = ["show_retention", "show_terms", "word_table"]


def word_table(about: str, heads: Iterable[str], rows: Iterable[Iterable[str]]) -> Html:
    """Rows of words, in which what stands between backticks is code."""
    return table(about, heads, ((name, *map(marked, cells)) for name, *cells in rows), "g-words")


def show_retention(text: Text) -> None:
    """What is kept of what, and how long."""
    about = text("What is kept, and for how long")
    st.header(about, anchor=False)
    settings = service().settings

    def span(days: int) -> str:
        return text.plural("{count} day", "{count} days", days) if days else text("for ever")

    numbers = span(settings.keep_snapshot_days)
    months = text("{span}, then they go by months", span=numbers) if settings.keep_snapshot_days else numbers
    rows = (
        (
            text("Answers as received"),
            span(settings.keep_raw_days),
            text("to derive every number again, and to trace where it came from"),
        ),
        (text("Numbers of each day"), months, text("followers and popularity over time")),
        (
            text("Artists, releases, tracks, genres"),
            text("until an artist is purged, or everything"),
            text("what pages show; as last seen"),
        ),
        (text("Log lines and answered items of runs"), span(settings.keep_log_days), text("to see what a run did")),
        (
            text("Runs, requests, schedules"),
            text("for ever"),
            text("to count what may still be asked, and to compare"),
        ),
    )
    st.html(word_table(about, (text("Layer"), text("Kept for"), text("What it is for")), rows))
    words = text(
        "What is older goes by itself with the next run; the settings below change the days. By hand: `python -m "
        "pipeline purge`."
    )
    st.html(_cards.note(marked(words)))


def show_terms(text: Text) -> None:
    """What the owner should know before collecting."""
    st.header(text("What Spotify's terms ask"), anchor=False)
    points = (
        text(
            "Keep no more than you need, and not for ever: the settings below say how long; `python -m pipeline "
            "purge --all` deletes everything."
        ),
        text("Names, numbers and links are kept; cover art stays on Spotify's servers and is only linked."),
        text("Development mode is for personal, non-commercial use."),
        text("No machine learning on Spotify's content; analysing it to derive listening figures is restricted."),
        text("Link back to Spotify wherever an artist, a release or a track is shown, as these pages do."),
    )
    st.html(tag("ul", *(tag("li", marked(point)) for point in points), cls="g-points"))
