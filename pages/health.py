"""Health: whether it works, what it may still ask today, how old each genre is and what is done about that."""

from __future__ import annotations

from typing import Any

import streamlit as st

from pages import _access, _cards, _failures, _freshness, _health_cards
from pages._html import tag
from pages._run_words import told
from pages._text import Text, current_text
from pipeline.service.scheduler import service


@st.fragment(run_every="5s")
@_failures.explained
def show_health() -> None:
    """The verdict, the numbers and the budget, read again every five seconds."""
    text, found = current_text(), service().health()
    st.html(_health_cards.verdict(found, text))
    st.html(_health_cards.numbers(found, text))
    st.header(text("Request budget"), anchor=False)
    st.html(_health_cards.budget_table(found["budget"], text))
    show_error(found, text)


def show_error(found: dict[str, Any], text: Text) -> None:
    """The last error, however long ago."""
    st.header(text("Last error"), anchor=False)
    if found["last_error"]:
        st.html(tag("pre", told(found["last_error"], text), cls="g-said"))
        st.html(_cards.note(text.instant(found["last_error_at"], found["last_run"]["started_at"])))
    else:
        st.html(_cards.note(text("None so far.")))


def show_freshness(text: Text) -> None:
    """How old each genre is, and what happens to old ones."""
    st.header(text("Freshness of genres"), anchor=False)
    rows, own = _freshness.rows(), service().own_targets()
    if not rows:
        st.html(_cards.note(text("No genre is searched: runs read the artists of your list, and those known already.")))
        return
    words = text("The demo is being filled; its genres are read in turn.")
    if not service().status().demo:
        words = _freshness.catch_up_words(service().catch_up_plan(), text)
    st.html(_cards.note(words))
    st.html(_health_cards.freshness_table(rows, own, text))
    if not _access.may_operate():
        return
    with st.expander(text("Change a target")):
        genre = st.selectbox(text("Genre"), [row.genre for row in rows], key="target_genre")
        today = {row.genre: row.target_days for row in rows}
        days = st.number_input(text("Days"), 1, 366, today[genre], key=f"target_days_{genre}")
        with st.container(horizontal=True):
            if st.button(text("Keep it"), type="primary", key="keep_target"):
                change_target(genre, int(days))
            if st.button(text("As the setting says"), disabled=genre not in own, key="drop_target"):
                change_target(genre, None)


def change_target(genre: str, days: int | None) -> None:
    """Give a genre a target of its own, or take it back."""
    if _access.may_operate():
        service().set_target(genre, days)
    st.session_state.pop(f"target_days_{genre}", None)
    st.rerun()


def main() -> None:
    """The page."""
    text = current_text()
    _access.say_read_only()
    show_health()
    show_freshness(text)
    link = tag("a", "/healthz", href="/healthz", target="_blank")
    words = text("The same for programs, as JSON:")
    st.html(tag("p", words, " ", link, " \u00b7 ", tag("code", "python -m pipeline status --json"), cls="g-small"))


main()
