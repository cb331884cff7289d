"""Runs: start and cancel one, watch it, look back at every run and at what each of its tasks did."""

from __future__ import annotations

import math
from typing import Any

import polars as pl
import streamlit as st

from pages import _cards, _data, _live
from pages._text import Text, current_text
from pipeline.errors import RunInProgress
from pipeline.scheduler import service

PER_PAGE = 12


def panel() -> None:
    """The buttons, and while a run goes its progress; leaves the timer when it has ended."""
    text, status = current_text(), _data.status()
    busy = status.active is not None or status.demo is not None
    with st.container(horizontal=True, vertical_alignment="center", key="actions"):
        if st.button(text("Run now"), type="primary", disabled=busy, key="run_now"):
            start()
        if st.button(text("Cancel"), disabled=status.active is None, key="cancel"):
            service().cancel()
            st.toast(text("Cancelling: what was committed is kept."))
        st.html(f'<p class="g-small">{when_next(text)}</p>')
    if busy:
        st.progress(_live.progress_of(status), text=_live.progress_text(text, status))
    if status.active:
        rows = (
            (text("Task"), _cards.task_label(text, status.active.task)),
            (text("Items"), f"{text.number(status.active.done)} / {text.number(status.active.total)}"),
            (text("Requests"), text.number(status.active.requests)),
            (text("Rows"), text.number(status.active.rows)),
        )
        st.html(_cards.facts(rows))
    elif status.last_error:
        st.error(status.last_error)
    if st.session_state.get("was_busy", busy) != busy:
        st.session_state["was_busy"] = busy
        st.rerun(scope="app")


def start() -> None:
    """Start a run and show it from here on."""
    try:
        service().run_now()
    except RunInProgress as error:
        st.warning(str(error))
    else:
        st.session_state["was_busy"] = True
        st.rerun(scope="app")


def when_next(text: Text) -> str:
    """When the schedule runs next."""
    due = _data.status().next_run_at
    return text("Next by itself: {when}", when=text.instant(due)) if due else text("No schedule is set")


def show_list(text: Text) -> None:
    """Every run, newest first; each leads to its tasks."""
    count = _data.runs_count()
    if not count:
        st.html(
            _cards.empty(
                text("No run yet"), text("Press Run now: it collects within your request budget and stops by itself.")
            )
        )
        return
    pages = math.ceil(count / PER_PAGE)
    place = st.container(key="list_runs")
    page = min(st.pagination(pages, key="page", bind="query-params") if pages > 1 else 1, pages)
    with place:
        for run in _data.runs(PER_PAGE, (page - 1) * PER_PAGE):
            with st.container(key=f"go_run_{run['run_id']}"):
                st.html(_cards.run_row(run, text, _data.now()))
                st.page_link(
                    "runs.py", label=text("Tasks of run {id}", id=run["run_id"]), query_params={"run": run["run_id"]}
                )


def show_run(run: dict[str, Any], text: Text) -> None:
    """One run: what it did, task by task and item by item."""
    st.subheader(text("Run {id}", id=run["run_id"]), anchor=False)
    st.html(_cards.run_summary(run, text, _data.now()))
    attempts = _data.task_runs(run["run_id"])
    if not attempts:
        st.html(_cards.empty(text("No tasks yet"), text("They appear as soon as the run has begun its first one.")))
        return
    st.html(_cards.task_table(attempts, text))
    with st.expander(text.plural("{count} attempt, item by item", "{count} attempts, item by item", len(attempts))):
        st.dataframe(attempts_frame(attempts, text), hide_index=True, key="attempts", alt=text("Attempts of this run"))


def attempts_frame(attempts: list[dict[str, Any]], text: Text) -> pl.DataFrame:
    """One row per attempt, in the reader's words."""
    columns = {
        text("Task"): [_cards.task_label(text, row["task"]) for row in attempts],
        text("Item"): [row["item"] for row in attempts],
        text("Attempt"): [row["attempt"] for row in attempts],
        text("State"): [text(_cards.STATES.get(row["state"], (row["state"], ""))[0]) for row in attempts],
        text("Duration"): [_cards.duration(row, text, _data.now()) for row in attempts],
        text("Requests"): [row["requests"] for row in attempts],
        text("Rows"): [row["rows"] for row in attempts],
        text("Message"): [row["message"] for row in attempts],
    }
    return pl.DataFrame(columns)


def main() -> None:
    """The page."""
    text, status = current_text(), _data.status()
    st.title(text("Runs"), anchor=False)
    busy = status.active is not None or status.demo is not None
    st.session_state["was_busy"] = busy
    st.fragment(panel, run_every="1s" if busy else None)()
    asked = st.query_params.get("run", "")
    run = _data.run_row(asked) if asked else None
    if run is not None:
        show_run(run, text)
        st.subheader(text("All runs"), anchor=False)
    show_list(text)


main()
