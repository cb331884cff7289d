"""One step of a run that another system owns: the workspace held for it, a mapped task whose items come one by one.

What `external` is made of. Imports `fanout`, `runner` and the rooms below.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from pipeline.errors import RunInProgress, SettingsError, TaskFailed
from pipeline.lake.normalize import Normalizer
from pipeline.records.database import Row
from pipeline.records.lease import kept_alive, read_lease, renew_lease
from pipeline.records.ledger import Ledger
from pipeline.records.lock import hold_run_lock
from pipeline.records.log_context import working_for
from pipeline.records.opening import opened_ledger
from pipeline.runs.context import Context, kept_run_log, open_context
from pipeline.runs.dag import DAG, Retry, Task, heirs
from pipeline.runs.fanout import MappedTask, Work
from pipeline.runs.items import attempt_id, calls_of, set_retrying
from pipeline.runs.planner import Item, Outlook, call_key
from pipeline.runs.progress import TaskResult
from pipeline.runs.retries import asked_of
from pipeline.runs.runner import watch_for_cancel
from pipeline.settings import Settings
from pipeline.source import capabilities
from pipeline.source.calls import Batch
from pipeline.workspace import Workspace

__all__ = [
    "SteppedTask", "bury_attempts", "find_run", "graph_task", "missing_key", "open_step", "read_item",
    "read_items", "read_run", "set_going_on", "stepped",
]  # fmt: skip

NO_WORD = "its process ended without a word"


class SteppedTask(MappedTask):
    """A mapped task whose items another system calls: none is tried twice here."""

    def __init__(self, context: Context, task: Task, normalizer: Normalizer) -> None:
        alone = replace(task, retry=Retry(attempts=1))
        super().__init__(context, alone, normalizer, lambda *_: None, heirs(task))
        known = read_items(context.ledger, context.run_id, task.name)
        self._total, self._expand, self._known = len(known), task.expand, known

    def enlist_all(self) -> None:
        """Plan once, as `pending` items: what the allowance leaves over is shared for the pages that follow."""

        def expand(outlook: Outlook) -> list[Item]:
            items = self._expand(outlook) if self._expand else []
            spare = (outlook.allowance - sum(len(item.calls) for item in items)) // max(1, len(items))
            return [replace(item, max_requests=len(item.calls) + spare) for item in items]

        self._enlist(self._plan(expand))

    def attempt(self, row: Mapping[str, Any]) -> None:
        """Ask what the item was not answered yet; what failed is kept, by call, so that nobody asks it again."""
        ledger, run_id, item_id, attempt = self._context.ledger, row["run_id"], row["item_id"], row["attempts"] + 1
        calls = calls_of(row["calls"])
        batch = Batch(
            run_id, attempt_id(item_id, attempt), row["task"], row["item"], attempt, calls, row["max_requests"]
        )
        if attempt > 1:
            set_retrying(ledger, run_id, item_id, batch.batch_id, calls, wait_s=0.0)
        key, asked = missing_key(run_id, item_id), {call_key(call) for call in calls}
        before = {name: told for name, told in json.loads(ledger.meta(key) or "{}").items() if name not in asked}
        try:
            self._collect([Work(item_id, batch)])
        finally:
            if missing := before | self._reckoning.missing:
                ledger.set_meta(key, json.dumps(missing))

    def rest(self) -> TaskResult:
        """Ask what can be planned by now and no item has tried in vain; how all of it went."""
        missing = self._reckoning.missing
        for row in self._known:
            missing |= json.loads(self._context.ledger.meta(missing_key(row["run_id"], row["item_id"])) or "{}")
            if row["state"] not in ("deferred", "cancelled"):
                told = f"{row['item']}: {row['message'] or NO_WORD}"
                missing |= {call_key(call): told for call in calls_of(row["calls"])}
            self._rows += row["rows"]
        self._reckoning.settled.update(missing)
        return self.run(self._expand) if self._expand else self._result()


@contextmanager
def stepped(context: Context, task: Task) -> Iterator[SteppedTask]:
    """A mapped task of the run, for one step."""
    normalizer = Normalizer()
    try:
        yield SteppedTask(context, task, normalizer)
    finally:
        normalizer.close()


@contextmanager
def open_step(settings: Settings, run_id: str, task: str) -> Iterator[Context]:
    """A context of the run for one step, during which the workspace is held for it."""
    stop = threading.Event()
    with opened_ledger(settings) as (workspace, ledger):
        system = _attend(workspace, ledger, run_id)
        genres, most = asked_of(settings, ledger, run_id)
        with (
            kept_alive(workspace, run_id, system),
            open_context(settings, ledger, run_id, genres=genres, max_requests=most, stop=stop) as context,
            working_for(run_id=run_id, task=task),
            kept_run_log(settings, ledger, run_id),
            watch_for_cancel(context, stop),
        ):
            # What other steps have sent counts as sent by this one.
            context.gate.sent = ledger.read("SELECT count(*) n FROM requests WHERE run_id = ?", (run_id,))[0]["n"]
            context.capabilities = capabilities.load_capabilities(ledger) or context.capabilities
            yield context


def _attend(workspace: Workspace, ledger: Ledger, run_id: str) -> str:
    """The system that owns the run, which holds the workspace from here on.

    Raises TaskFailed when the run has ended, RunInProgress when another one came in between two steps.
    """
    system = str(json.loads(read_run(ledger, run_id)["params"])["system"])
    if read_lease(workspace) is None:
        try:
            with hold_run_lock(workspace, run_id, "external", ledger.now()):
                if read_run(ledger, run_id)["state"] == "running":
                    renew_lease(workspace, run_id, system)
        except RunInProgress:
            if read_lease(workspace) is None:
                raise
    state, lease = read_run(ledger, run_id)["state"], read_lease(workspace)
    if state != "running":
        raise TaskFailed(f"Run {run_id} has {state} already; begin another one. What it committed is kept.")
    if lease is not None and lease.run_id != run_id:
        raise RunInProgress(f"Run {lease.run_id} of {lease.system} holds workspace {workspace.name}; wait for its end.")
    return system


def graph_task(name: str) -> Task:
    """The task of the graph that is called so; SettingsError when there is none."""
    for task in DAG:
        if task.name == name:
            return task
    raise SettingsError(
        f"{name} is no task; the graph has {', '.join(task.name for task in DAG)}. Nothing was started."
    )


def missing_key(run_id: str, item_id: str) -> str:
    """Where the ledger keeps which calls of an item were tried in vain."""
    return f"missing:{run_id}:{item_id}"


def find_run(ledger: Ledger, system: str, system_run: str, *, ended: bool = False) -> str | None:
    """The run going on that a system calls so; with `ended` the last one that it has called so."""
    states = "" if ended else "AND state = 'running'"
    rows = ledger.read(
        f"SELECT run_id FROM runs WHERE trigger = 'external' {states} "
        "AND json_extract(params, '$.system') = ? AND json_extract(params, '$.system_run') = ? "
        "ORDER BY started_at DESC LIMIT 1",
        (system, system_run),
    )
    return str(rows[0]["run_id"]) if rows else None


def read_run(ledger: Ledger, run_id: str) -> Row:
    """The row of an external run; SettingsError when there is none."""
    rows = ledger.read("SELECT * FROM runs WHERE run_id = ? AND trigger = 'external'", (run_id,))
    if not rows:
        raise SettingsError(f"{run_id} is not a run of another system in this workspace. Nothing was started.")
    return rows[0]


def set_going_on(ledger: Ledger, run_id: str) -> None:
    """Undo the end of a run: what did not end well is open, what was asked in vain is put off, as if never asked."""
    with ledger.write() as connection:
        connection.execute(
            "UPDATE runs SET state = 'running', message = '', finished_at = NULL, due_at = NULL, cancel_requested = 0 "
            "WHERE run_id = ?",
            (run_id,),
        )
        connection.execute(
            "UPDATE run_tasks SET state = CASE WHEN started_at IS NULL THEN 'pending' ELSE 'running' END, "
            "finished_at = NULL WHERE run_id = ? AND state IN ('failed', 'skipped', 'cancelled', 'crashed')",
            (run_id,),
        )
        connection.execute("UPDATE items SET state = 'deferred' WHERE run_id = ? AND calls <> '[]'", (run_id,))


def read_items(ledger: Ledger, run_id: str, task: str) -> list[Row]:
    """The items of a mapped task in the order they were planned, as they are kept."""
    return ledger.read("SELECT * FROM items WHERE run_id = ? AND task = ? ORDER BY rowid", (run_id, task))


def read_item(ledger: Ledger, run_id: str, item_id: str) -> Row:
    """One item as it is kept; SettingsError when there is none."""
    rows = ledger.read("SELECT * FROM items WHERE run_id = ? AND item_id = ?", (run_id, item_id))
    if not rows:
        raise SettingsError(f"{item_id} is not an item of run {run_id}. Nothing was started.")
    return rows[0]


def bury_attempts(ledger: Ledger, run_id: str, task: str, item_id: str = "") -> None:
    """End, as crashed, attempts still shown as running: whoever calls a step again knows that the last one is gone."""
    ended = (NO_WORD, ledger.now().timestamp(), run_id, task)
    mine = (item_id, item_id, len(item_id) + 1, f"{item_id}-")
    with ledger.write(durable=False) as connection:
        for table, column in (("task_runs", "batch_id"), ("items", "item_id")):
            connection.execute(
                f"UPDATE {table} SET state = 'crashed', message = ?, finished_at = ? WHERE run_id = ? AND task = ? "
                f"AND state = 'running' AND (? = '' OR {column} = ? OR substr({column}, 1, ?) = ?)",
                (*ended, *mine),
            )
