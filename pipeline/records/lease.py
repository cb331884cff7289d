"""A workspace held by a run whose steps are processes of another system: nobody lives as long as the run does.

Where a process would hold the run lock, such a run holds a lease: a note that each of its steps keeps alive. A lease
not renewed in time counts for nothing. Imports `clock`, `errors`, `notes` and `workspace`.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from pipeline.clock import system_now
from pipeline.errors import StorageError
from pipeline.records.notes import read_note, remove_note, write_note
from pipeline.workspace import Workspace

__all__ = ["LEASE_S", "Lease", "drop_lease", "kept_alive", "read_lease", "renew_lease"]

LEASE_S = 300.0  # from one step to the next: longer than the system's queue and the waits of `Task.retry`
RENEWED_S = 30.0
LEASE = "lease"


@dataclass(frozen=True)
class Lease:
    """Whose the workspace is, for which system, until when (UTC, this machine's clock)."""

    run_id: str
    system: str
    until: datetime


def read_lease(workspace: Workspace) -> Lease | None:
    """The lease on a workspace; None when there is none, or it ran out."""
    try:
        kept = read_note(workspace, LEASE) or {}
        lease = Lease(kept["run_id"], kept["system"], datetime.fromisoformat(kept["until"]))
    except (ValueError, KeyError, TypeError):
        return None
    return lease if lease.until > system_now() else None


def renew_lease(workspace: Workspace, run_id: str, system: str) -> None:
    """Hold the workspace for LEASE_S more seconds; whoever calls this has made sure that nobody else holds it."""
    until = (system_now() + timedelta(seconds=LEASE_S)).isoformat()
    write_note(workspace, LEASE, {"run_id": run_id, "system": system, "until": until})


def drop_lease(workspace: Workspace, run_id: str) -> None:
    """Let go of the workspace, if this run holds it."""
    if (lease := read_lease(workspace)) and lease.run_id == run_id:
        remove_note(workspace, LEASE)


@contextmanager
def kept_alive(workspace: Workspace, run_id: str, system: str) -> Iterator[None]:
    """Renew the lease now and then, as long as the block takes."""
    over = threading.Event()

    def renew() -> None:
        while not over.wait(RENEWED_S):
            with suppress(StorageError):  # the next time: a lease outlasts ten
                renew_lease(workspace, run_id, system)

    keeper = threading.Thread(target=renew, name="lease-keeper", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        over.set()
        keeper.join()
        renew_lease(workspace, run_id, system)
