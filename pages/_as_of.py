"""Looking back: pages on collected data can tell what was known on an earlier day; the address keeps it.

The choice stands in the frame, so that it stays from page to page; `_data.ask` answers for the day that is set here.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import streamlit as st

from pages import _cards, _data
from pages._text import Text
from pipeline import queries

__all__ = ["choose_day"]

NO_DAY: Any = None


def choose_day(text: Text) -> None:
    """A day to look back to, and while one is set a badge that says so."""
    known = _data.ask(queries.coverage)
    first, last = known["first_on"], known["last_on"]
    if first is None or first == last:
        return
    badge, asked = st.container(width="content", key="as_of_badge"), st.query_params.get("as_of", "")
    with st.popover(text("Look back"), key="look_back"):
        about = text("Pages then tell what had been collected by the end of that day (UTC), and nothing learned later.")
        day = st.date_input(text("As known on"), NO_DAY, first, last, key="as_of", bind="query-params",
                            format=text.day_field, help=about)  # fmt: skip
        st.button(text("Back to today"), disabled=day is None, on_click=_forget, key="as_of_today")
    if (lacking := _day(asked)) and not first <= lacking <= last:  # Streamlit passes over a day that is out of bounds
        badge.html(_cards.badge(text("No data as of {day}: today's are shown", day=text.day(lacking)), "warn"))
    if day is None or day == last:
        return
    badge.html(_cards.badge(text("As known on {day}", day=text.day(day)), "warn"))
    _data.look_back(day)
    with st.spinner(text("Looking back…"), show_time=False):
        _data.ask(queries.coverage)


def _day(asked: str) -> date | None:
    try:
        return date.fromisoformat(asked)
    except ValueError:
        return None


def _forget() -> None:
    st.session_state["as_of"] = None
