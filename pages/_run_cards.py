"""Runs and their tasks in the reader's words, as HTML for `st.html`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from pages._cards import badge, facts, figure, note
from pages._html import Html, tag
from pages._text import Text
from pipeline.scheduler import Status

__all__ = ["attempts_frame", "progress_facts", "run_row", "run_summary", "state_badge", "task_label", "task_table"]

Row = Mapping[str, Any]
QUIET = ("running", "succeeded", "cancelled")
TONES = {
    "running": "live",
    "succeeded": "good",
    "failed": "bad",
    "crashed": "bad",
    "cancelled": "quiet",
    "skipped": "quiet",
    "deferred": "warn",
}


def state_label(state: str, text: Text) -> str:
    """The state of a run or task."""
    labels = {
        "running": text("running"),
        "succeeded": text("succeeded"),
        "failed": text("failed"),
        "crashed": text("crashed"),
        "cancelled": text("cancelled"),
        "skipped": text("skipped"),
        "deferred": text("deferred"),
    }
    return labels.get(state, state)


def task_label(name: str, text: Text) -> str:
    """A task of the graph."""
    labels = {
        "": text("starting"),
        "probe": text("probing the source"),
        "plan": text("planning"),
        "discover": text("discovering artists"),
        "refresh_artists": text("reading artists"),
        "refresh_releases": text("reading releases"),
        "refresh_tracks": text("reading tracks"),
        "publish": text("publishing"),
        "check": text("checking"),
    }
    return labels.get(name, name.replace("_", " "))


def trigger_label(trigger: str, text: Text) -> str:
    """What began a run."""
    labels = {
        "schedule": text("the schedule"),
        "button": text("the button Run now"),
        "cli": text("the command line"),
        "external": text("another system"),
    }
    return labels.get(trigger, trigger)


def state_badge(state: str, text: Text, count: int = 1) -> Html:
    """The badge of a state, with how many where it stands for several."""
    times = f" \u00d7 {text.number(count)}" if count > 1 else ""
    return badge(f"{state_label(state, text)}{times}", TONES.get(state, "quiet"))


def run_row(run: Row, text: Text) -> Html:
    """One run as a line of a list: state, when, by what or why it ended so, how long, requests, rows."""
    about = trigger_label(run["trigger"], text) if run["state"] in QUIET or not run["message"] else run["message"]
    return tag(
        "div",
        tag("div", state_badge(run["state"], text)),
        tag("div", tag("b", text.instant(run["started_at"])), tag("span", about, title=about), cls="g-who"),
        figure(_duration(run, text), text("duration"), tone="g-wide"),
        figure(text.number(run["requests"]), text("requests")),
        figure(text.number(run["rows"]), text("rows")),
        cls="g-run",
    )


def run_summary(run: Row, text: Text) -> Html:
    """What a run did, in one box, with its message where it has one."""
    rows = (
        (text("Began"), text.instant(run["started_at"])),
        (text("Started by"), trigger_label(run["trigger"], text)),
        (text("Duration"), _duration(run, text)),
        (text("Requests"), text.number(run["requests"])),
        (text("Rows"), text.number(run["rows"])),
    )
    message = note(run["message"]) if run["message"] else ""
    return tag("div", tag("div", state_badge(run["state"], text)), facts(rows), message, cls="g-box")


def progress_facts(status: Status, text: Text) -> Html:
    """Where the active run is; nothing when there is none."""
    progress = status.active
    if progress is None:
        return Html()
    rows = (
        (text("Task"), task_label(progress.task, text)),
        (text("Items"), f"{text.number(progress.done)} / {text.number(progress.total)}"),
        (text("Requests"), text.number(progress.requests)),
        (text("Rows"), text.number(progress.rows)),
    )
    return facts(rows)


def task_table(attempts: Sequence[Row], text: Text) -> Html:
    """Tasks of a run in the order they began: how their items ended, items, requests, rows."""
    names = dict.fromkeys(row["task"] for row in attempts)
    lines = [_task_line(name, [row for row in attempts if row["task"] == name], text) for name in names]
    heads = (text("Task"), text("State"), text("Items"), text("Requests"), text("Rows"))
    head = tag("thead", tag("tr", *(tag("th", label, scope="col") for label in heads)))
    return tag("div", tag("table", head, tag("tbody", *lines), cls="g-table"), cls="g-scroll", tabindex="0")


def attempts_frame(attempts: Sequence[Row], text: Text) -> pl.DataFrame:
    """One row per attempt at a task or at one item of it."""
    columns = {
        text("Task"): [task_label(row["task"], text) for row in attempts],
        text("Item"): [row["item"] for row in attempts],
        text("Attempt"): [row["attempt"] for row in attempts],
        text("State"): [state_label(row["state"], text) for row in attempts],
        text("Duration"): [_duration(row, text) for row in attempts],
        text("Requests"): [row["requests"] for row in attempts],
        text("Rows"): [row["rows"] for row in attempts],
        text("Message"): [row["message"] for row in attempts],
    }
    return pl.DataFrame(columns)


def _task_line(name: str, attempts: Sequence[Row], text: Text) -> Html:
    ended = Counter(row["state"] for row in attempts)
    badges = [state_badge(state, text, count) for state, count in ended.items()]
    numbers = (
        len({row["batch_id"] for row in attempts}),
        sum(row["requests"] for row in attempts),
        sum(row["rows"] for row in attempts),
    )
    cells = (tag("td", text.number(value)) for value in numbers)
    return tag("tr", tag("th", task_label(name, text), scope="row"), tag("td", *badges), *cells)


def _duration(row: Row, text: Text) -> str:
    """How long a run or attempt took; three dots while it goes."""
    return text.duration((row["finished_at"] - row["started_at"]).total_seconds()) if row["finished_at"] else "\u2026"
