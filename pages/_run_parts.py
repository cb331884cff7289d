"""Parts of a run's page: what the reader looks for, its items by name, its log, its budget."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from pages import _cards, _parts, _run_data, _run_tables
from pages._html import Html, tag
from pages._run_data import Look
from pages._run_words import STATES, state_label, task_label
from pages._text import Text
from pipeline.records.events import LEVELS, EventFilter
from pipeline.runs.items import ItemFilter
from pipeline.service.scheduler import service

__all__ = ["choose", "drawn", "show_budget", "show_items", "show_lines"]

ITEMS, LINES = 20, 60  # on a page
KEEP_S = 5.0
ITEM_STATES = ("pending", "running", "retrying", *STATES[1:], "skipped")


def drawn(key: tuple[Any, ...], look: Look, draw: Callable[[], Html]) -> Html:
    """HTML of one look at a run, made once for all who share it."""
    return _run_data.shared((*key, look.serial), draw, 1.0 if look.is_live else _run_data.ENDED_S)


def choose(look: Look, text: Text) -> tuple[ItemFilter, EventFilter]:
    """What the reader looks for, among items and lines alike: words, task, state or level; the address keeps it."""
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
    return ItemFilter(about, ended, said or ""), EventFilter(look.run["run_id"], about, "", severe, said or "")


def show_items(look: Look, wanted: ItemFilter, text: Text) -> None:
    """Mapped items by name, those under way and in trouble first, page by page."""
    run_id, place = look.run["run_id"], st.container()
    count = _run_data.count_items(look, wanted)
    before = (_parts.choose_page(count, ITEMS, "items_page") - 1) * ITEMS
    if not count:
        advice = text("Try fewer letters, another task or another state.")
        none = _cards.note(text("No items yet: its tasks have found nothing to ask."))
        place.html(_cards.empty(text("No item matches"), advice) if look.counts else none)
        return
    rows = _run_data.find_items(run_id, wanted, ITEMS, before, live=look.is_live)

    def draw() -> Html:
        counted = _cards.note(text.plural("{count} item", "{count} items", count))
        return tag("div", _run_tables.item_table(rows, look.now, text), counted, cls="g-stack")

    place.html(drawn(("items", run_id, wanted, before, text), look, draw))


def show_lines(look: Look, wanted: EventFilter, text: Text) -> None:
    """Lines of the log, newest first, page by page; all that match as a file."""
    place, count = st.container(), _run_data.count_lines(wanted, live=look.is_live)
    before = (_parts.choose_page(count, LINES, "log_page") - 1) * LINES
    rows = _run_data.newest_lines(wanted, LINES, before, live=look.is_live)
    if not rows:
        place.html(_cards.note(text("No line matches.")))
        return
    key = ("lines", rows[0]["id"], rows[-1]["id"], wanted, text)
    place.html(_run_data.shared(key, lambda: _run_tables.log_lines(rows, text), KEEP_S))
    with place.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.html(_cards.note(text("newest first, times in {zone}", zone=text.zone_name(look.now))), width="content")
        st.download_button(
            text("Download the log"), lambda: _run_data.whole_log(wanted), f"{wanted.run_id}.log", "text/plain",
            on_click="ignore", key="download",
        )  # fmt: skip


def show_budget(look: Look, text: Text) -> None:
    """Requests that this run sent and what is left, bucket by bucket."""

    def draw() -> Html:
        return _run_tables.budget_table(look.requests, _run_data.shared("budget", service().budget, 1.0), text)

    st.html(_run_data.shared(("budget", look.run["run_id"], text), draw, 1.0))
