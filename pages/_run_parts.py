"""Parts of a run's page: what the reader looks for, and as HTML how it goes, its items by name, its log, its budget.

The HTML is a string made once for everybody who looks for the same: a page puts it down, `_broadcast` keeps it alive.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from pages import _cards, _parts, _run_cards, _run_data, _run_graph, _run_tables
from pages._html import Html, tag
from pages._run_data import Look
from pages._run_words import STATES, state_label, task_label
from pages._text import Text
from pipeline.records.events import LEVELS, EventFilter
from pipeline.runs.items import ItemFilter
from pipeline.service.scheduler import service

__all__ = [
    "Wanted",
    "choose",
    "choose_items_page",
    "choose_log_page",
    "draw_coming",
    "draw_parts",
    "show_log_foot",
    "show_rejects",
]

ITEMS, LINES = 20, 60  # on a page
KEEP_S = 5.0
ITEM_STATES = ("pending", "running", "retrying", *STATES[1:], "skipped")


@dataclass(frozen=True)
class Wanted:
    """What a reader looks for in a run, among items and lines alike, and the pages of both lists."""

    run_id: str
    words: str = ""
    task: str = ""
    state: str = ""
    level: str = ""
    items_page: int = 1
    log_page: int = 1

    @property
    def items(self) -> ItemFilter:
        """Which items."""
        return ItemFilter(self.task, self.state, self.words)

    @property
    def lines(self) -> EventFilter:
        """Which lines of the log."""
        return EventFilter(self.run_id, self.task, "", self.level, self.words)


# ---- what the reader looks for


def choose(look: Look, text: Text) -> Wanted:
    """Words, task, state or level; the address keeps them."""
    words, task, state, level = st.columns([2, 1, 1, 1])
    with words:
        said = st.text_input(
            text("Search"), key="words", bind="query-params", placeholder=text("Part of a name or line")
        )
    with task:
        tasks = {row["task"]: task_label(row["task"], text) for row in look.graph}
        about = _parts.choose_one(text("Task"), tasks, key="task", everything=text("All tasks"))
    with state:
        states = {each: state_label(each, text) for each in ITEM_STATES}
        ended = _parts.choose_one(text("State of items"), states, key="state", everything=text("Any state"))
    with level:
        levels = {each: each.lower() for each in LEVELS[1:4]}
        severe = _parts.choose_one(text("Level of lines, at least"), levels, key="level", everything=text("Any level"))
    return Wanted(look.run["run_id"], said or "", about, ended, severe)


def choose_items_page(look: Look, wanted: Wanted) -> Wanted:
    """The page of the items."""
    return replace(
        wanted, items_page=_parts.choose_page(_run_data.count_items(look, wanted.items), ITEMS, "items_page")
    )


def choose_log_page(look: Look, wanted: Wanted) -> Wanted:
    """The page of the log."""
    count = _run_data.count_lines(wanted.lines, live=look.is_live)
    return replace(wanted, log_page=_parts.choose_page(count, LINES, "log_page"))


# ---- how it stands


def show_log_foot(look: Look, wanted: Wanted, text: Text) -> None:
    """The order of the lines, and all that match as a file."""
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.html(_cards.note(text("newest first, times in {zone}", zone=text.zone_name(look.now))), width="content")
        st.download_button(
            text("Download the log"), lambda: _run_data.whole_log(wanted.lines), f"{wanted.run_id}.log", "text/plain",
            on_click="ignore", key="download",
        )  # fmt: skip


def show_rejects(run_id: str, text: Text) -> None:
    """What an import did not take, and why."""
    rows, more = _run_data.rejects_of(run_id)
    if rows:
        st.header(text("Rejected"), anchor=False)
        st.html(_run_tables.reject_table(rows, more, text))


def draw_coming(run_id: str, text: Text) -> None:
    """A run that nothing is noted of yet: it begins, or waits for another to end, which may be that of another app."""
    title, advice = text("The run begins"), text("Its tasks appear here within seconds.")
    if run_id in service().status().waiting:
        title, advice = text("The run waits"), text("It begins once the run that is in progress has ended.")
    st.html(_cards.empty(title, advice))


def draw_parts(look: Look, wanted: Wanted, text: Text) -> dict[str, Html]:
    """Each part by name: head, graph, time, items, lines, budget."""
    run_id = look.run["run_id"]
    draw: dict[str, Callable[[], Html]] = {
        "head": lambda: _run_cards.run_summary(look.run, text, now=look.now, is_slow=look.is_slow),
        "graph": lambda: _run_graph.graph(look, text),
        "time": lambda: _run_graph.timeline(look, text),
    }
    parts = {name: _drawn((name, run_id, text), look, each) for name, each in draw.items()}
    parts["items"] = _drawn(("items", wanted, text), look, lambda: _items(look, wanted, text))
    return parts | {"lines": _lines(look, wanted, text), "budget": _budget(look, text)}


def _drawn(key: tuple[Any, ...], look: Look, draw: Callable[[], Html]) -> Html:
    """HTML of one look at a run, made once for all who share it."""
    return _run_data.shared((*key, look.serial), draw, 1.0 if look.is_live else _run_data.ENDED_S)


def _items(look: Look, wanted: Wanted, text: Text) -> Html:
    """Mapped items by name, those under way and in trouble first."""
    count, before = _run_data.count_items(look, wanted.items), (wanted.items_page - 1) * ITEMS
    if not count and look.counts:
        return _cards.empty(text("No item matches"), text("Try fewer letters, another task or another state."))
    let_go = sum(map(look.let_go, look.graph))
    also = text.plural(
        "{count} answered item is not kept any more", "{count} answered items are not kept any more", let_go
    )
    if not count:
        return _cards.note(also if let_go else text("No items yet: its tasks have found nothing to ask."))
    rows = _run_data.find_items(wanted.run_id, wanted.items, ITEMS, before, live=look.is_live)
    counted = text.plural("{count} item", "{count} items", count)
    told = _cards.note(f"{counted}; {also}" if let_go else counted)
    return tag("div", _run_tables.item_table(rows, look.now, text), told, cls="g-stack")


def _lines(look: Look, wanted: Wanted, text: Text) -> Html:
    """Lines of the log, newest first."""
    rows = _run_data.newest_lines(wanted.lines, LINES, (wanted.log_page - 1) * LINES, live=look.is_live)
    if not rows:
        return _cards.note(text("No line matches."))
    key = ("lines", rows[0]["id"], rows[-1]["id"], wanted.lines, text)
    return _run_data.shared(key, lambda: _run_tables.log_lines(rows, text), KEEP_S)


def _budget(look: Look, text: Text) -> Html:
    """Requests that this run sent and what is left, bucket by bucket."""

    def draw() -> Html:
        return _run_tables.budget_table(look.requests, _run_data.shared("budget", service().budget, 1.0), text)

    return _run_data.shared(("budget", look.run["run_id"], text), draw, 1.0)
