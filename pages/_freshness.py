"""How fresh the genres are, in words: the badge of the frame, the table and the sentence of the health page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple
from datetime import date
from typing import Any

import streamlit as st

from pages import _data
from pages._html import Html, tag
from pages._text import Text
from pipeline.errors import StorageError
from pipeline.runs.progress import CatchUp
from pipeline.service.scheduler import service
from pipeline.watching.freshness import GenreFreshness

__all__ = ["catch_up_words", "frame_badge", "rows", "state_words"]

SHOWN = 6  # genres named in the badge's hint


def rows() -> list[GenreFreshness]:
    """How old each watched genre is; asked again when data, day, targets or schedules change."""
    watched = (*service().settings.genres, *(genre for each in service().schedules() for genre in each.genres))
    kept = _rows(str(service().workspace.root), _data.generation_number(), _data.now().date(), watched, _targets())
    return [GenreFreshness(*row) for row in kept]


def _targets() -> tuple[tuple[str, int], ...]:
    return tuple(service().own_targets().items())


@st.cache_data(max_entries=20, ttl="60s", show_spinner=False)
def _rows(*key: object) -> list[tuple[Any, ...]]:  # noqa: ARG001  what the answer depends on
    return [astuple(row) for row in service().freshness()]  # plain: a class does not outlive a reload of its module


def frame_badge(text: Text) -> Html:
    """Whether every genre is as fresh as it should be, for the top of every page; nothing where that cannot be read."""
    try:
        found = rows()
    except StorageError:  # the page below says what is wrong
        return Html()
    if not found or _data.status().demo:  # only a list of one's own is read; or the demo lives in the past
        return Html()
    old = [row.genre for row in found if row.state == "stale"]
    if old:
        words = text.plural("{count} genre is out of date", "{count} genres are out of date", len(old))
        names = ", ".join(old[:SHOWN]) + (" \u2026" if len(old) > SHOWN else "")
        return tag("span", words, cls="g-badge g-warn", title=names)
    unread = [row.genre for row in found if row.state == "unread"]
    if unread:
        words = text.plural("{count} genre not read yet", "{count} genres not read yet", len(unread))
        return tag("span", words, cls="g-badge g-quiet", title=", ".join(unread[:SHOWN]))
    return tag("span", text("Every genre is up to date"), cls="g-badge g-good")


def state_words(row: GenreFreshness, text: Text) -> str:
    """A genre's state."""
    return {"fresh": text("up to date"), "stale": text("out of date"), "unread": text("not read yet")}[row.state]


def catch_up_words(plan: CatchUp, text: Text) -> str:
    """What the scheduler does about old genres, as things stand."""
    count = len(plan.genres)
    match plan.verdict:
        case "fresh":
            return text("Nothing has to be caught up. A genre that grows older than its target gets a run of its own.")
        case "idle" | "paused":
            without = text("Nothing is caught up, because nothing can be collected without credentials.")
            paused = text("Nothing is caught up, because no schedule is active.")
            return without if plan.verdict == "idle" else paused
        case "locked":
            return text(
                "Searches are locked until {when}; then old genres are caught up.", when=text.instant(plan.until)
            )
        case "spent":
            return text("The request budget of today is too small to catch up; it is tried again as it recovers.")
        case "waiting":
            told = text("They were caught up today already; the next time is {when}.", when=text.instant(plan.until))
            return told if count else ""
        case _:
            return text.plural(
                "{count} genre is caught up by a run within seconds.",
                "{count} genres are caught up by one run within seconds.",
                count,
            )


def age_words(row: GenreFreshness, text: Text) -> str:
    """How long ago it was read."""
    if row.age_days is None:
        return text("never")
    return text("today") if row.age_days == 0 else text.plural("{count} day", "{count} days", row.age_days)


def days_words(days: int, text: Text) -> str:
    """A target age."""
    return text.plural("{count} day", "{count} days", days)


def read_words(day: date | None, text: Text) -> str:
    """The day it was read."""
    return text.day(day) if day else text("never")


def stale_first(found: Sequence[GenreFreshness]) -> list[GenreFreshness]:
    """The rows that need attention before the others."""
    return sorted(found, key=lambda row: (row.state != "stale", row.state != "unread"))
