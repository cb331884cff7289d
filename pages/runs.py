"""Runs: start one, see what goes on, look back: how long they take, how they ended, every one of them by filter."""

from __future__ import annotations

import polars as pl
import streamlit as st

from pages import (
    _access,
    _broadcast,
    _cards,
    _charts,
    _data,
    _live,
    _parts,
    _run_cards,
    _run_data,
    _run_filter,
    _run_form,
)
from pages._failures import explained
from pages._run_words import told
from pages._text import Text, current_text

PER_PAGE = 12


def show_actions(text: Text) -> None:
    """The button that opens the form, and when the schedule runs next."""
    with st.container(horizontal=True, vertical_alignment="center", key="actions"):
        if _access.may_operate():
            start, idle = _run_form.open_form, _data.is_idle()
            st.button(text("Run now"), type="primary", key="run_now", on_click=start, args=("start",), disabled=idle)
        due = _data.status().next_run_at
        none = text("Nothing is collected here") if _data.is_idle() else text("No schedule is set")
        said = text("Next by itself: {when}", when=text.zoned(due)) if due else none
        st.html(_cards.note(said))
    _access.say_read_only()


def panel() -> None:
    """What goes on, with the way to it and the way to stop it; the page is run again when that changes."""
    text, status = current_text(), _data.status()
    if _run_data.is_busy(status):
        st.html(_broadcast.place("going", _live.going(status, text), _broadcast.going_address(text)))
        with st.container(horizontal=True, vertical_alignment="center", key="going"):
            if status.active:
                run_id = status.active.run_id
                st.page_link("run.py", label=text("Watch this run"), query_params={"id": run_id})
            if _access.may_operate():
                st.button(text("Cancel"), key="cancel", on_click=_run_form.cancel)
    elif status.last_error:
        st.error(told(status.last_error, text))
    if status.waiting:
        st.html(_cards.note(text.plural("{count} run waits", "{count} runs wait", len(status.waiting))))
    if st.session_state["was_busy"] != _run_data.is_busy(status):
        st.rerun(scope="app")


def show_past(text: Text) -> None:
    """Durations of the last runs and a calendar of outcomes."""
    ended, today = _run_data.durations(), _data.now().date()
    if not ended:
        return
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.header(text("How long runs take"), anchor=False)
        about = text("Durations of the last runs")
        _parts.show_chart(_charts.durations_chart, pl.DataFrame(ended), text, about=about, key="durations")
    with right:
        st.header(text("How runs ended"), anchor=False)
        st.html(_run_cards.calendar(_run_data.days_since(_run_cards.calendar_begin(today)), today, text))
        st.html(_cards.note(text("Half a year, a column a week; days in UTC.")))


def show_list(text: Text) -> None:
    """Every run that is asked for, newest first; each leads to its page."""
    st.header(text("All runs"), anchor=False)
    wanted, place = _run_filter.choose(text), st.container(key="list_runs")
    count, newest = _run_data.count_runs(wanted), _data.last_run()
    page = _parts.choose_page(count, PER_PAGE)
    with place:
        for run in _run_data.find_runs(wanted, PER_PAGE, (page - 1) * PER_PAGE):
            with st.container(key=f"go_run_{run['run_id']}"):
                st.html(_run_cards.run_row(run, text, newest))
                label = text("Run of {when}", when=_run_cards.began(run, newest, text))
                st.page_link("run.py", label=label, query_params={"id": run["run_id"]})
    if count:
        counted = text.plural("{count} run", "{count} runs", count)
        zone = text("times in {zone}", zone=text.zone_name(_data.now()))
        st.html(_cards.note(f"{counted}; {zone}", is_told=True))
    else:
        with place:
            _run_filter.show_none(text)


def main() -> None:
    """The page."""
    text, is_busy = current_text(), _run_data.is_busy(_data.status())
    st.session_state["was_busy"] = is_busy
    show_actions(text)
    st.fragment(explained(panel), run_every="2s" if is_busy else None)()
    if _data.runs_count():
        show_past(text)
        show_list(text)
    elif not is_busy:
        _live.show_no_run(text)
    _run_form.show_form()


main()
