"""What belongs to a ledger: files, which a machine that has others must not take for lost, and runs that it let go of.

Imports `copying`, `errors`, `ledger`, `workspace`.
"""

from __future__ import annotations

from contextlib import closing
from hashlib import sha256
from uuid import uuid4

from pipeline.errors import DiskFull, SettingsError
from pipeline.records.copying import FILES
from pipeline.records.ledger import Ledger
from pipeline.workspace import ServerLedger, Workspace

__all__ = ["CLAIMED", "require_own_files", "taken_back"]

CLAIMED = "store"  # the name in the ledger of the object store that has its files, of which any machine's are copies
LISTED = "SELECT 1 FROM parts UNION ALL SELECT 1 FROM raw_files LIMIT 1"


def require_own_files(workspace: Workspace) -> None:
    """Raise SettingsError when a ledger on a server lists the files of another data folder than this one.

    A ledger that lists none yet takes those of the first folder that is worked on; one whose files are in an object
    store has them wherever that is set.
    """
    if not isinstance(workspace.ledger, ServerLedger):
        return
    marker = workspace.root / "files.id"
    mine = marker.read_text(encoding="utf-8").strip() if marker.exists() else ""
    with closing(Ledger(workspace.ledger)) as ledger:
        theirs, store = ledger.meta(FILES), workspace.store
        if (theirs and theirs == mine) or (store is not None and ledger.meta(CLAIMED) == store.address):
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


def taken_back(run_id: str) -> str:
    """The name in the ledger under which it remembers a run that was taken back; the run itself is not told by it."""
    return f"taken_back:{sha256(run_id.encode()).hexdigest()[:16]}"
