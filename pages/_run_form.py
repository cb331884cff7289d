"""What starts runs: the form of Run now and the form of Retry, each with what it will cost before it starts.

A form is a dialog that stays open while the page below it is drawn anew: which one is open stands in the session.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import streamlit as st

from pages import _access, _cards, _run_data, _run_tables
from pages._html import tag
from pages._run_words import task_label, told
from pages._text import Text, current_text
from pipeline.errors import GarimpoError
from pipeline.runs.preview import PlannedTask, sum_costs
from pipeline.service.scheduler import service

__all__ = ["cancel", "close_form", "open_form", "retry_at_once", "show_form"]

OPEN = "open_form"
MOST_NAMES = 12  # of a task's items, in a dry run; more are counted
COST_S = 10.0


def open_form(name: str, run_id: str = "") -> None:
    """Open a form: `start`, or `retry` of a run."""
    st.session_state[OPEN] = (name, run_id)


def close_form() -> None:
    """Close it; also when the reader does."""
    st.session_state.pop(OPEN, None)


def show_form() -> None:
    """The form that is open, if one is."""
    text, (name, run_id) = current_text(), st.session_state.get(OPEN, ("", ""))
    if name == "start":
        st.dialog(text("Start a run"), width="medium", on_dismiss=close_form)(_start_form)()
    elif name == "retry":
        st.dialog(text("Retry what is left"), width="medium", on_dismiss=close_form)(_retry_form)(run_id)


def retry_at_once(run_id: str) -> None:
    """Resume with one click, and show the run that does; the form, which says why, where nothing can be asked now."""
    planned: Sequence[PlannedTask] = ()
    with suppress(GarimpoError):  # the run says so itself
        planned = _run_data.shared(("retry", run_id, ()), lambda: service().preview_retry(run_id), COST_S)
    if _waits(planned):
        open_form("retry", run_id)
    else:
        _begin(lambda wait: service().retry(run_id, wait=wait))


def cancel(run_id: str = "") -> None:
    """Stop a run, of whatever process; the active one without an id."""
    status = _run_data.current_status()
    if not run_id and status.active is not None:
        run_id = status.active.run_id
    if _access.may_operate():
        service().cancel(run_id)
        _run_data.forget()


def _start_form() -> None:
    """Genres, limit, dry run, cost, and the button that starts."""
    text, settings = current_text(), service().settings
    genres = st.multiselect(
        text("Genres"),
        _run_data.genres(),
        key="form_genres",
        placeholder=text("All {count} of the settings", count=text.number(len(settings.genres)))
        if settings.genres
        else text("None: only artists of your list, and those known already"),
        help=text("Others can be typed in."),
        accept_new_options=True,
    )
    limit = st.number_input(
        text("Requests at most"), 1, 1_000_000, min(settings.max_requests, 1_000_000), step=10, key="form_limit"
    )
    is_dry = st.toggle(text("Dry run: list what would be asked, start nothing"), key="form_dry")
    chosen, most = tuple(genres), int(limit)
    planned = _cost(("cost", chosen, most), lambda: service().preview(genres=chosen, max_requests=most), text)
    if is_dry:
        _list_items(planned, text)
    elif planned is not None and not _waits(planned) and _access.may_operate():
        _start_button(text, lambda wait: service().run_now(genres=chosen, max_requests=most, wait=wait))


def _retry_form(run_id: str) -> None:
    """Which items, cost, and the button that starts."""
    text = current_text()
    names = st.multiselect(
        text("Items"),
        _run_data.names_left(run_id),
        key="form_items",
        placeholder=text("All that is left"),
        help=text("What succeeded is not asked again."),
        accept_new_options=True,
    )
    chosen = tuple(names)
    planned = _cost(("retry", run_id, chosen), lambda: service().preview_retry(run_id, chosen), text)
    if planned is not None and not _waits(planned) and _access.may_operate():
        _start_button(text, lambda wait: service().retry(run_id, chosen, wait=wait))


def _cost(key: tuple[Any, ...], ask: Callable[[], Sequence[Any]], text: Text) -> Sequence[Any] | None:
    """What it would ask, shown as a sentence and a table; None where that cannot be said."""
    try:
        planned = _run_data.shared(key, ask, COST_S)
    except GarimpoError as error:
        st.warning(told(str(error), text))
        return None
    certain, most = sum_costs(planned)
    if certain:
        sentence = text.plural("It asks {count} request now", "It asks {count} requests now", certain)
        if most > certain:
            sentence += text(", and {most} at most where answers have further pages", most=text.number(most))
        sentence += "."
    elif _waits(planned):
        sentence = text("Nothing can be asked now: what there is waits until the quota is no longer locked or used up.")
    else:
        sentence = text("Nothing is due among what is known; what the first tasks find is asked by the later ones.")
    st.html(tag("div", _cards.note(sentence), _run_tables.cost_table(planned, text), cls="g-stack"))
    return planned


def _waits(planned: Sequence[PlannedTask]) -> bool:
    """Whether all that there is to ask waits for a quota: a run would put it off, and leave less than it found."""
    return any(row.requests for row in planned) and not sum_costs(planned)[0]


def _list_items(planned: Sequence[Any] | None, text: Text) -> None:
    """Names of what would be asked, task by task."""
    for row in planned or ():
        if row.items:
            more = len(row.items) - MOST_NAMES
            names = ", ".join(row.items[:MOST_NAMES])
            rest = " " + text("and {count} more", count=text.number(more)) if more > 0 else ""
            st.html(tag("p", tag("b", task_label(row.task, text)), f": {names}{rest}", cls="g-small"))


def _start_button(text: Text, begin: Callable[[bool], str]) -> None:
    """Start, or wait behind the run that goes on."""
    is_busy = _run_data.is_busy(_run_data.current_status())
    label = text("Start when the present run has ended") if is_busy else text("Start")
    if st.button(label, type="primary", key="form_start"):
        _begin(begin)


def _begin(begin: Callable[[bool], str]) -> None:
    """Start it, or let it wait its turn, and go where it is shown."""
    if not _access.may_operate():
        return
    try:
        run_id = begin(True)
    except GarimpoError as error:
        st.warning(current_text().error(error))
        return
    close_form()
    _run_data.forget()
    st.switch_page("run.py", query_params={"id": run_id})
