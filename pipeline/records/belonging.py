"""A shared ledger and the files that it lists: a machine that has other files must not take those for lost.

Imports `copying`, `errors`, `ledger`, `workspace`.
"""

from __future__ import annotations

from contextlib import closing
from uuid import uuid4

from pipeline.errors import DiskFull, SettingsError
from pipeline.records.copying import FILES
from pipeline.records.ledger import Ledger
from pipeline.workspace import ServerLedger, Workspace

__all__ = ["require_own_files"]

LISTED = "SELECT 1 FROM parts UNION ALL SELECT 1 FROM raw_files LIMIT 1"


def require_own_files(workspace: Workspace) -> None:
    """Raise SettingsError when a ledger on a server lists the files of another data folder than this one.

    A ledger that lists none yet takes those of the first folder that is worked on.
    """
    if not isinstance(workspace.ledger, ServerLedger):
        return
    marker = workspace.root / "files.id"
    mine = marker.read_text(encoding="utf-8").strip() if marker.exists() else ""
    with closing(Ledger(workspace.ledger)) as ledger:
        theirs = ledger.meta(FILES)
        if theirs and theirs == mine:
            return
        if theirs and ledger.read(LISTED):
            raise SettingsError(
                f"{workspace.ledger} lists the files of another folder than {workspace.root}: machines that share a "
                f"ledger share the files of its workspace, too (GARIMPO_DATA). If these are they, write {theirs} into "
                f"{marker}. Nothing was started."
            )
        try:
            marker.write_text(mine or uuid4().hex, encoding="utf-8")
        except OSError as error:
            raise DiskFull(f"{marker} cannot be written ({error.strerror}). Nothing was started.") from None
        ledger.set_meta(FILES, marker.read_text(encoding="utf-8"))
