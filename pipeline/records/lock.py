"""One run at a time on a workspace, across processes: a file lock that a killed process lets go of by dying.

Whoever gets the lock knows that a run still shown as running is dead. A run that another system owns holds a lease
instead (see `lease`), which nobody passes by. Owns filelock for runs. Imports `errors`, `lease`, `ledger`, `workspace`.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from pipeline.errors import RunCancelled, RunInProgress
from pipeline.records.bindings import bound
from pipeline.records.lease import read_lease
from pipeline.records.ledger import Ledger
from pipeline.workspace import Workspace

__all__ = ["bury_dead_runs", "find_crashed", "hold_run_lock", "is_run_locked", "run_holder"]

PATIENCE_S = 0.5  # somebody who only looks whether the lock is free holds it for a few milliseconds
POLL_S = 0.05


@contextmanager
def hold_run_lock(
    workspace: Workspace,
    run_id: str,
    trigger: str,
    since: datetime,
    *,
    wait_s: float = 0.0,
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[None]:
    """Hold the workspace's run lock; raises RunInProgress naming who holds it when it is not free within `wait_s`.

    Waiting ends early, in the same way, when `cancelled()` says so.
    """
    lock = FileLock(workspace.run_lock)
    if not _acquire(lock, workspace, max(wait_s, PATIENCE_S), cancelled):
        if cancelled():
            raise RunCancelled("Cancelled while waiting for another run; nothing was started.")
        raise RunInProgress(
            f"A run is in progress in workspace {workspace.name}: {_who(workspace)}. Wait for it, or cancel it there; "
            "nothing was started."
        )
    try:
        text = json.dumps(
            {"pid": os.getpid(), "run_id": run_id, "trigger": trigger, "since": f"{since:%Y-%m-%d %H:%M:%S}"}
        )
        _note(workspace).write_text(text, encoding="utf-8")
        yield
    finally:
        _note(workspace).unlink(missing_ok=True)
        lock.release()


def _acquire(lock: FileLock, workspace: Workspace, patience_s: float, cancelled: Callable[[], bool]) -> bool:
    """Whether the lock was free of processes and leases in time."""
    began, waited = time.monotonic(), 0.0
    while waited <= patience_s:
        try:
            lock.acquire(timeout=patience_s - waited, poll_interval=POLL_S, cancel_check=cancelled)
        except Timeout:
            return False
        if read_lease(workspace) is None:
            return True
        lock.release()
        if cancelled():
            return False
        time.sleep(POLL_S)
        waited = time.monotonic() - began
    return False


def _who(workspace: Workspace) -> str:
    if lease := read_lease(workspace):
        return f"{lease.system} (run {lease.run_id}, external)"
    if holder := run_holder(workspace):
        return f"process {holder['pid']} (run {holder['run_id']}, {holder['trigger']}, since {holder['since']} UTC)"
    return "another process"


def is_run_locked(workspace: Workspace) -> bool:
    """Whether some process, or a run that another system owns, works here at this moment."""
    if read_lease(workspace):
        return True
    lock = FileLock(workspace.run_lock)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    lock.release()
    return False


def find_crashed(workspace: Workspace, ledger: Ledger) -> list[str]:
    """End, as crashed, runs that call themselves running while nobody holds the lock; their ids."""
    running = "SELECT run_id FROM runs WHERE state = 'running'"
    if read_lease(workspace) or not ledger.read(running):
        return []
    lock = FileLock(workspace.run_lock)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return []
    try:
        return bury_dead_runs(ledger)
    finally:
        lock.release()


def bury_dead_runs(ledger: Ledger) -> list[str]:
    """End, as crashed, every run that calls itself running; only the holder of the run lock can know. Their ids."""
    dead = [str(row["run_id"]) for row in ledger.read("SELECT run_id FROM runs WHERE state = 'running'")]
    for run_id in dead:
        ledger.finish_run(run_id, "crashed", "its process ended without a word; what it committed is kept")
        with bound(run_id=run_id):
            ledger.add_event("ERROR", "run_crashed", "its process ended without a word; what it committed is kept")
    return dead


def run_holder(workspace: Workspace) -> dict[str, str] | None:
    """Who wrote the lock's note last: pid, run_id, trigger, since; None without one. Only a held lock makes it true."""
    try:
        holder: dict[str, str] = json.loads(_note(workspace).read_text(encoding="utf-8"))
        return holder
    except (OSError, ValueError):
        return None


def _note(workspace: Workspace) -> Path:
    return workspace.run_lock.with_suffix(".json")
