"""One run, live: its graph, its tasks over time, its items by name, its log, its budget; stop it, go on with it."""

from __future__ import annotations

import json
from typing import Any

import streamlit as st

from pages import _access, _cards, _data, _run_cards, _run_data, _run_form, _run_graph
from pages._html import Html
from pages._run_data import Look
from pages._run_parts import choose, drawn, show_budget, show_items, show_lines
from pages._text import Text, current_text

TICK_S = 1.0


def show(run_id: str) -> None:
    """The run as it is now; the page is run again when it begins or ends."""
    text, look = current_text(), _run_data.look_at(run_id)
    if phase(look) != st.session_state["phase"]:
        st.rerun(scope="app")
    if look is None:
        st.html(_cards.empty(text("The run begins"), text("Its tasks appear here within seconds.")))
        return
    show_course(look, text)
    st.header(text("Items"), anchor=False)
    items, lines = choose(look, text)
    show_items(look, items, text)
    st.header(text("Log"), anchor=False)
    show_lines(look, lines, text)
    st.header(text("Budget"), anchor=False)
    show_budget(look, text)


def show_course(look: Look, text: Text) -> None:
    """How it goes: summary, the way to stop it, graph, line of time; drawn once for all who look at the same."""
    run, key = look.run, (look.run["run_id"], text)

    def head() -> Html:
        return _run_cards.run_summary(run, text, now=look.now, is_slow=look.is_slow)

    st.html(drawn(("head", *key), look, head))
    if look.is_live and _access.may_operate():
        asked = bool(run["cancel_requested"])
        st.button(text("Cancel"), key="cancel", on_click=_run_form.cancel, args=(run["run_id"],), disabled=asked)
    st.html(drawn(("graph", *key), look, lambda: _run_graph.graph(look, text)))
    st.html(drawn(("time", *key), look, lambda: _run_graph.timeline(look, text)))


def phase(look: Look | None) -> str:
    """What decides which buttons the page has: not begun, going on, or how it ended."""
    return look.run["state"] if look else ""


def show_relatives(look: Look, text: Text) -> None:
    """The run that this one goes on with, and those that went on with it."""
    earlier = json.loads(look.run["params"]).get("retry_of")
    links = [(text("Goes on with what {id} left", id=earlier), earlier)] if earlier else []
    links += [(text("Gone on with by {id}", id=each), each) for each in _run_data.retries_of(look.run["run_id"])]
    for label, run_id in links:
        st.page_link("run.py", label=label, query_params={"id": run_id})


def show_rest(look: Look, text: Text) -> None:
    """What a run that ended has left, what that costs, and the buttons that go on with it."""
    if look.is_live:
        return
    run_id = look.run["run_id"]
    items, calls = _run_data.rest_of(run_id)
    if not (items or look.run["state"] in ("crashed", "cancelled", "failed")):
        return
    left = text.plural("{count} item is left", "{count} items are left", items)
    asked = text.plural("{count} request", "{count} requests", calls)
    unreached = text("tasks that were not reached are asked too") if look.run["state"] != "succeeded" else ""
    st.html(_cards.note("; ".join(filter(None, (f"{left}, {asked}", unreached)))))
    if not _access.may_operate():
        return
    with st.container(horizontal=True, key="rest"):
        label = text("Resume") if look.run["state"] in ("crashed", "cancelled") else text("Retry all of it")
        if st.button(label, type="primary", key="resume"):
            _run_form.retry_at_once(run_id)
        st.button(text("Choose, and see the cost"), key="retry", on_click=_run_form.open_form, args=("retry", run_id))


def main() -> None:
    """The page."""
    text, run_id = current_text(), st.query_params.get("id", "")
    look: Any = _run_data.look_at(run_id)
    status = _data.status()
    is_coming = run_id in status.waiting or (status.active is not None and status.active.run_id == run_id)
    st.page_link("runs.py", label="\u2190 " + text("All runs"))
    if look is None and not is_coming:
        st.title(text("Run"), anchor=False)
        st.html(_cards.empty(text("No run {id} here", id=run_id), text("Choose one on the page Runs.")))
        return
    when = text("Run of {when}", when=text.instant(look.run["started_at"])) if look else text("Run")
    st.title(when, anchor=False)
    st.session_state["phase"] = phase(look)
    if look is not None:
        show_relatives(look, text)
        show_rest(look, text)
    is_live = look is None or look.is_live
    st.fragment(show, run_every=TICK_S if is_live else None)(run_id)
    _run_form.show_form()


main()
