"""Items, log lines and budget of a run as HTML tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from pages._cards import NONE, badge, note
from pages._html import Html, join, tag
from pages._run_words import bucket_label, budget_note, state_label, task_label, told, tone
from pages._tables import table
from pages._text import Text

__all__ = ["budget_table", "cost_table", "item_table", "log_lines", "reject_table"]

Row = Mapping[str, Any]
LOUD = {"WARNING": "warn", "ERROR": "bad", "CRITICAL": "bad"}


def item_table(rows: Iterable[Row], now: datetime, text: Text) -> Html:
    """Mapped items by name: task, state, attempts, duration, requests, rows, what was said last."""
    heads = (
        text("Item"), text("State"), text("Task"), text("Attempts"), text("Duration"), text("Requests"), text("Rows"),
        text("Message"),
    )  # fmt: skip
    return table(text("Items"), heads, [_item(row, now, text) for row in rows], "g-items")


def _item(row: Row, now: datetime, text: Text) -> tuple[str, ...]:
    took = NONE
    if row["started_at"]:
        took = text.duration(((row["finished_at"] or now) - row["started_at"]).total_seconds())
    tries = [tag("small", _try(each, now, text)) for each in row["tries"]]
    return (
        row["item"],
        badge(state_label(row["state"], text), tone(row["state"])),
        task_label(row["task"], text),
        text.number(row["attempts"]),
        took,
        text.number(row["requests"]),
        text.number(row["rows"]),
        join(told(row["message"], text), *tries),
    )


def _try(row: Row, now: datetime, text: Text) -> str:
    """One of several attempts, in a line; how the one before the last ended does not vanish."""
    took = text.duration(((row["finished_at"] or now) - row["started_at"]).total_seconds())
    words = [text("attempt {number}", number=row["attempt"]), state_label(row["state"], text), took]
    if row["wait_s"]:
        words.append(text("after a wait of {seconds}", seconds=text.duration(row["wait_s"])))
    return ", ".join(words)


def log_lines(rows: Sequence[Row], text: Text) -> Html:
    """Lines of the log, the newest first: time, level, task, item, event and what it says."""
    return tag("ol", *(_line(row, text) for row in rows), cls="g-log", tabindex="0", aria_label=text("Log"))


def _line(row: Row, text: Text) -> Html:
    level = badge(row["level"].lower(), LOUD.get(row["level"], "quiet"))
    about = " \u00b7 ".join(filter(None, (task_label(row["task"], text) if row["task"] else "", row["item"])))
    words = tag("span", tag("b", row["event"]), f" {row['message']}")
    stamp = tag("time", text.clock(row["at"]), datetime=row["at"].isoformat())
    return tag("li", stamp, level, tag("em", about), words, cls=f"g-{LOUD.get(row['level'], 'calm')}")


def reject_table(rows: Iterable[Row], more: int, text: Text) -> Html:
    """What an import did not take: file, line, reason; how many more there were."""
    heads = (text("File"), text("Line"), text("Reason"))
    lines = [
        (row["file"], text.number(row["line"]) if row["line"] else NONE, told(row["reason"], text)) for row in rows
    ]
    also = note(text("and {count} more", count=text.number(more))) if more else ""
    return tag("div", table(text("Rejected"), heads, lines, "g-words"), also, cls="g-stack")


def budget_table(sent: Mapping[str, int], views: Iterable[Any], text: Text) -> Html:
    """What this run sent in each bucket of the budget, what 24 hours took in all, what is left, until when locked."""
    heads = (text("Requests"), text("By this run"), text("In 24 hours"), text("Left"), text("Locked until"))
    lines = []
    for view in views:
        left = text("no limit known") if view.left is None else text.number(view.left)
        lock = tag("span", text.zoned(view.locked_until), title=view.reason) if view.locked_until else NONE
        name, own = bucket_label(view.bucket, text), text.number(sent.get(view.bucket, 0))
        lines.append((name, own, text.number(view.used), left, lock))
    return join(table(text("Budget"), heads, lines, "g-budget"), note(budget_note(text)))


def cost_table(planned: Iterable[Any], text: Text) -> Html:
    """What a run would ask: by task its items, the requests that are certain, the most, what is left of the bucket."""
    heads = (text("Task"), text("Items"), text("Requests"), text("At most"), text("Left"))
    lines = []
    for row in planned:
        left = text("no limit known") if row.left is None else text.number(row.left)
        if row.locked_until:
            left = text("locked until {when}", when=text.instant(row.locked_until))
        name, items = task_label(row.task, text), text.number(len(row.items))
        lines.append((name, items, text.number(row.requests), text.number(row.at_most), left))
    return table(text("Cost by task"), heads, lines, "g-cost")
