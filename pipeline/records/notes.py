"""Small notes on who holds a workspace: files beside the run lock, or rows of a ledger that several machines share.

Imports `ledger`, `workspace`.
"""

from __future__ import annotations

import json
import os
import threading
from contextlib import closing
from typing import Any

from pipeline.errors import DiskFull
from pipeline.records.ledger import Ledger
from pipeline.workspace import ServerLedger, Workspace

__all__ = ["read_note", "remove_note", "write_note"]


def read_note(workspace: Workspace, name: str) -> dict[str, Any] | None:
    """What was noted under a name; None when nothing was, or it cannot be read."""
    try:
        if isinstance(workspace.ledger, ServerLedger):
            with closing(Ledger(workspace.ledger)) as ledger:
                kept: dict[str, Any] = json.loads(ledger.meta(f"run.{name}") or "")
        else:
            kept = json.loads(workspace.run_lock.with_suffix(f".{name}").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return kept


def write_note(workspace: Workspace, name: str, values: dict[str, Any]) -> None:
    """Note something; a reader sees the old note or the new one, never half of one. DiskFull when it cannot be."""
    text = json.dumps(values)
    if isinstance(workspace.ledger, ServerLedger):
        with closing(Ledger(workspace.ledger)) as ledger:
            ledger.set_meta(f"run.{name}", text)
        return
    hidden = workspace.run_lock.with_suffix(f".{os.getpid()}-{threading.get_ident()}")
    try:
        hidden.write_text(text, encoding="utf-8")
        hidden.replace(workspace.run_lock.with_suffix(f".{name}"))
    except OSError as error:
        hidden.unlink(missing_ok=True)
        raise DiskFull(
            f"{workspace.root} cannot be written ({error.strerror}). Free some space or make the folder writable, then "
            "try again; nothing was started, what was committed is kept."
        ) from None


def remove_note(workspace: Workspace, name: str) -> None:
    """Let a note go."""
    if isinstance(workspace.ledger, ServerLedger):
        with closing(Ledger(workspace.ledger)) as ledger, ledger.write() as connection:
            connection.execute("DELETE FROM meta WHERE key = ?", (f"run.{name}",))
        return
    workspace.run_lock.with_suffix(f".{name}").unlink(missing_ok=True)
