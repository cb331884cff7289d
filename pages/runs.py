"""Runs: start and cancel one, watch it, look back at every run and at what each of its tasks did."""

from __future__ import annotations

from typing import Any

import streamlit as st

from pages import _cards, _data, _live, _parts, _run_cards
from pages._text import Text, current_text
from pipeline.errors import RunInProgress
from pipeline.scheduler import Status, service

PER_PAGE = 12


def panel() -> None:
    """The buttons, and while a run goes its progress; the page is run again when that changes."""
    text, status = current_text(), _data.status()
    with st.container(horizontal=True, vertical_alignment="center", key="actions"):
        if st.button(text("Run now"), type="primary", disabled=is_busy(status), key="run_now"):
            start()
        if st.button(text("Cancel"), disabled=status.active is None or status.demo is not None, key="cancel"):
            service().cancel()
            st.toast(text("Cancelling: what was committed is kept."))
        st.html(_cards.note(when_next(status, text)))
    if is_busy(status):
        st.progress(_live.progress_of(status), text=_live.progress_text(text, status))
        st.html(_run_cards.progress_facts(status, text))
    elif status.last_error:
        st.error(status.last_error)
    if st.session_state["was_busy"] != is_busy(status):
        st.rerun(scope="app")


def start() -> None:
    """Start a run and show it from here on."""
    try:
        service().run_now()
    except RunInProgress as error:
        st.warning(str(error))
    else:
        st.rerun(scope="app")


def is_busy(status: Status) -> bool:
    """Whether a run goes on here."""
    return status.active is not None or status.demo is not None


def when_next(status: Status, text: Text) -> str:
    """When the schedule runs next."""
    due = status.next_run_at
    return text("Next by itself: {when}", when=text.instant(due)) if due else text("No schedule is set")


def show_list(text: Text) -> None:
    """Every run, newest first; each leads to its tasks."""
    count = _data.runs_count()
    if not count:
        advice = text("Press Run now: it collects within your request budget and stops by itself.")
        st.html(_cards.empty(text("No run yet"), advice))
        return
    place, page = st.container(key="list_runs"), _parts.choose_page(count, PER_PAGE)
    with place:
        for run in _data.runs(PER_PAGE, (page - 1) * PER_PAGE):
            with st.container(key=f"go_run_{run['run_id']}"):
                st.html(_run_cards.run_row(run, text))
                label = text("Tasks of run {id}", id=run["run_id"])
                st.page_link("runs.py", label=label, query_params={"run": run["run_id"]})


def show_run(run: dict[str, Any], text: Text) -> None:
    """One run: what it did, task by task and item by item."""
    st.header(text("Run {id}", id=run["run_id"]), anchor=False)
    st.html(_run_cards.run_summary(run, text))
    attempts = _data.task_runs(run["run_id"])
    if not attempts:
        advice = text("They appear as soon as the run has begun its first one.")
        st.html(_cards.empty(text("No tasks yet"), advice))
        return
    st.html(_run_cards.task_table(attempts, text))
    with st.expander(text.plural("{count} attempt, item by item", "{count} attempts, item by item", len(attempts))):
        frame = _run_cards.attempts_frame(attempts, text)
        st.dataframe(frame, hide_index=True, key="attempts", alt=text("Attempts of this run"))


def main() -> None:
    """The page."""
    text, busy = current_text(), is_busy(_data.status())
    st.title(text("Runs"), anchor=False)
    st.session_state["was_busy"] = busy
    st.fragment(panel, run_every="1s" if busy else None)()
    asked = st.query_params.get("run", "")
    run = _data.run_row(asked) if asked else None
    if run is not None:
        show_run(run, text)
        st.header(text("All runs"), anchor=False)
    elif asked:
        st.html(_cards.empty(text("No run {id} here", id=asked), text("Choose one below.")))
    show_list(text)


main()
