"""Schedules: when the app collects by itself, seen, added, changed, paused, tried at once."""

from __future__ import annotations

import streamlit as st

from pages import _access, _cards, _data, _failures, _run_cards, _schedule_cards, _schedule_form
from pages._html import tag
from pages._text import Text, current_text
from pipeline.service.scheduler import service
from pipeline.watching.schedules import Schedule


@st.fragment(run_every="2s")
@_failures.explained
def show_list() -> None:
    """Every schedule, read again every two seconds: the command line may change them, too."""
    text, found = current_text(), service().schedules()
    if not found:
        advice = text("Then nothing is collected by itself; Run now on the page Runs still works.")
        st.html(_cards.empty(text("No schedule yet"), advice))
    for schedule in found:
        with st.container(key=f"plan_{schedule.name}"):
            times, known = service().next_times(schedule), bool(service().settings.genres)
            row = _schedule_cards.schedule_row(schedule, times, text, is_idle=service().is_idle, has_genres=known)
            st.html(row)
            if _access.may_operate():
                show_buttons(schedule, text)
            show_last_run(schedule, text)


def show_buttons(schedule: Schedule, text: Text) -> None:
    """What can be done with one schedule."""
    with st.container(horizontal=True, gap="small", key=f"do_{schedule.name}"):
        if st.button(text("Run now"), key=f"run_{schedule.name}", disabled=service().is_idle):
            run_now(schedule)
        if st.button(text("Change"), key=f"change_{schedule.name}"):
            _schedule_form.open_form(schedule)
            st.rerun()
        if schedule.paused and st.button(text("Resume"), key=f"resume_{schedule.name}"):
            _access.act(service().resume_schedule, schedule.name)
        if not schedule.paused and st.button(text("Pause"), key=f"pause_{schedule.name}"):
            _access.act(service().pause_schedule, schedule.name)
        with st.popover(text("Remove")):
            st.html(_cards.note(text("{name} fires no more; its runs stay.", name=schedule.name)))
            if st.button(text("Remove it"), type="primary", key=f"remove_{schedule.name}"):
                _access.act(service().remove_schedule, schedule.name)


def run_now(schedule: Schedule) -> None:
    """Start what the schedule would start, which waits for a run in progress, and go where it is shown."""
    if _access.may_operate():
        run_id = service().run_now(genres=schedule.genres, max_requests=schedule.max_requests, wait=True)
        st.switch_page("run.py", query_params={"id": run_id})


def show_last_run(schedule: Schedule, text: Text) -> None:
    """How its last run ended."""
    rows = service().ledger.runs(1, where="r.run_id = ?", params=(schedule.last_run_id,))
    if rows:
        with st.container(key=f"go_last_{schedule.name}"):
            state = _run_cards.state_badge(rows[0]["state"], text)
            st.html(tag("div", text("Last run"), state, text.instant(rows[0]["started_at"]), cls="g-last"))
            label = text("Last run of {name}", name=schedule.name)
            st.page_link("run.py", label=label, query_params={"id": schedule.last_run_id})


def show_missed(text: Text) -> None:
    """What happened to fire times that nobody kept, the newest first."""
    rows = service().missed_times()
    if not rows:
        return
    st.header(text("Missed lately"), anchor=False)
    st.html(_cards.note(text("Times that passed while nothing ran here, and what became of them.")))
    said = {"dropped": text("dropped"), "caught up by one run": text("caught up by one run")}
    lines = [
        tag("li", f"{row['schedule']}, {text.moment(row['due_at'])}: {said.get(row['action'], row['action'])}")
        for row in rows
    ]
    st.html(tag("ul", *lines, cls="g-points"))


def say_lacking(text: Text) -> None:
    """What schedules do here without credentials: nothing, or what they do in the demo."""
    names = "SPOTIPY_CLIENT_ID, SPOTIPY_CLIENT_SECRET"
    if service().is_idle:
        st.html(_cards.note(text("None fires before there are credentials ({names}).", names=names)))
    elif _data.is_synthetic():
        said = text("In the demo they collect made-up artists; real ones need credentials ({names}).", names=names)
        st.html(_cards.note(said))


def main() -> None:
    """The page."""
    text = current_text()
    lead = text("When this app collects by itself. A change takes effect within seconds, wherever it was made.")
    st.html(tag("p", lead, cls="g-lead"))
    say_lacking(text)
    _access.say_read_only()
    if _access.may_operate():
        if _schedule_form.is_open():
            _schedule_form.show_form(text)
        elif st.button(text("New schedule"), type="primary", key="new_schedule"):
            _schedule_form.open_form()
            st.rerun()
    show_list()
    show_missed(text)


main()
