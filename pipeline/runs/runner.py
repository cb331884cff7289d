"""Executes the graph once on a workspace: holds the run lock, records how each task and the run ended.

What is left after a kill, a cancel or a deferral is found again by the planner: there is nothing to restore.
Imports `fanout` and the rooms below.
"""

from __future__ import annotations

import logging
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

from pipeline.errors import Deferred, GarimpoError, RunCancelled, SourceUnavailable, TaskFailed, WriterBusy
from pipeline.lake.normalize import Normalizer
from pipeline.lake.store import require_ledger
from pipeline.published.publish import publish
from pipeline.records.events import note
from pipeline.records.ledger import TaskOutcome
from pipeline.records.lock import bury_dead_runs, hold_run_lock
from pipeline.records.log_context import working_for
from pipeline.records.opening import opened_ledger
from pipeline.runs.context import Context, kept_run_log, open_context, require_credentials
from pipeline.runs.dag import DAG, Task, heirs
from pipeline.runs.fanout import MappedTask
from pipeline.runs.items import attempt_id, begin_run_task, end_run_task, plan_run_tasks
from pipeline.runs.progress import Progress, RunResult, TaskResult
from pipeline.runs.retries import Leftovers, asked_of, find_leftovers
from pipeline.runs.tasks import WARNING, Facts
from pipeline.settings import Settings

__all__ = [
    "USABLE", "RunRequest", "Verdict", "attempt_task", "judge_run", "new_run_id", "run_pipeline", "watch_for_cancel",
]  # fmt: skip

log = logging.getLogger(__name__)

POLL_S = 0.3  # how soon a cancel asked for by another process is noticed
USABLE = ("succeeded", "partial", "deferred")
Report = Callable[[Progress], None]


@dataclass(frozen=True)
class RunRequest:
    """What is asked of a run; empty fields mean the settings'. `wait_s`: how long to wait for another run's end."""

    trigger: str = "cli"
    genres: tuple[str, ...] = ()
    max_requests: int | None = None
    run_id: str = ""
    wait_s: float = 0.0
    notes: Mapping[str, str] = field(default_factory=dict)  # kept with the run's parameters: who asked, and why
    retry_of: str = ""  # ask only what that run left
    items: tuple[str, ...] = ()  # of these names alone


DEFAULT_REQUEST = RunRequest()


def new_run_id(now: datetime) -> str:
    """An id that sorts by time and is unique without asking anybody."""
    return f"{now:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"


@dataclass(frozen=True)
class Verdict:
    """How a run ended whose every task was dealt with."""

    state: str
    message: str
    exit_code: int = 0
    due_at: datetime | None = None


def judge_run(results: Iterable[TaskResult]) -> Verdict:
    """The end of a run, from the ends of all its tasks."""
    results = list(results)
    mapped = [result for result in results if result.items or result.state != "succeeded"]
    told = [result for result in results if result in mapped or result.message.startswith(WARNING)]
    notes = "; ".join(f"{result.name}: {result.message}" for result in told if result.message).replace(".; ", ". ")
    deferred = [result.due_at for result in mapped if result.state == "deferred" and result.due_at]
    if any(result.state == "failed" for result in mapped):
        return Verdict("failed", notes, 1)
    if deferred:
        return Verdict("deferred", notes, Deferred.exit_code, min(deferred))
    return Verdict("succeeded", notes)


def _nobody(_: Progress) -> None:
    """Report to nobody."""


def run_pipeline(
    settings: Settings,
    request: RunRequest = DEFAULT_REQUEST,
    *,
    stop: threading.Event | None = None,
    report: Report = _nobody,
) -> RunResult:
    """One run from probe to check; raises SettingsError or RunInProgress before anything was started.

    Setting `stop` cancels within two seconds. `report` is called from this thread after each step.
    """
    require_credentials(settings)
    stop, genres, most = stop or threading.Event(), request.genres, request.max_requests
    with opened_ledger(settings) as (workspace, ledger):
        began, run_id = ledger.now(), request.run_id or new_run_id(ledger.now())
        if request.retry_of:
            genres, most = asked_of(settings, ledger, request.retry_of)
        with (
            hold_run_lock(workspace, run_id, request.trigger, began, wait_s=request.wait_s, cancelled=stop.is_set),
            open_context(settings, ledger, run_id, genres=genres, max_requests=most, stop=stop) as context,
            working_for(run_id=run_id),
            kept_run_log(settings, ledger, run_id),
        ):
            bury_dead_runs(ledger)
            require_ledger(workspace, ledger)
            params: dict[str, Any] = {"genres": list(context.genres), "max_requests": context.max_requests}
            params |= request.notes
            leftovers = None
            if request.retry_of:
                leftovers = find_leftovers(ledger, request.retry_of, request.items)
                params |= {"retry_of": request.retry_of, "items": list(request.items)}
            ledger.begin_run(run_id, request.trigger, params, os.getpid())
            note(log, "run_started", trigger=request.trigger, **params)
            with watch_for_cancel(context, stop):
                return _Run(context, request, report, leftovers).execute()


@contextmanager
def watch_for_cancel(context: Context, stop: threading.Event) -> Iterator[None]:
    """Turn a cancel asked for in the ledger, by whatever process, into `stop`, and end requests under way."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(POLL_S):
            with suppress(GarimpoError):  # a ledger that cannot be read ends the run elsewhere, or is soon there again
                if stop.is_set() or context.ledger.cancel_requested(context.run_id):
                    stop.set()
                    context.source.close()
                    return

    watcher = threading.Thread(target=watch, name="cancel-watch", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


def attempt_task(
    context: Context, name: str, work: Callable[[Context], Facts], attempt: int, wait_s: float = 0.0
) -> TaskResult:
    """One attempt at an unmapped task after a wait, recorded however it ends; raises what the work raises."""
    ledger, run_id, sent = context.ledger, context.run_id, context.gate.sent
    batch_id = attempt_id(name, attempt)
    ledger.begin_task(run_id, batch_id, attempt, name, wait_s=wait_s)
    result = TaskResult(name, "failed")
    try:
        told = ", ".join(f"{key} {fact}" for key, fact in work(context).items())
        result = replace(result, state="succeeded", message=told)
    except Deferred as error:
        result = replace(result, state="deferred", message=str(error), due_at=error.due_at)
    except GarimpoError as error:
        state = "cancelled" if isinstance(error, RunCancelled) else "failed"
        result = replace(result, state=state, message=str(error))
        raise
    finally:
        requests = context.gate.sent - sent
        ledger.finish_task(TaskOutcome(run_id, batch_id, attempt, result.state, requests, message=result.message))
    return result


class _Run:
    """One execution of the graph."""

    def __init__(self, context: Context, request: RunRequest, report: Report, leftovers: Leftovers | None) -> None:
        self._context, self._report, self._normalizer = context, report, Normalizer()
        self._ledger, self._run_id, self._leftovers = context.ledger, context.run_id, leftovers
        self._progress = Progress(context.run_id, request.trigger, context.ledger.now())
        self._started, self._rows = time.monotonic(), 0

    def execute(self) -> RunResult:
        """Every task in order; a mapped task is skipped when the one before it has nothing to give."""
        results: dict[str, TaskResult] = {}
        plan_run_tasks(self._ledger, self._run_id, [task.name for task in DAG])
        try:
            for task in DAG:
                self._context.gate.pause(0.0)  # who cancels while it publishes is not told that it went on to its end
                with working_for(task=task.name):
                    results[task.name] = self._task(task, results)
            return self._conclude(results)
        except RunCancelled:
            return self._end_early(results, "cancelled", "everything committed is kept", 130)
        except GarimpoError as error:
            return self._end_early(results, "failed", str(error), error.exit_code)
        except Exception as error:  # recorded, then shown to whoever started the run
            log.exception("run_broken")
            self._ledger.finish_run(self._run_id, "failed", f"{type(error).__name__}: {error}")
            raise
        finally:
            self._normalizer.close()

    def _task(self, task: Task, results: dict[str, TaskResult]) -> TaskResult:
        """Execute one task, and record how it ended even when it ends the run."""
        began, result = time.monotonic(), TaskResult(task.name, "failed")
        begin_run_task(self._ledger, self._run_id, task.name)
        try:
            result = self._single(task, task.run) if task.run is not None else self._mapped(task, results)
        except GarimpoError as error:
            state = "cancelled" if isinstance(error, RunCancelled) else "failed"
            result = replace(result, state=state, message=str(error), rows=self._kept_of(task))
            raise
        finally:
            self._rows += result.rows
            end_run_task(self._ledger, self._run_id, asdict(result))
            seconds = round(time.monotonic() - began, 3)
            level = logging.INFO if result.state in USABLE else logging.WARNING
            note(
                log, "task_finished", level=level, task=task.name, state=result.state, items=result.items,
                rows=result.rows, missing=result.missing, duration_s=seconds, message=result.message,
            )  # fmt: skip
        return result

    def _mapped(self, task: Task, results: dict[str, TaskResult]) -> TaskResult:
        if task.expand is None:
            raise TaskFailed(f"Task {task.name} of the graph does nothing: it needs run or expand.")
        if any(results[name].state not in USABLE for name in task.after):
            return TaskResult(task.name, "skipped", message=f"{', '.join(task.after)} did not finish")

        def tell(done: int, total: int, rows: int, message: str) -> None:
            self._tell(task=task.name, done=done, total=total, rows=self._rows + rows, message=message)

        if self._leftovers is None:
            return MappedTask(self._context, task, self._normalizer, tell, heirs(task)).run(task.expand)
        whole = replace(task, share=1.0)  # who asks for the rest means all of it
        return MappedTask(self._context, whole, self._normalizer, tell).run(self._leftovers.expansion(task))

    def _kept_of(self, task: Task) -> int:
        """Rows that a task committed before it was ended."""
        query = "SELECT coalesce(sum(rows), 0) AS rows FROM task_runs WHERE run_id = ? AND task = ?"
        return int(self._ledger.read(query, (self._run_id, task.name))[0]["rows"])

    def _single(self, task: Task, work: Callable[[Context], Facts]) -> TaskResult:
        """An unmapped task, tried again while it may succeed another time."""
        self._tell(task=task.name, done=0, total=0, message="")
        attempt, wait_s = 1, 0.0
        while True:
            try:
                return attempt_task(self._context, task.name, work, attempt, wait_s)
            except (SourceUnavailable, WriterBusy) as error:
                if attempt >= task.retry.attempts:
                    raise
                wait_s = task.retry.wait_s(attempt)
                note(log, "task_retry", attempt=attempt + 1, wait_s=wait_s, message=str(error))
            attempt += 1
            self._context.gate.pause(wait_s)

    def _conclude(self, results: dict[str, TaskResult]) -> RunResult:
        verdict = judge_run(results.values())
        return self._end(verdict.state, verdict.message, verdict.exit_code, results, verdict.due_at)

    def _end_early(self, results: dict[str, TaskResult], state: str, message: str, exit_code: int) -> RunResult:
        """End now, then publish what was committed: nothing that was paid for stays hidden."""
        result = self._end(state, message, exit_code, results)
        try:
            publish(self._context.workspace, self._context.ledger)
        except GarimpoError as error:
            note(log, "publish_failed", level=logging.WARNING, message=str(error))
        return result

    def _end(
        self, state: str, message: str, code: int, results: dict[str, TaskResult], due_at: datetime | None = None
    ) -> RunResult:
        context, seconds = self._context, round(time.monotonic() - self._started, 3)
        context.ledger.finish_run(context.run_id, state, message, due_at)
        self._tell(message=message or state)
        sent, rows = context.gate.sent, self._rows
        level = logging.INFO if code in (0, Deferred.exit_code) else logging.WARNING
        note(
            log, "run_finished", level=level, state=state, requests=sent, rows=rows, duration_s=seconds, message=message
        )
        tasks = tuple(results.values())
        return RunResult(context.run_id, state, message, sent, rows, seconds, due_at, code, tasks)

    def _tell(self, **changes: Any) -> None:
        self._progress = replace(self._progress, requests=self._context.gate.sent, **changes)
        self._report(self._progress)
