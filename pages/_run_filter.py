"""Which runs the page of runs lists: the choice, which the address keeps, and what to do when nothing matches it."""

from __future__ import annotations

from typing import Any

import streamlit as st

from pages import _cards, _data, _parts, _run_data
from pages._run_words import STATES, TRIGGERS, state_label, trigger_label
from pages._text import Text
from pipeline.watching.history import RunFilter

__all__ = ["choose", "show_none"]

NO_DAYS: Any = ()  # a span of days, none chosen


def choose(text: Text) -> RunFilter:
    """State, what began it, genre and days, as chosen; the address keeps them."""
    state, trigger, genre, days = st.columns(4)
    with state:
        states = {name: state_label(name, text) for name in STATES}
        chosen = _parts.choose_one(text("State"), states, key="state", everything=text("Any state"))
    with trigger:
        triggers = {name: trigger_label(name, text) for name in TRIGGERS if name != "demo" or _data.is_synthetic()}
        begun = _parts.choose_one(text("Started by"), triggers, key="trigger", everything=text("Anything"))
    with genre:
        known = {name: name for name in _run_data.genres()}
        about = _parts.choose_one(text("Genre"), known, key="genre", everything=text("All genres"))
    with days:
        span = st.date_input(text("Days (UTC)"), NO_DAYS, key="days", bind="query-params", format=text.day_field)
    first, last = (span[0], span[-1]) if span else (None, None)
    return RunFilter(chosen, begun, about, first, last)


def show_none(text: Text) -> None:
    """What to do when no run matches."""
    st.html(_cards.empty(text("No run matches"), text("Try another state, another genre or more days.")))
    st.button(text("Show all runs"), on_click=_forget, key="show_all")


def _forget() -> None:
    """Take back what narrows the list: the days, which their widget keeps, and what stands in the address alone."""
    st.session_state["days"] = NO_DAYS
    for name in ("state", "trigger", "genre"):
        st.query_params.pop(name, None)
