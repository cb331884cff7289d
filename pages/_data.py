"""Answers for pages: `pipeline.queries` cached per published generation, and the service and its ledger for reading.

A generation never changes, so an answer is kept for as long as its number is current; old ones fall out by age of use.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import partial
from typing import Any, Concatenate, ParamSpec, TypeVar

import streamlit as st

from pages import _run_data
from pipeline import queries
from pipeline.errors import GarimpoError
from pipeline.published import publish
from pipeline.published.generations import Generation, generation_path, open_generation
from pipeline.records.capability_rows import capability_rows
from pipeline.service.scheduler import Service, Status, service

__all__ = [
    "ask",
    "ask_later",
    "generation_number",
    "is_arranging",
    "is_empty",
    "is_idle",
    "is_looking_back",
    "is_synthetic",
    "is_told_empty",
    "last_run",
    "look_back",
    "now",
    "published_at",
    "run_row",
    "runs",
    "runs_count",
    "status",
    "task_runs",
    "was_asked",
]

Row = dict[str, Any]
P = ParamSpec("P")
T = TypeVar("T")
Question = Callable[..., Any]


def _service() -> Service:
    return service()


def generation_number() -> int | None:
    """The number of the published generation; None before the first."""
    return _service().shown.number()


def is_empty() -> bool:
    """Whether there is nothing to show: no generation, or nobody in it, as after a first run that failed."""
    return generation_number() is None or not ask(queries.artists_count)


def is_told_empty() -> bool:
    """The same where that can be told; what cannot be read may hold something."""
    try:
        return is_empty()
    except (GarimpoError, OSError):
        return False


def require_not_lost() -> None:
    """Raise DamagedFile where something was published once and is gone."""
    publish.require_not_lost(_service().workspace, _service().ledger)


def is_arranging() -> bool:
    """Whether another version of the program published the data, so that they are published anew at this moment."""
    return _service().shown.is_old()


def look_back(day: date | None) -> None:
    """Let this session's questions be answered with what was known on a day; None: with all that is known."""
    st.session_state["as_of_day"] = day


def is_looking_back() -> bool:
    """Whether what is shown is what was known on an earlier day."""
    return st.session_state.get("as_of_day") is not None


def ask(question: Callable[Concatenate[Generation, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """The answer of a function of `pipeline.queries`, from the cache where this generation was asked before.

    Each day looked back to is a file of its own, and so another generation to the cache. Where a workspace is made
    again files have the names that others had: the name under which a file is attached is not given twice.
    """
    generation = _shown()
    call = inspect.signature(question).bind(generation, *args, **kwargs)
    rest = {name: value for name, value in call.arguments.items() if value is not generation}
    # Told in words: Streamlit takes 20 ms to look through a list of 5,000 ids, and a fifth of one for a text.
    answer: T = _answer((generation.alias, question.__name__, repr(rest)), generation, question, rest)
    return answer


def ask_later(question: Callable[Concatenate[Generation, P], T], /, *args: Any, **kwargs: Any) -> Callable[..., T]:
    """The question of what this session is shown now, for a thread that belongs to none; its answer is not kept."""
    return partial(question, _shown(), *args, **kwargs)


def _shown() -> Generation:
    day: date | None = st.session_state.get("as_of_day")
    return open_generation(_service().workspace, day) if day else _service().shown.generation()


@st.cache_data(max_entries=400, show_spinner=False)
def _answer(key: tuple[str, str, str], _generation: Generation, _question: Question, _rest: Row) -> Any:  # noqa: ARG001  what the answer depends on
    return _question(_generation, **_rest)


def status() -> Status:
    """What goes on at this moment, here or in another process."""
    return _run_data.current_status()


def is_synthetic() -> bool:
    """Whether the data shown are made up."""
    return _service().workspace.simulated


def is_idle() -> bool:
    """Whether nothing can be collected here, for lack of credentials."""
    return _service().is_idle


def now() -> datetime:
    """The present instant."""
    return _service().ledger.now()


def capabilities() -> dict[str, Row]:
    """What the source was seen to offer, by name; empty before the first run."""
    return capability_rows(_service().ledger)


def was_asked() -> bool:
    """Whether Spotify was asked about anybody yet, names of a list or an import aside: else it has withheld nothing."""
    known = ask(queries.anything_read)
    return known["releases"] or (known["names"] and any(name.startswith("field:artist.") for name in capabilities()))


def runs(limit: int = 20, offset: int = 0) -> list[Row]:
    """Runs, newest first, live from the ledger."""
    return _service().ledger.runs(limit, offset)


def runs_count() -> int:
    """How many runs there have been."""
    return int(_service().ledger.read("SELECT count(*) AS runs FROM runs")[0]["runs"])


def last_run() -> Row | None:
    """The newest run, running or not."""
    return next(iter(runs(1)), None)


def published_at(number: int) -> datetime:
    """When a generation was published."""
    return datetime.fromtimestamp(generation_path(_service().workspace, number).stat().st_mtime, UTC)


def run_row(run_id: str) -> Row | None:
    """One run by its id."""
    return next(iter(_service().ledger.runs(1, where="r.run_id = ?", params=(run_id,))), None)


def task_runs(run_id: str) -> list[Row]:
    """Attempts of a run in the order they began."""
    return _service().ledger.task_runs(run_id)
