"""What orchestrators share: a step by its name, how it ended, the waits between attempts, the way through the graph.

Everything is handed to a system as names and JSON; what a run is the ledger knows. Imports `opening`, `dag`,
`external`, `progress` and `telling`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from pipeline.errors import GarimpoError
from pipeline.records.opening import opened_ledger
from pipeline.runs import external
from pipeline.runs.dag import DAG, Retry, Task
from pipeline.runs.progress import RunResult
from pipeline.settings import Settings, load_settings
from pipeline.watching.telling import tell_run_end

__all__ = [
    "USUAL",
    "Ended",
    "Submit",
    "ask",
    "ended",
    "item_key",
    "settings_of",
    "step_name",
    "stop",
    "waits_s",
    "walk",
]

USUAL = Retry()  # of begin and end, which are no tasks of the graph


class Ended(Protocol):
    """A step that was handed over."""

    def result(self) -> Any:
        """What it returned, once it ended; raises what it raised last."""


class Submit(Protocol):
    """Hands a step to a system, under the name that people read; it begins when those before it ended, however."""

    def __call__(
        self, name: str, call: str, asked: Sequence[Any], retry: Retry = ..., after: Sequence[Any] = ...
    ) -> Any:
        """The step as an `Ended`."""


def settings_of(folder: Path = Path()) -> Settings:
    """The settings of a folder, for a process started elsewhere: a relative GARIMPO_DATA is in that folder."""
    settings = load_settings(folder)
    return settings if settings.data.is_absolute() else settings.model_copy(update={"data": folder / settings.data})


def ask(call: str, *asked: Any, folder: Path = Path(), reopen: bool = False, **named: Any) -> Any:
    """What a step of `external` returns, with the settings of a folder; raises what it raises.

    With `reopen` the run goes on again if it had ended. Whoever wants to know is told how a run ended.
    """
    settings = settings_of(folder)
    if reopen:
        external.reopen_run(settings, str(asked[0]))
    try:
        return getattr(external, call)(settings, *asked, **named)
    finally:
        if call == "end_run":
            _tell(settings, str(asked[0]))


def _tell(settings: Settings, run_id: str) -> None:
    """What hinders it hinders nothing else: the run has ended. Of one that could not be ended nothing is told."""
    with suppress(GarimpoError), opened_ledger(settings, to_read=True) as (_, ledger):
        for row in ledger.runs(1, where="r.run_id = ? AND r.state <> 'running'", params=(run_id,)):
            told = {key: row[key] for key in ("run_id", "state", "message", "requests", "rows", "due_at")}
            tell_run_end(settings, RunResult(**told, duration_s=0.0))


def stop(run_id: str, folder: Path = Path()) -> None:
    """End a run that cannot go on; what it brought is published, and the ledger says why it ended."""
    with suppress(GarimpoError):
        ask("end_run", run_id, folder=folder)


def step_name(task: Task, call: str) -> str:
    """What a step of a task is called where names are words: the task's name, with what is done to a mapped one."""
    return task.name + {"expand_task": "_expand", "close_task": "_close"}.get(call, "")


def item_key(item: Mapping[str, str]) -> str:
    """An item's label in ASCII letters, digits and underscores, and its number, which makes it the only one."""
    plain = unicodedata.normalize("NFKD", item["label"]).encode("ascii", "ignore").decode()
    return re.sub(r"\W+", "_", f"{plain} {int(item['item_id'].rsplit('-', 1)[1])}").strip("_")


def ended(facts: Any) -> str:
    """How a step ended that returned this: `succeeded` unless it says otherwise."""
    return str(facts.get("state", "succeeded")) if isinstance(facts, dict) else "succeeded"


def waits_s(retry: Retry) -> list[float]:
    """Seconds to wait before each attempt but the first, as a run of our own would."""
    return [retry.wait_s(failed) for failed in range(1, retry.attempts)]


def walk(submit: Submit, run_id: str, begun: Ended) -> Ended:
    """Every task of the graph, for a system whose graph is a program; the last step, for `end_run` to come after.

    An item that is tried in vain fails alone. What no other attempt would mend is raised once its siblings have ended.
    """
    last = begun
    for task in DAG:
        if task.run is None:
            last = _mapped(submit, run_id, task, last)
        else:
            last = submit(task.name, "run_task", [run_id, task.name], task.retry, [last])
            last.result()
    return last


def _mapped(submit: Submit, run_id: str, task: Task, last: Ended) -> Ended:
    listed = submit(f"{task.name}: expand", "expand_task", [run_id, task.name], task.retry, [last])
    items = [
        submit(f"{task.name}: {item['label']}", "collect_item", [run_id, item["item_id"]], task.retry, [listed])
        for item in listed.result()
    ]
    _raise_lasting(items)
    closed: Ended = submit(f"{task.name}: close", "close_task", [run_id, task.name], task.retry, items or [listed])
    _raise_lasting([closed])
    return closed


def _raise_lasting(steps: Sequence[Ended]) -> None:
    """Wait for all of them; raise the first error that another attempt would not mend."""
    found: list[Exception] = []
    for step in steps:
        try:
            step.result()
        except Exception as error:  # noqa: BLE001  what a system makes of a lost process is its own
            found.append(error)
    lasting = [error for error in found if not external.is_worth_retrying(error)]
    if lasting:
        raise lasting[0]
