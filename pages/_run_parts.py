"""Parts of a run's page: what the reader chooses of its items and its log, and what is drawn of them.

Filters and page numbers are drawn with the page; only HTML is drawn again every second, into places the page has left.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import streamlit as st

from pages import _access, _cards, _parts, _run_cards, _run_data, _run_form, _run_graph, _run_tables
from pages._html import Html, tag
from pages._run_data import Look
from pages._run_words import STATES, TASKS, state_label, task_label
from pages._text import Text
from pipeline.events import LEVELS, EventFilter
from pipeline.items import ItemFilter
from pipeline.scheduler import service

__all__ = [
    "Choice",
    "choose_items",
    "choose_lines",
    "draw_budget",
    "draw_items",
    "draw_lines",
    "drawn",
    "show_log_foot",
]

ITEMS, LINES = 20, 60  # on a page
KEEP_S = 5.0
ITEM_STATES = ("pending", "running", "retrying", *STATES[1:], "skipped")


@dataclass(frozen=True)
class Choice:
    """What the reader asked for: which items, which lines, and how many of each come before."""

    items: ItemFilter
    lines: EventFilter
    items_before: int = 0
    lines_before: int = 0


NOTHING = Choice(ItemFilter(), EventFilter())


def drawn(key: tuple[Any, ...], look: Look, draw: Callable[[], Html]) -> Html:
    """HTML of one look at a run, made once for all who share it."""
    return _run_data.shared((*key, look.serial), draw, 1.0 if look.is_live else _run_data.ENDED_S)


def choose_items(look: Look, text: Text) -> ItemFilter:
    """Name, task and state of the items to show; they stand in the address."""
    mapped = {row["task"]: task_label(row["task"], text) for row in look.graph if row["mapped_over"]}
    name, task, state = st.columns([2, 1, 1])
    with name:
        words = st.text_input(text("Item"), key="item", bind="query-params", placeholder=text("Part of a name"))
    with task:
        chosen = _parts.choose_one(text("Task"), mapped, key="task", everything=text("All tasks"))
    with state:
        states = {each: state_label(each, text) for each in ITEM_STATES}
        ended = _parts.choose_one(text("State"), states, key="state", everything=text("Any state"))
    return ItemFilter(chosen, ended, words or "")


def choose_lines(run_id: str, text: Text) -> EventFilter:
    """Words, task and level of the lines to show; they stand in the address."""
    words, task, level = st.columns([2, 1, 1])
    with words:
        said = st.text_input(text("Text"), key="words", bind="query-params", placeholder=text("Part of a line"))
    with task:
        tasks = {each: task_label(each, text) for each in TASKS}
        about = _parts.choose_one(text("Task"), tasks, key="log_task", everything=text("All tasks"))
    with level:
        levels = {each: each.lower() for each in LEVELS[1:4]}
        severe = _parts.choose_one(text("Level, at least"), levels, key="level", everything=text("Any level"))
    return EventFilter(run_id, about, "", severe, said or "")


def draw_items(look: Look, chosen: Choice, text: Text) -> Html:
    """Mapped items by name, those under way and in trouble first."""
    run_id, wanted, before = look.run["run_id"], chosen.items, chosen.items_before
    count = _run_data.count_items(run_id, wanted, live=look.is_live)
    if not count:
        if look.counts:
            advice = text("Try fewer letters, another task or another state.")
            return _cards.empty(text("No item matches"), advice)
        return _cards.note(text("No items yet: its tasks have found nothing to ask."))
    rows = _run_data.find_items(run_id, wanted, ITEMS, before, live=look.is_live)

    def draw() -> Html:
        counted = _cards.note(text.plural("{count} item", "{count} items", count))
        return tag("div", _run_tables.item_table(rows, look.now, text), counted, cls="g-stack")

    return drawn(("items", run_id, wanted, before, text), look, draw)


def draw_lines(look: Look, chosen: Choice, text: Text) -> Html:
    """Lines of the log, newest first."""
    wanted, before = chosen.lines, chosen.lines_before
    rows = _run_data.newest_lines(wanted, LINES, before, live=look.is_live)
    if not rows:
        return _cards.note(text("No line matches."))
    key = ("lines", rows[0]["id"], rows[-1]["id"], wanted, text)
    return _run_data.shared(key, lambda: _run_tables.log_lines(rows, text), KEEP_S)


def draw_budget(look: Look, text: Text) -> Html:
    """Requests that this run sent and what is left, bucket by bucket."""

    def draw() -> Html:
        return _run_tables.budget_table(look.requests, _run_data.shared("budget", service().budget, 1.0), text)

    return _run_data.shared(("budget", look.run["run_id"], text), draw, 1.0)


def show_log_foot(look: Look, wanted: EventFilter, text: Text) -> None:
    """In which order and time zone lines stand, and the way to take them all along."""
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", key="log_foot"):
        zone = text.zone_name(look.now)
        st.html(_cards.note(text("newest first, times in {zone}", zone=zone)), width="content")
        st.download_button(
            text("Download the log"), lambda: _run_data.whole_log(wanted), f"{wanted.run_id}.log", "text/plain",
            on_click="ignore", key="download",
        )  # fmt: skip


def lay_out(look: Look, text: Text) -> tuple[Choice, dict[str, Any]]:
    """Filters, page numbers and buttons of the page, and between them the places for what changes."""
    run_id, live = look.run["run_id"], look.is_live
    places = {"head": st.empty()}
    if live and _access.may_operate():
        asked = bool(look.run["cancel_requested"])
        st.button(text("Cancel"), key="cancel", on_click=_run_form.cancel, args=(run_id,), disabled=asked)
    places |= {"graph": st.empty(), "time": st.empty()}
    st.header(text("Items"), anchor=False)
    items = choose_items(look, text)
    places["items"] = st.empty()
    item_page = _parts.choose_page(_run_data.count_items(run_id, items, live=live), ITEMS, "items_page")
    st.header(text("Log"), anchor=False)
    lines = choose_lines(run_id, text)
    places["lines"] = st.empty()
    show_log_foot(look, lines, text)
    line_page = _parts.choose_page(_run_data.count_lines(lines, live=live), LINES, "log_page")
    st.header(text("Budget"), anchor=False)
    places["budget"] = st.empty()
    return Choice(items, lines, (item_page - 1) * ITEMS, (line_page - 1) * LINES), places


def draw(look: Look, chosen: Choice, text: Text) -> dict[str, Html]:
    """The HTML of each part, most of it made once for all who look at the same."""
    run, key = look.run, (look.run["run_id"], text)

    def head() -> Html:
        return _run_cards.run_summary(run, text, now=look.now, is_slow=look.is_slow)

    return {
        "head": drawn(("head", *key), look, head),
        "graph": drawn(("graph", *key), look, lambda: _run_graph.graph(look, text)),
        "time": drawn(("time", *key), look, lambda: _run_graph.timeline(look, text)),
        "items": draw_items(look, chosen, text),
        "lines": draw_lines(look, chosen, text),
        "budget": draw_budget(look, text),
    }


def is_long(look: Look, chosen: Choice) -> bool:
    """Whether items or lines fill more than one page."""
    items = _run_data.count_items(look.run["run_id"], chosen.items, live=look.is_live)
    return items > ITEMS or _run_data.count_lines(chosen.lines, live=look.is_live) > LINES
