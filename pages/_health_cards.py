"""Health in the reader's words, as HTML for `st.html`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pages import _data, _freshness
from pages._cards import DOT, badge, note, stats
from pages._html import Html, join, tag
from pages._run_words import bucket_label, budget_note, told
from pages._tables import table
from pages._text import Text
from pipeline.watching.freshness import GenreFreshness

__all__ = ["budget_table", "freshness_table", "numbers", "verdict"]

TONES = {"ok": "good", "attention": "warn", "failing": "bad", "filling": "live", "idle": "quiet"}
Found = Mapping[str, Any]


def verdict(found: Found, text: Text) -> Html:
    """The state, and what there is to look at."""
    words = {
        "ok": text("All is well"),
        "attention": text("It works, but somebody should look"),
        "failing": text("It cannot collect"),
        "filling": text("Collecting the first data"),
        "idle": text("Nothing is collected here"),
    }
    head = badge(words[found["status"]], TONES[found["status"]])
    said = [*found["problems"], *filter(None, [found["note"]])]
    points = tag("ul", *(tag("li", told(each, text)) for each in said), cls="g-points") if said else ""
    return tag("div", tag("div", head), points, cls="g-box")


def numbers(found: Found, text: Text) -> Html:
    """Disk, age of the data, next run, version."""
    disk, age, due = found["disk"], found["generation_age_s"], found["next_run_at"]
    free = text("{size} free", size=_size(disk["free_bytes"], text))
    if _data.is_told_empty():  # a run that failed before it knew of anybody publishes nobody
        age = None
    data = text("none yet") if age is None else text.duration(age) if age < 86_400 else text.span(age)
    number = text("generation {number}", number=found["generation"]) if found["generation"] else ""
    running = found["running"]
    now = text("run {id} goes on", id=running["run_id"]) if running else text("nothing runs")
    about = f"{text.zone_name(due)}{DOT}{now}" if due else now
    return stats(
        (
            (text("Disk"), free, text("of {size}", size=_size(disk["total_bytes"], text))),
            (text("Age of the data"), data, number),
            (text("Next run"), text.instant(due) if due else text("none"), about),
            (text("Version"), found["version"], text("workspace {name}", name=found["workspace"])),
        )
    )


def budget_table(budget: Mapping[str, Found], text: Text) -> Html:
    """Each bucket: what was used in 24 hours, of how much, until when it is locked."""
    heads = (text("Bucket"), text("Used in 24 h"), text("Left"), text("Ceiling"), text("Locked until"))
    lines = []
    for name, view in budget.items():
        ceiling, until = view["ceiling"], view["locked_until"]
        left = text("no limit known") if view["left"] is None else text.number(view["left"])
        locked = badge(text.instant(until), "warn") if until else "\u2013"
        lines.append(
            (
                bucket_label(name, text),
                text.number(view["used"]),
                left,
                "\u2013" if ceiling is None else text.number(ceiling),
                locked,
            )
        )
    return join(table(text("Request budget"), heads, lines, "g-budget"), note(budget_note(text)))


def freshness_table(rows: Sequence[GenreFreshness], own: Mapping[str, int], text: Text) -> Html:
    """Each genre: when it was read, its age, the target, and how they compare."""
    tones = {"fresh": "good", "stale": "warn", "unread": "quiet"}
    heads = (text("Genre"), text("State"), text("Last read"), text("Age"), text("Target"))
    lines = []
    for row in _freshness.stale_first(rows):
        state = badge(_freshness.state_words(row, text), tones[row.state])
        target = _freshness.days_words(row.target_days, text)
        mine = text("{days}, its own", days=target) if row.genre in own else target
        read = _freshness.read_words(row.read_on, text)
        lines.append((row.genre, state, read, _freshness.age_words(row, text), mine))
    return table(text("Freshness of genres"), heads, lines)


def _size(size: float, text: Text) -> str:
    return f"{text.decimal(size / 1e9)}\u00a0GB"
