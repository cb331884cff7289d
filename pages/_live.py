"""What changes by itself: the line at the top (how fresh the data are, what runs) and the wait for first data.

Both are fragments on a timer. A page is run again only when there is something new to show, and while many generations
follow one another (the demo's history) at most every few seconds.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

import streamlit as st

from pages import _cards, _data, _failures, _freshness, _run_cards, _run_data
from pages._html import Html, tag
from pages._run_words import told
from pages._text import Text, current_text
from pipeline.errors import GarimpoError
from pipeline.service.scheduler import Status, service

__all__ = ["frame_line", "going", "progress_of", "progress_text", "show_no_run", "waiting"]

NOBODY = ("", "")
FRAME_S = 0.5  # how long the line at the top serves everybody
CALM_S = 5.0  # least time between two runs of a page for news alone


def frame_line() -> None:
    """The line at the top of a page; runs it again when a run began or ended, a generation came, the theme changed."""
    try:
        st.session_state["shown"] = _news()
    except (GarimpoError, OSError):  # the page below says what is wrong
        st.session_state["shown"] = (None, "", False)
    st.session_state["shown_at"] = time.monotonic()
    st.session_state["shown_theme"] = st.context.theme.type
    st.session_state["watched"] = NOBODY  # the page of a run says which one
    _watch()


@st.fragment(run_every="2s")
def _watch() -> None:
    with suppress(GarimpoError, OSError):  # the page below says what is wrong
        _follow()


def _follow() -> None:
    text, status, number = current_text(), _data.status(), _data.generation_number()
    st.html(_run_data.shared(("frame", text, number), lambda: _frame(text, status, number), FRAME_S))
    if st.context.theme.type != st.session_state["shown_theme"]:
        st.rerun(scope="app")
    run_id, phase = st.session_state["watched"]
    if run_id and _run_data.phase(_run_data.look_at(run_id)) != phase:
        st.rerun(scope="app")
    calm = time.monotonic() - st.session_state["shown_at"] >= CALM_S
    if _news() != st.session_state["shown"] and (calm or st.session_state["shown"][0] is None):
        st.rerun(scope="app")


def _news() -> tuple[int | None, str, bool]:
    status = _data.status()
    return _data.generation_number(), status.active.run_id if status.active else "", status.demo is not None


def _frame(text: Text, status: Status, number: int | None) -> Html:
    parts = [_cards.badge(text("Demo: the data are synthetic"), "demo")] if _data.is_synthetic() else []
    if status.demo or status.active:
        parts.append(_cards.badge(progress_text(text, status), "live"))
    elif status.last_error or _failed(_data.last_run()):
        parts.append(_cards.badge(text("The last run failed"), "bad"))
    if _data.is_idle():
        parts.append(_cards.badge(text("Nothing is collected here")))
    elif number is not None and not status.demo:
        parts.append(_freshness.frame_badge(text))
    if number is not None and not status.demo and not _data.is_told_empty():
        parts.append(tag("span", text("Data updated {when}", when=text.ago(_data.published_at(number), _data.now()))))
    return tag("div", *parts, cls="g-frame")


def _failed(run: dict[str, Any] | None) -> bool:
    return run is not None and run["state"] in ("failed", "crashed")


def progress_text(text: Text, status: Status) -> str:
    """What runs, in a few words."""
    if status.demo:
        return text("Collecting day {day} of {days}", day=max(status.demo.day, 1), days=status.demo.days)
    task = _run_cards.task_label(status.active.task if status.active else "", text)
    if status.active is None or not status.active.total:
        return text("Collecting: {task}", task=task)
    done, total = text.number(status.active.done), text.number(status.active.total)
    return text("Collecting: {task}, {done} of {total}", task=task, done=done, total=total)


def progress_of(status: Status) -> float:
    """How far it is, from 0 to 1: of the demo's days where those are collected, else of the task."""
    task = status.active.done / status.active.total if status.active and status.active.total else 0.0
    if status.demo:
        return min(1.0, (max(status.demo.day - 1, 0) + task) / max(status.demo.days, 1))
    return min(1.0, task)


def going(status: Status, text: Text) -> Html:
    """What goes on, as a bar, and where it is; nothing while nothing does."""
    if not _run_data.is_busy(status):
        return Html()
    words, share = progress_text(text, status), f"{progress_of(status):.1%}"
    bar = tag("div", tag("i", style=f"width:{share}"), cls="g-progress", role="progressbar", aria_label=words,
              aria_valuenow=share.removesuffix("%"))  # fmt: skip
    return tag("div", _cards.note(words), bar, _run_cards.progress_facts(status, text), cls="g-stack")


@st.fragment(run_every="1s")
@_failures.explained
def waiting() -> None:
    """What stands in place of a page until there are data: progress, or what is in the way and what to do."""
    text, status = current_text(), _data.status()
    if not _data.is_empty():
        st.rerun(scope="app")
    if _data.is_arranging() and not status.last_error:
        advice = text(
            "The program was updated. Its tables are built anew on this machine; nothing is asked of Spotify."
        )
        st.html(_cards.empty(text("Arranging what was collected"), advice))
    elif status.demo or status.active:
        advice = text("The first data appear here within seconds, by themselves.")
        st.html(_cards.empty(text("Collecting the first data"), advice))
        st.progress(progress_of(status), text=progress_text(text, status))
        st.html(_run_cards.progress_facts(status, text))
    elif status.last_error:
        title = text("What was collected cannot be shown") if _data.is_arranging() else text("The last run failed")
        st.html(_cards.empty(title, told(status.last_error, text)))
        st.page_link("runs.py", label=text("Go to Runs"))
    elif _data.is_idle():
        show_idle(text)
    else:
        _data.require_not_lost()
        show_nothing(text)


def show_nothing(text: Text) -> None:
    """What to do where a run may begin: start one, or mend what the last one failed of, before this app was opened."""
    title, last = text("Nothing has been collected yet"), _data.last_run()
    advice = text("Start a run on the page Runs; the first data appear within a minute.")
    if not (service().settings.genres or service().followed()):
        advice = text("No genre is searched here: follow artists by link, then start a run on the page Runs.")
    if last and _failed(last):
        title, advice = text("The last run failed"), told(last["message"], text)
    st.html(_cards.empty(title, advice))
    st.page_link("runs.py", label=text("Go to Runs"))


def show_idle(text: Text) -> None:
    """Why nothing comes by itself here, and both ways to begin."""
    advice = text("Set SPOTIPY_CLIENT_ID and SPOTIPY_CLIENT_SECRET and start again, or bring history in:")
    st.html(_cards.empty(text("Nothing is collected here"), f"{advice} python -m pipeline import PATH"))


def show_no_run(text: Text) -> None:
    """What stands in place of runs before there is one."""
    if _data.is_idle():
        show_idle(text)
    else:
        advice = text("Press Run now: it collects within your request budget and stops by itself.")
        st.html(_cards.empty(text("No run yet"), advice))
