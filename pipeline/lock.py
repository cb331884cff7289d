"""One run at a time on a workspace, across processes: a file lock that a killed process lets go of by dying.

Owns filelock for runs. Imports `errors` and `workspace`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from pipeline.errors import RunInProgress
from pipeline.workspace import Workspace

__all__ = ["hold_run_lock", "run_holder"]


@contextmanager
def hold_run_lock(
    workspace: Workspace, run_id: str, trigger: str, since: datetime, *, wait_s: float = 0.0
) -> Iterator[None]:
    """Hold the workspace's run lock; raises RunInProgress naming who holds it when it is not free within `wait_s`."""
    lock = FileLock(workspace.run_lock)
    try:
        lock.acquire(timeout=wait_s)
    except Timeout:
        holder = run_holder(workspace)
        who = (
            f"process {holder['pid']} (run {holder['run_id']}, {holder['trigger']}, since {holder['since']} UTC)"
            if holder
            else "another process"
        )
        raise RunInProgress(
            f"A run is in progress in workspace {workspace.name}: {who}. Wait for it, or cancel it there; "
            "nothing was started."
        ) from None
    try:
        text = json.dumps(
            {"pid": os.getpid(), "run_id": run_id, "trigger": trigger, "since": f"{since:%Y-%m-%d %H:%M:%S}"}
        )
        _note(workspace).write_text(text, encoding="utf-8")
        yield
    finally:
        _note(workspace).unlink(missing_ok=True)
        lock.release()


def run_holder(workspace: Workspace) -> dict[str, str] | None:
    """Who wrote the lock's note last: pid, run_id, trigger, since; None without one. Only a held lock makes it true."""
    try:
        holder: dict[str, str] = json.loads(_note(workspace).read_text(encoding="utf-8"))
        return holder
    except (OSError, ValueError):
        return None


def _note(workspace: Workspace) -> Path:
    return workspace.run_lock.with_suffix(".json")
