"""What an object store has, against the ledger: mended there, brought here, let go of here.

Imports `truth`, `files`, `ledger`, `workspace`, `belonging`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, timedelta

from pipeline.errors import SettingsError
from pipeline.lake.files import place_files, remove_files, write_hidden
from pipeline.lake.truth import (
    OWN_ID,
    OWNER,
    TOGETHER,
    claim_store,
    fetch_truth,
    in_parallel,
    named_files,
    put_file,
    store_of,
    stored_names,
)
from pipeline.records.belonging import CLAIMED
from pipeline.records.database import Row
from pipeline.records.ledger import Ledger
from pipeline.workspace import Workspace

__all__ = ["Moved", "Stored", "bring_all", "evict", "fetch_all", "mend_store", "take_over"]


@dataclass(frozen=True)
class Moved:
    """Files that were brought here, or let go of here, and their bytes."""

    files: int
    bytes: int
    dry_run: bool = False


@dataclass(frozen=True)
class Stored:
    """A file as both places have it: what was wrong and done, if anything; `is_there`: whole in the store."""

    path: str
    what: str
    done: str
    is_there: bool


def evict(workspace: Workspace, ledger: Ledger, today: date, days: int, *, dry_run: bool = False) -> Moved:
    """Let go of copies here, of files whose day is more than so many days ago and that the store has in their size.

    For the holder of the run lock; raises SettingsError without a store. Whoever reads one fetches it again.
    """
    store_of(workspace)
    claim_store(workspace, ledger)
    until, stored = (today - timedelta(days=days)).isoformat(), stored_names(workspace)
    rows = ledger.read(f"SELECT path, bytes FROM ({_ALL}) WHERE day < ?", (until,))
    cold = [row for row in rows if stored.get(row["path"]) == row["bytes"]]
    gone = [row for row in cold if (workspace.root / row["path"]).is_file()]
    if not dry_run:
        remove_files(workspace.root / row["path"] for row in gone)
    return Moved(len(gone), sum(row["bytes"] for row in gone), dry_run)


_ALL = (
    "SELECT path, max(day) AS day, bytes, sha256 FROM parts GROUP BY path, bytes, sha256 "
    "UNION ALL SELECT path, day, bytes, sha256 FROM raw_files ORDER BY path"
)


def fetch_all(workspace: Workspace, ledger: Ledger, *, leave: bool = False) -> Moved:
    """Bring every file of the ledger here; with `leave` the store is not this workspace's any more, but stays as it is.

    For the holder of the run lock. Raises SettingsError without a store, DamagedFile, DiskFull.
    """
    store_of(workspace)
    claim_store(workspace, ledger)
    missing = [each for each in named_files(ledger) if not (workspace.root / each[0]).is_file()]
    fetch_truth(workspace, missing)
    if leave:
        ledger.set_meta(CLAIMED, "")
    return Moved(len(missing), sum((workspace.root / path).stat().st_size for path, _ in missing))


def take_over(workspace: Workspace, ledger: Ledger, *, anew: bool = False) -> None:
    """Let a ledger without files, or one that was just written `anew` from the store's, own the store from now on.

    Raises SettingsError when it is another ledger's, and this one has files of its own: they would be mixed.
    """
    owner = workspace.store.get(OWNER) if workspace.store else None
    if owner is None or (mine := owner[0].decode()) == ledger.meta(OWN_ID):
        return
    if not anew and named_files(ledger):
        raise SettingsError(
            f"{store_of(workspace).address} holds the files of another ledger than {workspace.ledger}, which has files "
            "of its own. Name another prefix in GARIMPO_STORE; nothing was changed."
        )
    ledger.set_meta(OWN_ID, mine)


def mend_store(workspace: Workspace, ledger: Ledger) -> list[Stored]:
    """Look at every file in both places: what is lost or damaged in one comes from the other. None without a store."""
    if workspace.store is None:
        return []
    claim_store(workspace, ledger)
    rows, names = ledger.read(_ALL), stored_names(workspace)
    found: list[Stored] = []
    for start in range(0, len(rows), TOGETHER):
        found += in_parallel(lambda row: _mended(workspace, row, names), rows[start : start + TOGETHER])
    return found


def _mended(workspace: Workspace, row: Row, names: dict[str, int]) -> Stored:
    store, path, name = store_of(workspace), workspace.root / row["path"], str(row["path"])
    here = path.is_file() and _is(path.read_bytes(), row)
    if here and names.get(name) == row["bytes"]:
        return Stored(name, "", "", is_there=True)
    there = store.get(name) if name in names else None
    if there is not None and _is(there[0], row):
        if here or not path.is_file():  # nothing is wrong with a copy that is missing
            return Stored(name, "", "", is_there=True)
        write_hidden(path, there[0])
        place_files([path])
        return Stored(name, "is not what was committed: its hash differs", "brought back from the store", is_there=True)
    what = "is missing in the store" if there is None else "is not what was committed, in the store"
    store.remove([name])
    if not here:
        return Stored(name, what, "", is_there=False)
    put_file(workspace, name)
    return Stored(name, what, "put there again", is_there=True)


def _is(content: bytes, row: Row) -> bool:
    return hashlib.sha256(content).hexdigest() == str(row["sha256"])


def bring_all(workspace: Workspace) -> None:
    """Bring here what the store has, whatever it is: for the day on which no ledger says what it should be."""
    fetch_truth(workspace, ((name, "") for name in stored_names(workspace)))
