"""One run at a time on a workspace, across processes: a lock that a killed process lets go of by dying.

It is a file, or where the ledger is on a server a lock of that, which counts for all machines that use it.

Whoever gets the lock knows that a run still shown as running is dead. A run that another system owns holds a lease
instead (see `lease`), which nobody passes by. Owns filelock for runs. Imports `belonging`, `errors`, `lease`, `ledger`,
`notes`, `workspace`; what knows PostgreSQL only where it is needed.
"""

from __future__ import annotations

import importlib
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from filelock import FileLock, Timeout

from pipeline.errors import RunCancelled, RunInProgress, StorageError
from pipeline.records.belonging import require_own_files
from pipeline.records.lease import read_lease
from pipeline.records.ledger import Ledger
from pipeline.records.log_context import working_for
from pipeline.records.notes import read_note, remove_note, write_note
from pipeline.workspace import ServerLedger, Workspace

__all__ = ["bury_dead_runs", "find_crashed", "hold_run_lock", "is_run_locked", "run_holder"]

PATIENCE_S = 0.5  # somebody who only looks whether the lock is free holds it for a few milliseconds
POLL_S = 0.05
HOLDER = "json"  # the note of the process that holds the lock: run.json beside it
_LAST_SIGN = (
    "SELECT max(at) AS at FROM (SELECT started_at AS at FROM runs WHERE run_id = ? "
    "UNION ALL SELECT max(at) FROM requests WHERE run_id = ? UNION ALL SELECT max(at) FROM events WHERE run_id = ? "
    "UNION ALL SELECT max(coalesce(finished_at, started_at)) FROM task_runs WHERE run_id = ?) AS signs"
)

Cancelled = Callable[[], bool]


class RunLock(Protocol):
    """A lock that ends with whoever holds it."""

    def acquire(self, patience_s: float, cancelled: Cancelled) -> bool:
        """Whether it was free within so many seconds, and nobody cancelled."""
        ...

    def release(self) -> None:
        """Let go of it."""
        ...


class _FileRunLock:
    """The lock of a workspace on this machine."""

    def __init__(self, path: Path) -> None:
        self._lock = FileLock(path)

    def acquire(self, patience_s: float, cancelled: Cancelled) -> bool:
        try:
            self._lock.acquire(timeout=patience_s, poll_interval=POLL_S, cancel_check=cancelled)
        except Timeout:
            return False
        return True

    def release(self) -> None:
        self._lock.release()


def _run_lock(workspace: Workspace) -> RunLock:
    if not isinstance(workspace.ledger, ServerLedger):
        return _FileRunLock(workspace.run_lock)
    elsewhere = importlib.import_module("pipeline.integrations.postgres_lock")
    lock: RunLock = elsewhere.ServerLock(workspace.ledger)
    return lock


@contextmanager
def hold_run_lock(
    workspace: Workspace,
    run_id: str,
    trigger: str,
    since: datetime,
    *,
    wait_s: float = 0.0,
    cancelled: Cancelled = lambda: False,
) -> Iterator[None]:
    """Hold the workspace's run lock; raises RunInProgress naming who holds it when it is not free within `wait_s`.

    Raises SettingsError when the ledger is a shared one that lists the files of another folder.
    Waiting ends early, in the same way, when `cancelled()` says so.
    """
    require_own_files(workspace)
    lock = _run_lock(workspace)
    if not _acquire(lock, workspace, max(wait_s, PATIENCE_S), cancelled):
        if cancelled():
            raise RunCancelled("Cancelled while waiting for another run; nothing was started.")
        raise RunInProgress(
            f"A run is in progress in workspace {workspace.name}: {_who(workspace)}. Wait for it, or cancel it there; "
            "nothing was started."
        )
    try:
        me: dict[str, Any] = {
            "pid": os.getpid(), "run_id": run_id, "trigger": trigger, "since": f"{since:%Y-%m-%d %H:%M:%S}"
        }  # fmt: skip
        if isinstance(workspace.ledger, ServerLedger):
            me["host"] = socket.gethostname()
        write_note(workspace, HOLDER, me)
        yield
    finally:
        with suppress(StorageError):  # of a server that is gone: the lock went with it, and the note says nothing alone
            remove_note(workspace, HOLDER)
        lock.release()


def _acquire(lock: RunLock, workspace: Workspace, patience_s: float, cancelled: Cancelled) -> bool:
    """Whether the lock was free of processes and leases in time."""
    began, waited = time.monotonic(), 0.0
    while waited <= patience_s:
        if not lock.acquire(patience_s - waited, cancelled):
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
    holder = run_holder(workspace)
    if holder is None:
        return "another process"
    if "system" in holder:
        return f"{holder['system']} (run {holder['run_id']}, external)"
    number = f"{holder['pid']} on {holder['host']}" if "host" in holder else holder["pid"]
    return f"process {number} (run {holder['run_id']}, {holder['trigger']}, since {holder['since']} UTC)"


def is_run_locked(workspace: Workspace) -> bool:
    """Whether some process, or a run that another system owns, works here at this moment."""
    if read_lease(workspace):
        return True
    lock = _run_lock(workspace)
    if not lock.acquire(0, _never):
        return True
    lock.release()
    return False


def find_crashed(workspace: Workspace, ledger: Ledger) -> list[str]:
    """End, as crashed, runs that call themselves running while nobody holds the lock; their ids.

    Of a workspace that can only be read nobody can say so: none.
    """
    running = "SELECT run_id FROM runs WHERE state = 'running'"
    if workspace.read_only or read_lease(workspace) or not ledger.read(running):
        return []
    lock = _run_lock(workspace)
    if not lock.acquire(0, _never):
        return []
    try:
        return bury_dead_runs(ledger)
    finally:
        lock.release()


def bury_dead_runs(ledger: Ledger) -> list[str]:
    """End, as crashed, every run that calls itself running; only the holder of the run lock can know. Their ids.

    They ended when they last gave a sign of life, not now: else the night between would count as their duration.
    """
    dead = [str(row["run_id"]) for row in ledger.read("SELECT run_id FROM runs WHERE state = 'running'")]
    for run_id in dead:
        last = datetime.fromtimestamp(ledger.read(_LAST_SIGN, (run_id,) * 4)[0]["at"], UTC)
        message = "its process ended without a word; what it committed is kept"
        ledger.finish_run(run_id, "crashed", message, at=min(last, ledger.now()))
        with working_for(run_id=run_id):
            ledger.add_event("ERROR", "run_crashed", message)
    return dead


def run_holder(workspace: Workspace) -> dict[str, Any] | None:
    """Who holds the workspace: run_id and trigger, of a process pid and since (of a shared ledger host, too).

    Of a run that another system owns `system`. None where nobody does; only a held lock makes what is said of a process
    true, since that is what was noted last.
    """
    if lease := read_lease(workspace):
        return {"run_id": lease.run_id, "trigger": "external", "system": lease.system}
    return read_note(workspace, HOLDER)


def _never() -> bool:
    return False
