"""A run that another system owns: it calls the steps, each perhaps in a process of its own, and retries them.

begin_run, then for each task run_task or expand_task → collect_item (each item) → close_task, then end_run.
Everything taken and returned is JSON; state is in the ledger, as of any run. A step called again goes on where it was.
Imports `stepping` and the rooms below.
"""

from __future__ import annotations

import json
import logging
import os
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import Any

from pipeline.errors import (
    GarimpoError,
    RunInProgress,
    SettingsError,
    SourceUnavailable,
    TaskFailed,
    WriterBusy,
)
from pipeline.lake.store import require_ledger
from pipeline.published.publish import publish
from pipeline.records.database import Row
from pipeline.records.events import note
from pipeline.records.lease import drop_lease, renew_lease
from pipeline.records.ledger import Ledger
from pipeline.records.lock import bury_dead_runs, hold_run_lock
from pipeline.records.log_context import working_for
from pipeline.records.opening import opened_ledger
from pipeline.runs.context import require_credentials
from pipeline.runs.dag import DAG
from pipeline.runs.items import begin_run_task, end_run_task, plan_run_tasks, run_tasks
from pipeline.runs.progress import TaskResult
from pipeline.runs.runner import USABLE, attempt_task, judge_run, new_run_id
from pipeline.runs.stepping import (
    bury_attempts,
    find_run,
    graph_task,
    missing_key,
    open_step,
    read_item,
    read_items,
    read_run,
    set_going_on,
    stepped,
)  # fmt: skip
from pipeline.settings import Settings

__all__ = [
    "Owner", "begin_run", "cancel_run", "close_task", "collect_item", "end_run", "expand_task", "is_worth_retrying",
    "reopen_run", "run_task",
]  # fmt: skip

log = logging.getLogger(__name__)

Facts = dict[str, Any]


@dataclass(frozen=True)
class Owner:
    """Which system owns a run, and what it calls that run: beginning it twice is beginning it once."""

    system: str
    run: str


def is_worth_retrying(error: BaseException) -> bool:
    """Whether a step that ended so should be called again; what is not ours may be anything, a lost process too."""
    return isinstance(error, SourceUnavailable | WriterBusy | RunInProgress) or not isinstance(error, GarimpoError)


def begin_run(
    settings: Settings,
    owner: Owner,
    *,
    genres: tuple[str, ...] = (),
    max_requests: int | None = None,
    go_on: bool = False,
) -> str:
    """The id of the owner's run, begun if it was not; raises RunInProgress while another one holds the workspace.

    With `go_on` a run of the owner that has ended is reopened, with the genres and the limit that it was given.
    """
    require_credentials(settings)
    params: dict[str, Any] = {
        "genres": list(genres or settings.genres), "max_requests": max_requests or settings.max_requests,
        "system": owner.system, "system_run": owner.run,
    }  # fmt: skip
    with opened_ledger(settings) as (workspace, ledger):
        if run_id := find_run(ledger, owner.system, owner.run, ended=go_on):
            reopen_run(settings, run_id)
            return run_id
        run_id = new_run_id(ledger.now())
        with hold_run_lock(workspace, run_id, "external", ledger.now()), working_for(run_id=run_id):
            bury_dead_runs(ledger)
            require_ledger(workspace, ledger)
            ledger.begin_run(run_id, "external", params, os.getpid())
            plan_run_tasks(ledger, run_id, [task.name for task in DAG])
            ledger.add_event("INFO", "run_started", **params)
            renew_lease(workspace, run_id, owner.system)
        return run_id


def reopen_run(settings: Settings, run_id: str) -> None:
    """Let a run that ended go on: steps may be called again, end_run has to be. One that goes on is left alone.

    What it asked in vain or never reached is asked again by whichever of its steps are called; what was answered is
    not. Raises RunInProgress while another run holds the workspace.
    """
    with opened_ledger(settings) as (workspace, ledger):
        system = str(json.loads(read_run(ledger, run_id)["params"])["system"])
        if read_run(ledger, run_id)["state"] == "running":
            return
        with hold_run_lock(workspace, run_id, "external", ledger.now()), working_for(run_id=run_id):
            bury_dead_runs(ledger)
            set_going_on(ledger, run_id)
            ledger.add_event("INFO", "run_reopened", system=system)
            renew_lease(workspace, run_id, system)


def run_task(settings: Settings, run_id: str, name: str) -> Facts:
    """What an unmapped task of the graph has to tell; raises what it raised."""
    task = graph_task(name)
    if task.run is None:
        raise SettingsError(f"Task {name} is mapped: expand it, collect its items, close it. Nothing was started.")
    with open_step(settings, run_id, name) as context:
        ledger, result = context.ledger, TaskResult(name, "failed")
        begin_run_task(ledger, run_id, name)
        bury_attempts(ledger, run_id, name)
        query = "SELECT count(*) n FROM task_runs WHERE run_id = ? AND task = ?"
        attempt = 1 + ledger.read(query, (run_id, name))[0]["n"]
        try:
            result = attempt_task(context, name, task.run, attempt)
        except GarimpoError as error:
            result = replace(result, message=str(error))
            raise
        finally:
            end_run_task(ledger, run_id, asdict(result))
    return _facts(result)


def expand_task(settings: Settings, run_id: str, name: str) -> list[dict[str, str]]:
    """The items of a mapped task, planned now: `item_id`, and the `label` that people read."""
    task = graph_task(name)
    with open_step(settings, run_id, name) as context:
        ledger = context.ledger
        states = {row["task"]: row["state"] for row in run_tasks(ledger, run_id)}
        begin_run_task(ledger, run_id, name)
        if broken := [before for before in task.after if states[before] not in USABLE]:
            message = f"{', '.join(broken)} did not finish"
            end_run_task(ledger, run_id, asdict(TaskResult(name, "skipped", message=message)))
            return []
        if not read_items(ledger, run_id, name):
            with stepped(context, task) as mapped:
                mapped.enlist_all()
        return [{"item_id": row["item_id"], "label": row["item"]} for row in read_items(ledger, run_id, name)]


def collect_item(settings: Settings, run_id: str, item_id: str) -> Facts:
    """One attempt at an item, at what it was not answered yet; raises SourceUnavailable when there is more to be asked.

    What was put off is no failure: `state` is deferred then.
    """
    name = item_id.rsplit("-", 1)[0]
    with open_step(settings, run_id, name) as context:
        row = read_item(context.ledger, run_id, item_id)
        if row["calls"] != "[]":
            if name not in {each["task"] for each in run_tasks(context.ledger, run_id) if each["state"] == "running"}:
                begin_run_task(context.ledger, run_id, name)  # closed before, and to be closed again
            bury_attempts(context.ledger, run_id, name, item_id)
            with stepped(context, graph_task(name)) as mapped:
                mapped.attempt(row)
            row = read_item(context.ledger, run_id, item_id)
        if row["state"] == "failed":
            raise SourceUnavailable(f"{row['item']}: {row['message']}")
        return {key: row[key] for key in ("item", "state", "attempts", "requests", "rows", "message")}


def close_task(settings: Settings, run_id: str, name: str) -> Facts:
    """How a mapped task ended; asks first what its items could not know of (later pages of a deep genre)."""
    with open_step(settings, run_id, name) as context:
        ended = next(row for row in run_tasks(context.ledger, run_id) if row["task"] == name)
        if ended["state"] != "running":
            return {key: ended[key] for key in ("task", "state", "items", "missing", "message")}
        bury_attempts(context.ledger, run_id, name)
        result = TaskResult(name, "failed")
        try:
            with stepped(context, graph_task(name)) as mapped:
                result = mapped.rest()
        except GarimpoError as error:
            result = replace(result, message=str(error))
            raise
        finally:
            end_run_task(context.ledger, run_id, asdict(result))
            note(log, "task_finished", **_facts(result))
    return _facts(result)


def end_run(settings: Settings, run_id: str) -> Facts:
    """How the run ended, recorded once; raises TaskFailed when it failed. What was committed is published anyway."""
    with opened_ledger(settings) as (workspace, ledger):
        with working_for(run_id=run_id):
            if read_run(ledger, run_id)["state"] == "running":
                _conclude(ledger, run_id)
                if read_run(ledger, run_id)["state"] in ("failed", "cancelled"):
                    publish(workspace, ledger)
        drop_lease(workspace, run_id)
        row = ledger.runs(1, where="r.run_id = ?", params=(run_id,))[0]
    if row["state"] not in USABLE:
        raise TaskFailed(f"Run {run_id} {row['state']}: {row['message']}")
    return {key: row[key] for key in ("run_id", "state", "message", "requests", "rows")}


def cancel_run(settings: Settings, owner: Owner) -> None:
    """End the owner's run as cancelled if it goes on; what was committed is published."""
    with opened_ledger(settings) as (_, ledger):
        run_id = find_run(ledger, owner.system, owner.run)
        if run_id is None or not ledger.request_cancel(run_id):
            return
    with suppress(TaskFailed):  # so it says of a run that was cancelled, too
        end_run(settings, run_id)


def _conclude(ledger: Ledger, run_id: str) -> None:
    rows = run_tasks(ledger, run_id)
    results = [
        TaskResult(row["task"], row["state"], row["items"], 0, row["missing"], row["message"], row["due_at"])
        for row in rows
    ]
    verdict, open_tasks = judge_run(results), [row["task"] for row in rows if row["state"] in ("pending", "running")]
    state, message = verdict.state, verdict.message
    if ledger.cancel_requested(run_id):
        state, message = "cancelled", "everything committed is kept"
    elif open_tasks:
        why = [f"; first {item['item']}: {item['message']}" for item in _failed_items(ledger, run_id, open_tasks)[:1]]
        left = f"{', '.join(open_tasks)} did not end{''.join(why)}; everything committed is kept"
        state, message = "failed", "; ".join(filter(None, [message, left]))
    ledger.finish_run(run_id, state, message, verdict.due_at)
    ledger.add_event("INFO" if state in USABLE else "WARNING", "run_finished", message, state=state)
    with ledger.write(durable=False) as connection:
        prefix = missing_key(run_id, "")
        connection.execute("DELETE FROM meta WHERE substr(key, 1, ?) = ?", (len(prefix), prefix))


def _failed_items(ledger: Ledger, run_id: str, tasks: list[str]) -> list[Row]:
    return [row for name in tasks for row in read_items(ledger, run_id, name) if row["state"] == "failed"]


def _facts(result: TaskResult) -> Facts:
    """A task's end as JSON values."""
    return {key: value for key, value in asdict(result).items() if key != "due_at"}
