"""Runs as lines of a list, as a summary and as a calendar, as HTML for `st.html`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from pages._cards import badge, facts, figure, note
from pages._html import Html, join, tag
from pages._run_words import begun_by, shown_state, state_label, task_label, told, tone
from pages._text import Text
from pipeline.service.scheduler import Status

__all__ = [
    "began",
    "calendar",
    "calendar_begin",
    "progress_facts",
    "run_row",
    "run_summary",
    "state_badge",
    "task_label",
]

Row = Mapping[str, Any]
QUIET = ("running", "succeeded", "cancelled")
WORST = ("failed", "crashed", "cancelled", "deferred", "running", "succeeded")  # what a day is coloured by
WEEKS = 26


def state_badge(state: str, text: Text) -> Html:
    """The badge of a state."""
    return badge(state_label(state, text), tone(state))


def began(run: Row, newest: Row | None, text: Text) -> str:
    """When a run began; with the year, where that is another than the newest run's."""
    return text.instant(run["started_at"], newest["started_at"] if newest else None)


def run_row(run: Row, text: Text, newest: Row | None = None) -> Html:
    """One run as a line of a list: state, when, by what or why it ended so, how long, requests, rows."""
    about = begun_by(run, text)
    if run["state"] not in QUIET and run["message"]:
        about = told(run["message"], text)
    return tag(
        "div",
        tag("div", state_badge(shown_state(run), text)),
        tag("div", tag("b", began(run, newest, text)), tag("span", about, title=about), cls="g-who"),
        figure(_duration(run, text), text("duration"), tone="g-wide"),
        figure(text.number(run["requests"]), text("requests")),
        figure(text.number(run["rows"]), text("rows")),
        cls="g-run",
    )


def run_summary(run: Row, text: Text, *, now: datetime | None = None, is_slow: bool = False) -> Html:
    """What a run does or did, in one box: state, when, by what, how long (until `now`), how much, why it ended so."""
    badges = [state_badge(shown_state(run), text)]
    if is_slow:
        badges.append(badge(text("slower than usual"), "warn"))
    rows = [
        (text("Run"), run["run_id"]),
        (text("Began"), text.zoned(run["started_at"])),
        (text("Started by"), begun_by(run, text)),
        (text("Duration"), _duration({**run, "finished_at": run["finished_at"] or now}, text)),
        (text("Requests"), text.number(run["requests"])),
        (text("Rows"), text.number(run["rows"])),
    ]
    if run["due_at"] and run["state"] == "deferred":
        rows.append((text("The rest may be asked"), text.zoned(run["due_at"])))
    if run["trigger"] == "import":
        rows.append((text("To take it back"), f"python -m pipeline purge --import {run['run_id']}"))
    said = told(run["message"], text)
    if shown_state(run) == "cancelling":
        said = text("What was committed is kept. A run that is publishing already comes to its end.")
    message = note(said) if said else ""
    return tag("div", tag("div", *badges, cls="g-badges", data_told=""), facts(rows), message, cls="g-box")


def progress_facts(status: Status, text: Text) -> Html:
    """Where the active run is; nothing when there is none."""
    progress = status.active
    if progress is None:
        return Html()
    done = f"{text.number(progress.done)} / {text.number(progress.total)}"
    rows = (
        (text("Task"), task_label(progress.task, text)),
        *(((text("Items"), done),) if progress.total else ()),  # a task need not have items
        (text("Requests"), text.number(progress.requests)),
        (text("Rows"), text.number(progress.rows)),
    )
    return facts(rows)


def calendar(days: Sequence[Row], today: date, text: Text) -> Html:
    """Half a year of days, a column a week from Monday, each coloured by the worst that a run of it came to."""
    found: dict[date, dict[str, int]] = {}
    for row in days:
        found.setdefault(date.fromisoformat(row["day"]), {})[row["state"]] = row["runs"]
    first = calendar_begin(today)
    cells = [_day(first + timedelta(days=n), found, text) for n in range((today - first).days + 1)]
    legend = [tag("span", tag("i", cls=f"g-s-{state}"), state_label(state, text)) for state in _legend(found)]
    table = tag("div", *cells, cls="g-cal", role="img", aria_label=_spoken(found, text))
    return join(table, tag("div", *legend, cls="g-legend"))


def calendar_begin(today: date) -> date:
    """The Monday on which the calendar begins."""
    return today - timedelta(days=today.weekday() + 7 * (WEEKS - 1))


def _day(day: date, found: Mapping[date, Mapping[str, int]], text: Text) -> Html:
    states = found.get(day, {})
    worst = next((state for state in WORST if state in states), "none")
    words = ", ".join(f"{state_label(state, text)} {text.number(count)}" for state, count in states.items())
    return tag("i", cls=f"g-s-{worst}", title=f"{text.day(day)}: {words or text('no run')}")


def _legend(found: Mapping[date, Mapping[str, int]]) -> list[str]:
    seen = {state for states in found.values() for state in states}
    return [state for state in reversed(WORST) if state in seen]


def _spoken(found: Mapping[date, Mapping[str, int]], text: Text) -> str:
    """The calendar for who does not see it: totals by state."""
    totals: dict[str, int] = {}
    for states in found.values():
        for state, count in states.items():
            totals[state] = totals.get(state, 0) + count
    words = ", ".join(f"{state_label(state, text)} {text.number(count)}" for state, count in totals.items())
    return text("Outcomes of the last half year: {words}", words=words or text("no run"))


def _duration(row: Row, text: Text) -> str:
    """How long a run took; three dots while it goes."""
    return text.duration((row["finished_at"] - row["started_at"]).total_seconds()) if row["finished_at"] else "\u2026"
