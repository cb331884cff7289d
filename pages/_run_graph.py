"""A run drawn as HTML: its graph coloured by state, its tasks and attempts on a line of time.

HTML and not figures, since these change every second before everybody who looks: a string is made once for all of them
and takes its colours from the theme by itself (docs/decisions/0030).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from pages._cards import badge
from pages._html import Html, tag
from pages._run_data import BINS, Look
from pages._run_words import state_label, task_label, told, tone
from pages._text import Text, round_seconds

__all__ = ["graph", "timeline"]

Row = Mapping[str, Any]
LANES = 8  # attempts side by side; more lie over the last one
LANE_PX, TRACK_PX = 7, 56
DONE = ("succeeded", "skipped", "failed")  # the others were not brought to their end
ORDER = ("succeeded", "skipped", "running", "deferred", "cancelled", "failed", "crashed")  # from the ground up


def graph(look: Look, text: Text) -> Html:
    """Tasks from first to last, each with its state, how far it is and how long it took; mapped ones as a pile."""
    steps = [tag("li", *(_node(row, look, text) for row in level)) for level in _levels(look.graph)]
    return tag("ol", *steps, cls="g-dag", aria_label=text("Graph of the run"))


def _levels(rows: Sequence[Row]) -> list[list[Row]]:
    """Tasks by how many come before them on the longest way."""
    depth: dict[str, int] = {}
    for row in rows:
        depth[row["task"]] = 1 + max((depth[name] for name in row["after"] if name in depth), default=-1)
    return [[row for row in rows if depth[row["task"]] == level] for level in sorted(set(depth.values()))]


def _node(row: Row, look: Look, text: Text) -> Html:
    state = row["state"]
    parts = [tag("b", task_label(row["task"], text)), badge(state_label(state, text), tone(state))]
    if told_so := _progress(row, look, text):
        parts.append(tag("small", told_so))
    mapped = " g-many" if row["mapped_over"] else ""
    return tag("div", *parts, cls=f"g-node g-s-{state}{mapped}", title=told(row["message"], text) or None)


def _progress(row: Row, look: Look, text: Text) -> str:
    """Items done of all, and how long."""
    states, let_go = look.counts.get(row["task"], {}), look.let_go(row)
    whole = sum(states.values()) + let_go  # in a task that succeeded others have asked what some of its items put off
    done = whole if row["state"] == "succeeded" else sum(states.get(state, 0) for state in DONE) + let_go
    items = f"{text.number(done)} / {text.number(whole)}" if whole else ""
    took = text.duration(_seconds(row, look)) if row["started_at"] else ""
    return " \u00b7 ".join(filter(None, (items, took)))


def timeline(look: Look, text: Text) -> Html:
    """When each task began and ended, and below it its attempts: one by one, or counted where there are many."""
    whole = max((look.now - look.run["started_at"]).total_seconds(), 1.0)
    rows = [_row(task, look, whole, text) for task in look.graph if task["started_at"]]
    step = round_seconds(whole / 6)
    marks = [_mark(place * step, whole, text) for place in range(int(whole / step) + 1)]
    axis = tag("div", tag("span", ""), tag("div", *marks, cls="g-axis"), tag("span", ""), cls="g-line")
    return tag("div", *rows, axis, cls="g-gantt", role="group", aria_label=text("Tasks and attempts over time"))


def _mark(seconds: float, whole: float, text: Text) -> Html:
    label = text.duration(seconds) if seconds else "0"
    return tag("i", label, style=f"left:{_percent(seconds, whole)}")


def _row(task: Row, look: Look, whole: float, text: Text) -> Html:
    name, took = task_label(task["task"], text), text.duration(_seconds(task, look))
    label = f"{name}: {state_label(task['state'], text)}, {took}"
    bar = _bar(task, look, whole, f"g-bar g-s-{task['state']}", label, "top:0")
    attempts = [row for row in look.bars if row["task"] == task["task"]]
    bins = [row for row in look.bins if row["task"] == task["task"]]
    inner, height = _columns(bins, text) if bins else _lanes(attempts, look, whole, text)
    track = tag("div", bar, *inner, cls="g-track", style=f"height:{10 + height}px")
    return tag("div", tag("span", name), track, tag("span", took), cls="g-line")


def _lanes(attempts: Iterable[Row], look: Look, whole: float, text: Text) -> tuple[list[Html], int]:
    """A thin bar for each attempt, in the first lane that is free; and how high they are together."""
    free: list[datetime] = []
    bars = []
    for row in attempts:
        if not row["item"] and row["attempt"] == 1:
            continue  # the task itself, drawn already
        lane = next((place for place, until in enumerate(free) if until <= row["started_at"]), len(free))
        if lane >= LANES:
            lane = LANES - 1
        end = row["finished_at"] or look.now
        free[lane:] = [end, *free[lane + 1 :]]
        again = " g-again" if row["attempt"] > 1 else ""
        css = f"g-try g-s-{row['state']}{again}"
        bars.append(_bar(row, look, whole, css, _about(row, look, text), f"top:{10 + lane * LANE_PX}px"))
    return bars, len(free) * LANE_PX + (3 if free else 0)


def _about(row: Row, look: Look, text: Text) -> str:
    attempt = text("attempt {number}", number=row["attempt"])
    took = text.duration(_seconds(row, look))
    told_so = told(row["message"], text)[:160]
    return "; ".join(filter(None, (f"{row['item']}, {attempt}: {state_label(row['state'], text)}, {took}", told_so)))


def _columns(bins: Sequence[Row], text: Text) -> tuple[list[Html], int]:
    """A column for each span of time, stacked by state, as high as attempts began in it."""
    totals, labels = dict[int, int](), {row["state"]: state_label(row["state"], text) for row in bins}
    for row in bins:
        totals[row["bin"]] = totals.get(row["bin"], 0) + row["attempts"]
    most, ground, columns = max(totals.values()), dict[int, float](), []
    for row in sorted(bins, key=lambda each: ORDER.index(each["state"]) if each["state"] in ORDER else 0):
        high = max(1.0, row["attempts"] / most * TRACK_PX)
        floor = ground.get(row["bin"], 0.0)
        ground[row["bin"]] = floor + high
        left = min(row["bin"], BINS - 1) / BINS
        place = f"left:{left:.2%};width:{1 / BINS:.2%};bottom:{floor:.0f}px;height:{high:.0f}px"
        title = f"{row['attempts']} \u00d7 {labels[row['state']]}"
        columns.append(tag("i", cls=f"g-bin g-s-{row['state']}", style=place, title=title))
    return columns, TRACK_PX + 4


def _bar(row: Row, look: Look, whole: float, css: str, title: str, place: str) -> Html:
    began = (row["started_at"] - look.run["started_at"]).total_seconds()
    width = _percent(min(_seconds(row, look), whole - began), whole)
    return tag("i", cls=css, style=f"left:{_percent(began, whole)};width:max(2px,{width});{place}", title=title)


def _seconds(row: Row, look: Look) -> float:
    """How long it took, or has taken so far."""
    end: datetime = row["finished_at"] or look.now
    began: datetime = row["started_at"]
    return max(0.0, (end - began).total_seconds())


def _percent(seconds: float, whole: float) -> str:
    return f"{min(1.0, max(0.0, seconds / whole)):.2%}"
