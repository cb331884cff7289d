"""One run, live: its graph, its tasks over time, its items by name, its log, its budget; stop it, go on with it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import streamlit as st

from pages import _access, _broadcast, _cards, _data, _failures, _parts, _run_cards, _run_data, _run_form, _run_parts
from pages._run_data import Look
from pages._run_parts import Wanted, choose, choose_items_page, choose_log_page, draw_coming, draw_parts, show_log_foot
from pages._run_words import told
from pages._text import Text, current_text

COMING_S, LIVE_S = 1.0, 10.0  # how often the widgets are drawn anew; what is live is fetched each second (_broadcast)


def show(run_id: str) -> None:
    """The run as it is now; the page is run again when it begins or ends."""
    text, look = current_text(), _run_data.look_at(run_id)
    if (run_id, _run_data.phase(look)) != st.session_state["watched"]:
        st.rerun(scope="app")
    if look is None:
        draw_coming(run_id, text)
        return
    if look.run["trigger"] == "import":  # it has no tasks and asks nothing
        st.html(draw_parts(look, Wanted(run_id), text)["head"])
        _run_parts.show_rejects(run_id, text)
        return
    course = st.container()
    st.header(text("Items"), anchor=False)
    wanted, items = choose(look, text), st.container()
    wanted = choose_items_page(look, wanted)
    st.header(text("Log"), anchor=False)
    lines = st.container()
    wanted = choose_log_page(look, wanted)
    show_parts(look, wanted, text, {"course": course, "items": items, "lines": lines})


def show_parts(look: Look, wanted: Wanted, text: Text, into: Mapping[str, Any]) -> None:
    """How it goes, what it asks, what it says: HTML that stays up to date while the run goes on."""
    address = _broadcast.run_address(wanted, text) if look.is_live else ""
    parts = {name: _broadcast.place(name, html, address) for name, html in draw_parts(look, wanted, text).items()}
    with into["course"]:
        st.html(parts["head"])
        if look.is_live and _access.may_operate():
            asked = bool(look.run["cancel_requested"])
            st.button(text("Cancel"), key="cancel", on_click=_run_form.cancel, args=(wanted.run_id,), disabled=asked)
        st.html(parts["graph"])
        st.html(parts["time"])
    into["items"].html(parts["items"])
    into["lines"].html(parts["lines"])
    if _run_data.count_lines(wanted.lines, live=look.is_live):
        show_log_foot(look, wanted, text)
    st.header(text("Budget"), anchor=False)
    st.html(parts["budget"])


def show_relatives(look: Look, text: Text) -> None:
    """The run that this one goes on with, and those that went on with it."""
    earlier = json.loads(look.run["params"]).get("retry_of")
    links = [(text("Goes on with what {id} left", id=earlier), earlier)] if earlier else []
    links += [(text("Gone on with by {id}", id=each), each) for each in _run_data.retries_of(look.run["run_id"])]
    for label, run_id in links:
        st.page_link("run.py", label=label, query_params={"id": run_id})


def show_rest(look: Look, text: Text) -> None:
    """What a run that ended has left, what that costs, and the buttons that go on with it."""
    if look.is_live or look.run["trigger"] == "import":  # that goes on by importing again
        return
    run_id, was_cut_short = look.run["run_id"], look.run["state"] in ("crashed", "cancelled", "failed")
    rest = _run_data.rest_of(run_id)
    if not (rest.items or (was_cut_short and rest.lacks_tasks)):
        return
    left = text.plural("{count} item is left", "{count} items are left", len(rest.items))
    asked = text.plural("{count} request", "{count} requests", rest.calls)
    unreached = text("tasks that were not reached are asked too") if was_cut_short and rest.lacks_tasks else ""
    st.html(_cards.note("; ".join(filter(None, (f"{left}, {asked}" if rest.items else "", unreached)))))
    if not _access.may_operate():
        return
    with st.container(horizontal=True, key="rest"):
        label = text("Resume") if look.run["state"] in ("crashed", "cancelled") else text("Retry all of it")
        if st.button(label, type="primary", key="resume"):
            _run_form.retry_at_once(run_id)
        st.button(text("Choose, and see the cost"), key="retry", on_click=_run_form.open_form, args=("retry", run_id))


def main() -> None:
    """The page."""
    text, run_id, status = current_text(), st.query_params.get("id", ""), _data.status()
    look: Any = _run_data.look_at(run_id)
    is_coming = run_id in status.waiting or (status.active is not None and status.active.run_id == run_id)
    st.page_link("runs.py", label="\u2190 " + text("All runs"))
    if look is None and not is_coming:
        st.title(text("Run"), anchor=False)
        said = text("No run {id} here", id=run_id) if run_id else text("No run is chosen")
        st.html(_cards.empty(said, text("Choose one on the page Runs.")))
        if status.last_error:  # perhaps it was refused before there was anything to note
            st.error(told(status.last_error, text))
        return
    began = _run_cards.began(look.run, _data.last_run(), text) if look else ""
    title = text("Run of {when}", when=began) if look else text("Run")
    st.title(title, anchor=False)
    _parts.name_page(title)
    st.session_state["watched"] = (run_id, _run_data.phase(look))
    if look is not None:
        show_relatives(look, text)
        if status.active is None or status.active.run_id not in _run_data.retries_of(run_id):
            show_rest(look, text)
    every = COMING_S if look is None else LIVE_S if look.is_live else None
    st.fragment(_failures.explained(show), run_every=every)(run_id)
    _run_form.show_form()


main()
