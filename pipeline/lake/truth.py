"""Raw files and parts, here and in an object store where one is set: put there first, fetched when they are read.

Without a store this is `files` alone. With one a file counts once it is there, and what lies here is a copy that may be
missing (docs/decisions/0037). A store is one ledger's: `claim_store`. Imports `belonging`, `files`, `ledger`,
`workspace`.
"""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from pipeline.errors import DamagedFile, GarimpoError, SettingsError, StorageError
from pipeline.lake.files import explained, hidden, place_files, remove_empty, remove_files, write_hidden
from pipeline.records.belonging import CLAIMED
from pipeline.records.ledger import Ledger
from pipeline.workspace import ObjectStore, Workspace

__all__ = [
    "OWNER",
    "OWN_ID",
    "Named",
    "check_store",
    "claim_store",
    "fetch_truth",
    "fill_store",
    "in_parallel",
    "is_stored",
    "named_files",
    "place_truth",
    "put_file",
    "remove_truth",
    "store_of",
    "stored_names",
    "truth_files",
]

OWNER = "owner"  # the object that says whose ledger tells of the others
OWN_ID = "store_id"  # the ledger's word for what it is called there; CLAIMED: for which store it has filled
AT_ONCE = 8  # requests under way
TOGETHER = 200  # files fetched and made durable at a time
Named = tuple[str, str]  # a path below the workspace, and its hash
_ROOTS = ("raw/", "lake/")

_T = TypeVar("_T")
_R = TypeVar("_R")


def place_truth(workspace: Workspace, ledger: Ledger, paths: Iterable[Path]) -> None:
    """Give hidden files their names, in the store and here; all are durable when this returns.

    When it raises none of them is there, as far as the store can still be reached: `sweep` removes the rest. Raises
    StorageError for a name that the store has with another content: two writers, of which this one came second.
    """
    placed, put = list(dict.fromkeys(paths)), list[str]()
    if (store := workspace.store) is None:
        place_files(placed)
        return
    claim_store(workspace, ledger)
    try:
        in_parallel(lambda path: _put_hidden(store, workspace, path, put), placed)
        place_files(placed)
    except BaseException:
        for path in placed:
            hidden(path).unlink(missing_ok=True)
        with suppress(GarimpoError):
            store.remove(put)
        raise


def remove_truth(workspace: Workspace, paths: Iterable[Path]) -> None:
    """Remove files here, with folders that held nothing else, and in the store.

    Raises StorageError when the store does not answer: `sweep` ends it.
    """
    gone = list(paths)
    remove_files(gone)
    remove_empty(path.parent for path in gone)
    if workspace.store is not None and gone:
        workspace.store.remove([_name(workspace, path) for path in gone])


def fetch_truth(workspace: Workspace, files: Iterable[Named]) -> int:
    """Bring here what is read and lies in the store alone; how many files. What is in neither stays missing.

    Raises DamagedFile naming one that is not what was committed, when all others are here; DiskFull, StorageError.
    """
    if workspace.store is None:
        return 0
    store = workspace.store
    missing = [each for each in dict.fromkeys(files) if not (workspace.root / each[0]).is_file()]
    damaged: list[DamagedFile] = []
    for start in range(0, len(missing), TOGETHER):
        group = missing[start : start + TOGETHER]
        try:
            found = in_parallel(lambda each: _fetched(store, workspace, *each), group)
            place_files([each for each in found if isinstance(each, Path)])
        except BaseException:
            for name, _ in group:
                hidden(workspace.root / name).unlink(missing_ok=True)
            raise
        damaged += [each for each in found if isinstance(each, DamagedFile)]
    if damaged:
        raise damaged[0]
    return len(missing)


def claim_store(workspace: Workspace, ledger: Ledger) -> None:
    """Make the store this ledger's own, and put into it, once, what the ledger has already.

    Raises SettingsError when it is another ledger's, or when this one's files are in a store that is not set.
    """
    store, claimed = workspace.store, ledger.meta(CLAIMED) or ""
    if claimed == (store.address if store else ""):
        return
    if claimed:
        said = store.address if store else "nothing"
        raise SettingsError(
            f"The files of {workspace.root} are in {claimed}, but GARIMPO_STORE says {said}. Set it back, or bring "
            "them here by `python -m pipeline fetch --leave` first; nothing was changed."
        )
    own = store_of(workspace)
    mine = ledger.meta(OWN_ID) or uuid.uuid4().hex
    ledger.set_meta(OWN_ID, mine)
    if not own.put_new(OWNER, mine.encode()):
        check_store(workspace, ledger)
    there, files = own.names(), named_files(ledger)
    in_parallel(lambda each: put_file(workspace, each), [name for name, _ in files if name not in there])
    ledger.set_meta(CLAIMED, own.address)


def check_store(workspace: Workspace, ledger: Ledger) -> str:
    """A sentence that the store answers and is free or this ledger's; raises SettingsError when it is another's."""
    own = store_of(workspace)
    if (owner := own.get(OWNER)) is None:
        return f"{own.address} answers, and is free"
    if owner[0].decode() != ledger.meta(OWN_ID):
        raise SettingsError(
            f"{own.address} holds the files of another ledger than {workspace.ledger}. Name another prefix in "
            "GARIMPO_STORE; or, if that ledger was lost, write it anew by `python -m pipeline recover`."
        )
    return f"{own.address} answers, and is this ledger's"


def fill_store(workspace: Workspace, ledger: Ledger) -> None:
    """Claim a store for files that are all here; SettingsError when it holds any that the ledger does not name."""
    if strange := stored_names(workspace).keys() - dict(named_files(ledger)):
        raise SettingsError(
            f"{store_of(workspace).address} holds {len(strange)} files that do not belong there, for one {min(strange)}"
            ". Name another prefix in GARIMPO_STORE; nothing was changed."
        )
    ledger.set_meta(CLAIMED, "")
    claim_store(workspace, ledger)


def named_files(ledger: Ledger) -> list[Named]:
    """Every file that the ledger names, with its hash."""
    rows = ledger.read("SELECT DISTINCT path, sha256 FROM parts UNION ALL SELECT path, sha256 FROM raw_files")
    return [(str(row["path"]), str(row["sha256"])) for row in rows]


def truth_files(workspace: Workspace) -> list[Path]:
    """Every raw file and part, here or in the store or only begun; history files, derived from them, are none."""
    lake = [folder for folder in workspace.lake.iterdir() if not folder.name.endswith("_history")]
    here = {path for root in (workspace.raw, *lake) for path in root.rglob("*") if path.is_file()}
    return sorted(here | {workspace.root / name for name in stored_names(workspace)})


def stored_names(workspace: Workspace) -> dict[str, int]:
    """What the store has of raw files and parts, with sizes; nothing without one."""
    names = workspace.store.names() if workspace.store else {}
    return {name: size for name, size in names.items() if name.startswith(_ROOTS)}


def store_of(workspace: Workspace) -> ObjectStore:
    """The workspace's store; SettingsError without one."""
    if workspace.store is None:
        raise SettingsError("GARIMPO_STORE is empty: there is no object store. Nothing was changed.")
    return workspace.store


def put_file(workspace: Workspace, name: str) -> None:
    """Have a finished file in the store, too; raises StorageError where that has another of its name."""
    if workspace.store is not None and (workspace.root / name).is_file():
        _put(workspace.store, name, workspace.root / name)


def is_stored(workspace: Workspace, name: str) -> bool:
    """Whether the store, where one is set, has a finished file as it is here; put there where it had none."""
    with suppress(StorageError):
        put_file(workspace, name)
        return True
    return False


def in_parallel(what: Callable[[_T], _R], many: Sequence[_T]) -> list[_R]:
    """What it gives for each, some at once; raises the first error when all have ended."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(what, many))


def _put_hidden(store: ObjectStore, workspace: Workspace, path: Path, put: list[str]) -> None:
    name = _name(workspace, path)
    if _put(store, name, hidden(path)):
        put.append(name)


def _put(store: ObjectStore, name: str, path: Path) -> bool:
    with explained(path):
        content, written_ns = path.read_bytes(), path.stat().st_mtime_ns
    if store.put_new(name, content, written_ns):
        return True
    if (found := store.get(name)) is None or found[0] != content:
        raise StorageError(
            f"{store.address} has another {name} already: another writer was first, or was killed. Nothing was "
            "committed; run again, what no ledger tells of is removed then."
        )
    return False  # our own, of which the answer was lost; or left by a killed writer with just this content


def _fetched(store: ObjectStore, workspace: Workspace, name: str, sha256: str) -> Path | DamagedFile | None:
    """The path of what is now here under its hidden name; None when the store has none."""
    if (found := store.get(name)) is None:
        return None
    if sha256 and hashlib.sha256(found[0]).hexdigest() != sha256:
        message = f"{name} in {store.address} is not what was committed: its hash differs."
        return DamagedFile(f"{message} Run `python -m pipeline recover`; nothing was changed.")
    aside = write_hidden(path := workspace.root / name, found[0])
    if found[1]:
        os.utime(aside, ns=(found[1], found[1]))  # the order in which files were written is told by nothing else
    return path


def _name(workspace: Workspace, path: Path) -> str:
    return path.relative_to(workspace.root).as_posix()
