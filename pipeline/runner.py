"""Executes the graph once on a workspace: opens what a run needs, holds the lock, records how each task and the run ended.

What is left after a kill, a cancel or a deferral is found again by the planner, so there is nothing to restore.
Imports `fanout`, `dag` and the rooms below.
"""

from __future__ import annotations

import logging
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from pipeline.budget import Budget, LedgerGate, Limits
from pipeline.capabilities import Capabilities
from pipeline.capabilities import load as load_capabilities
from pipeline.clock import workspace_clock
from pipeline.dag import DAG, Task
from pipeline.errors import Deferred, GarimpoError, RunCancelled, SettingsError
from pipeline.fanout import MappedTask
from pipeline.ledger import Ledger, TaskOutcome
from pipeline.lock import hold_run_lock
from pipeline.normalize import Normalizer
from pipeline.planner import Outlook
from pipeline.progress import Progress, RunResult, TaskResult
from pipeline.generations import live
from pipeline.publish import publish
from pipeline.settings import Settings
from pipeline.spotify import Access, SpotifySource
from pipeline.tasks import Context
from pipeline.workspace import open_workspace

__all__ = [
    "RunRequest",
    "check_source",
    "new_run_id",
    "plan_run",
    "planning_limits",
    "require_credentials",
    "run_pipeline",
]

log = logging.getLogger(__name__)

UNLIMITED_WINDOW = 30_000  # requests in 30 s that a source on this machine may be asked: no limit in practice
POLL_S = 0.3  # how soon a cancel from another process is noticed
USABLE = ("succeeded", "partial", "deferred")


@dataclass(frozen=True)
class RunRequest:
    """What is asked of a run; empty fields mean the settings' value."""

    trigger: str = "cli"
    genres: tuple[str, ...] = ()
    max_requests: int | None = None
    run_id: str = ""
    wait_s: float = 0.0


def new_run_id(now: datetime) -> str:
    """An id that sorts by time and is unique without asking anybody."""
    return f"{now:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"


def run_pipeline(
    settings: Settings,
    request: RunRequest = RunRequest(),
    *,
    stop: threading.Event | None = None,
    report: Callable[[Progress], None] = lambda progress: None,
) -> RunResult:
    """One run from probe to check; raises SettingsError or RunInProgress before anything was started.

    Setting `stop` cancels within two seconds. `report` is called from this thread after each step.
    """
    require_credentials(settings)
    workspace, clock = open_workspace(settings), workspace_clock(settings)
    run_id = request.run_id or new_run_id(clock())
    ledger = Ledger(workspace.ledger, clock)
    try:
        with hold_run_lock(workspace, run_id, request.trigger, clock(), wait_s=request.wait_s):
            _bury_dead_runs(ledger)
            genres, most = request.genres or settings.genres, request.max_requests or settings.max_requests
            ledger.begin_run(run_id, request.trigger, {"genres": list(genres), "max_requests": most}, os.getpid())
            stop = stop or threading.Event()
            budget = Budget(ledger, planning_limits(settings, ledger))
            gate = LedgerGate(budget, run_id, allowance=most, wait=stop.wait)
            source = SpotifySource(Access.from_settings(settings), gate)
            context = Context(settings, workspace, ledger, budget, gate, source, run_id, genres, most)
            with _watch_for_cancel(ledger, run_id, stop, source):
                return _Run(context, request.trigger, report).execute()
    finally:
        ledger.close()


def require_credentials(settings: Settings) -> None:
    """Raise SettingsError when requests would go to Spotify without credentials."""
    if settings.is_spotify and not settings.has_credentials:
        raise SettingsError(
            "No Spotify credentials: set SPOTIPY_CLIENT_ID and SPOTIPY_CLIENT_SECRET (developer.spotify.com/dashboard), "
            "or open the app without them for the demo. Nothing was started."
        )


def check_source(settings: Settings) -> str:
    """A sentence that the source answers; raises as a run would. Sends a token request and nothing that counts."""
    require_credentials(settings)
    workspace = open_workspace(settings)
    ledger = Ledger(workspace.ledger, workspace_clock(settings))
    source = SpotifySource(
        Access.from_settings(settings), LedgerGate(Budget(ledger, planning_limits(settings, ledger)), "")
    )
    try:
        source.check()
    finally:
        source.close()
        ledger.close()
    return f"{settings.api_url} accepts the credentials"


def plan_run(settings: Settings, request: RunRequest = RunRequest()) -> list[dict[str, Any]]:
    """What a run would ask now, without a request: one row per mapped task with its items and requests.

    `requests` are certain; `at_most` includes pages that may follow. What later tasks find depends on what earlier ones bring.
    """
    workspace = open_workspace(settings)
    ledger = Ledger(workspace.ledger, workspace_clock(settings))
    try:
        budget, genres = Budget(ledger, planning_limits(settings, ledger)), request.genres or settings.genres
        most, rows = request.max_requests or settings.max_requests, []
        known = load_capabilities(ledger) or Capabilities()
        for task in DAG:
            if task.expand is None:
                continue
            left = budget.view(task.bucket).left
            allowance = int(most * task.share) - sum(row["requests"] for row in rows)
            with live(workspace, ledger) as view:
                items = task.expand(
                    Outlook(
                        view, ledger.now().date(), known, genres, allowance if left is None else min(allowance, left)
                    )
                )
            rows.append({"task": task.name, "items": [item.label for item in items], "requests": sum(len(item.calls) for item in items),
                         "at_most": sum(item.max_requests for item in items), "bucket": task.bucket, "left": left})  # fmt: skip
        return rows
    finally:
        ledger.close()


def planning_limits(settings: Settings, ledger: Ledger) -> Limits:
    """Planning figures: the settings' where given, else careful ones for Spotify and none for a source on this machine."""
    known = load_capabilities(ledger)
    quota = settings.quota_requests
    if quota is None and settings.is_spotify and settings.has_credentials and (known is None or known.profile == "development"):
        quota = 600
    return Limits(settings.window_requests or (90 if settings.is_spotify else UNLIMITED_WINDOW), quota)


def _bury_dead_runs(ledger: Ledger) -> None:
    """We hold the lock, so whatever still calls itself running has died."""
    for row in ledger.read("SELECT run_id FROM runs WHERE state = 'running'"):
        ledger.finish_run(row["run_id"], "crashed", "its process ended without a word; what it committed is kept")


@contextmanager
def _watch_for_cancel(ledger: Ledger, run_id: str, stop: threading.Event, source: SpotifySource) -> Iterator[None]:
    """Turn a cancel asked for in the ledger, by whatever process, into `stop`, and end requests under way."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(POLL_S):
            if stop.is_set() or ledger.cancel_requested(run_id):
                stop.set()
                source.close()
                return

    watcher = threading.Thread(target=watch, name="cancel-watch", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
        source.close()


class _Run:
    """One execution of the graph."""

    def __init__(self, context: Context, trigger: str, report: Callable[[Progress], None]) -> None:
        self._context, self._report, self._normalizer = context, report, Normalizer()
        self._progress = Progress(context.run_id, trigger, context.ledger.now())
        self._started, self._rows = time.monotonic(), 0

    def execute(self, dag: tuple[Task, ...] = DAG) -> RunResult:
        """Every task in order; a task is skipped when one before it has nothing to give."""
        results: dict[str, TaskResult] = {}
        try:
            for task in dag:
                if task.expand and any(results[name].state not in USABLE for name in task.after):
                    results[task.name] = TaskResult(
                        task.name, "skipped", message=f"{', '.join(task.after)} did not finish"
                    )
                    continue
                results[task.name] = self._mapped(task) if task.expand else self._single(task)
                self._rows += results[task.name].rows if task.expand else 0
                log.info(
                    "task_finished run=%s task=%s state=%s %s",
                    self._context.run_id,
                    task.name,
                    results[task.name].state,
                    results[task.name].message,
                )
            return self._conclude(results)
        except RunCancelled:
            return self._end_early(
                results, "cancelled", "cancelled; everything committed is kept", RunCancelled.exit_code
            )
        except GarimpoError as error:
            return self._end_early(results, "failed", str(error), error.exit_code)
        except Exception as error:  # recorded, then shown to whoever started the run
            log.exception("run_crashed run=%s", self._context.run_id)
            self._context.ledger.finish_run(self._context.run_id, "failed", f"{type(error).__name__}: {error}")
            raise

    def _mapped(self, task: Task) -> TaskResult:
        def tell(done: int, total: int, rows: int, message: str) -> None:
            self._tell(task=task.name, done=done, total=total, rows=self._rows + rows, message=message)

        return MappedTask(self._context, task, self._normalizer, tell).run()

    def _single(self, task: Task) -> TaskResult:
        self._tell(task=task.name, done=0, total=0, message="")
        ledger, run_id, sent = self._context.ledger, self._context.run_id, self._context.gate.sent
        ledger.begin_task(run_id, task.name, 1, task.name)
        assert task.run is not None
        state, message, due_at = "failed", "", None
        try:
            facts = task.run(self._context)
            state, message = "succeeded", ", ".join(f"{key} {value}" for key, value in facts.items())
        except Deferred as error:
            state, message, due_at = "deferred", str(error), error.due_at
        except GarimpoError as error:
            state, message = "cancelled" if isinstance(error, RunCancelled) else "failed", str(error)
            raise
        finally:
            ledger.finish_task(
                TaskOutcome(run_id, task.name, 1, state, self._context.gate.sent - sent, message=message)
            )
        return TaskResult(task.name, state, message=message, due_at=due_at)

    def _conclude(self, results: dict[str, TaskResult]) -> RunResult:
        failed = [result for result in results.values() if result.state == "failed"]
        deferred = [result for result in results.values() if result.state == "deferred"]
        notes = "; ".join(
            f"{result.name}: {result.message}" for result in results.values() if result.message and result.items
        )
        if failed:
            return self._end("failed", "; ".join(f"{result.name}: {result.message}" for result in failed), 1, results)
        if deferred:
            return self._end(
                "deferred",
                notes,
                Deferred.exit_code,
                results,
                min(result.due_at for result in deferred if result.due_at),
            )
        return self._end("succeeded", notes, 0, results)

    def _end_early(self, results: dict[str, TaskResult], state: str, message: str, exit_code: int) -> RunResult:
        """End now, then publish what was committed: nothing that was paid for stays hidden."""
        result = self._end(state, message, exit_code, results)
        try:
            publish(self._context.workspace, self._context.ledger)
        except GarimpoError as error:
            log.warning("publish_failed run=%s %s", self._context.run_id, error)
        return result

    def _end(
        self, state: str, message: str, exit_code: int, results: dict[str, TaskResult], due_at: datetime | None = None
    ) -> RunResult:
        context = self._context
        context.ledger.finish_run(context.run_id, state, message, due_at)
        self._tell(message=message or state)
        seconds = round(time.monotonic() - self._started, 3)
        log.info(
            "run_finished run=%s state=%s requests=%d rows=%d duration_s=%s %s",
            context.run_id,
            state,
            context.gate.sent,
            self._rows,
            seconds,
            message,
        )
        return RunResult(
            context.run_id,
            state,
            message,
            context.gate.sent,
            self._rows,
            seconds,
            due_at,
            exit_code,
            tuple(results.values()),
        )

    def _tell(self, **changes: Any) -> None:
        self._progress = replace(self._progress, requests=self._context.gate.sent, **changes)
        self._report(self._progress)
