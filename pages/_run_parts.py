"""Parts of a run's page that have filters and pages of their own: its items, its log, its budget."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from pages import _cards, _parts, _run_data, _run_tables
from pages._html import Html
from pages._run_data import Look
from pages._run_words import STATES, TASKS, state_label, task_label
from pages._text import Text
from pipeline.events import LEVELS, EventFilter
from pipeline.items import ItemFilter
from pipeline.scheduler import service

__all__ = ["drawn", "show_budget", "show_items", "show_log"]

ITEMS, LINES = 20, 100  # on a page
KEEP_S = 5.0
ITEM_STATES = ("pending", "running", "retrying", *STATES[1:], "skipped")


def drawn(key: tuple[Any, ...], look: Look, draw: Callable[[], Html]) -> Html:
    """HTML of one look at a run, made once for all who share it."""
    return _run_data.shared((*key, look.serial), draw, 1.0 if look.is_live else _run_data.ENDED_S)


def show_items(look: Look, text: Text) -> None:
    """Mapped items by name, those under way and in trouble first; filters stand in the address."""
    st.header(text("Items"), anchor=False)
    mapped = {row["task"]: task_label(row["task"], text) for row in look.graph if row["mapped_over"]}
    name, task, state = st.columns([2, 1, 1])
    with name:
        words = st.text_input(text("Item"), key="item", bind="query-params", placeholder=text("Part of a name"))
    with task:
        chosen = _parts.choose_one(text("Task"), mapped, key="task", everything=text("All tasks"))
    with state:
        states = {each: state_label(each, text) for each in ITEM_STATES}
        ended = _parts.choose_one(text("State"), states, key="state", everything=text("Any state"))
    wanted = ItemFilter(chosen, ended, words or "")

    run_id, place = look.run["run_id"], st.container()
    count = _run_data.count_items(run_id, wanted, live=look.is_live)
    offset = (_parts.choose_page(count, ITEMS, "items_page") - 1) * ITEMS
    with place:
        if count:
            rows = _run_data.find_items(run_id, wanted, ITEMS, offset, live=look.is_live)
            key = ("items", run_id, wanted, offset, text)
            st.html(drawn(key, look, lambda: _run_tables.item_table(rows, look.now, text)))
            st.html(_cards.note(text.plural("{count} item", "{count} items", count)))
        elif look.counts:
            st.html(_cards.empty(text("No item matches"), text("Try fewer letters, another task or another state.")))
        else:
            st.html(_cards.note(text("No items yet: its tasks have found nothing to ask.")))


def show_log(look: Look, text: Text) -> None:
    """Lines of the log, newest first; level, task and words stand in the address; all that match as a file."""
    st.header(text("Log"), anchor=False)
    run_id = look.run["run_id"]
    words, task, level = st.columns([2, 1, 1])
    with words:
        said = st.text_input(text("Text"), key="words", bind="query-params", placeholder=text("Part of a line"))
    with task:
        tasks = {each: task_label(each, text) for each in TASKS}
        about = _parts.choose_one(text("Task"), tasks, key="log_task", everything=text("All tasks"))
    with level:
        levels = {each: each.lower() for each in LEVELS[1:4]}
        severe = _parts.choose_one(text("Level, at least"), levels, key="level", everything=text("Any level"))
    wanted = EventFilter(run_id, about, "", severe, said or "")

    place, count = st.container(), _run_data.count_lines(wanted, live=look.is_live)
    offset = (_parts.choose_page(count, LINES, "log_page") - 1) * LINES
    with place:
        if not count:
            st.html(_cards.note(text("No line matches.")))
            return
        rows = _run_data.newest_lines(wanted, LINES, offset, live=look.is_live)
        key = ("lines", run_id, rows[0]["id"], rows[-1]["id"], wanted, text)
        st.html(_run_data.shared(key, lambda: _run_tables.log_lines(rows, text), KEEP_S))
        show_log_foot(wanted, count, text.zone_name(rows[0]["at"]), text)


def show_log_foot(wanted: EventFilter, count: int, zone: str, text: Text) -> None:
    """How many lines there are, in which time zone, and the way to take them along."""
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", key="log_foot"):
        counted = text.plural("{count} line", "{count} lines", count)
        order = text("newest first, times in {zone}", zone=zone)
        st.html(_cards.note(f"{counted}; {order}"), width="content")
        st.download_button(
            text("Download the log"), lambda: _run_data.whole_log(wanted), f"{wanted.run_id}.log", "text/plain",
            on_click="ignore", key="download",
        )  # fmt: skip


def show_budget(look: Look, text: Text) -> None:
    """Requests that this run sent and what is left, bucket by bucket."""
    st.header(text("Budget"), anchor=False)
    views = _run_data.shared("budget", service().budget, 1.0)
    key = ("budget", look.run["run_id"], text)
    st.html(drawn(key, look, lambda: _run_tables.budget_table(look.requests, views, text)))
