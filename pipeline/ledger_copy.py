"""A ledger in a folder that can only be read, in a copy: SQLite needs files beside it. Imports `errors`."""

from __future__ import annotations

import atexit
import shutil
import sqlite3
import tempfile
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import TypeVar

from pipeline.errors import DiskFull, StorageError

__all__ = ["ledger_copy", "original"]

Place = TypeVar("Place")
_roots: dict[Path, Path] = {}  # of the copies in this process


@cache
def ledger_copy(root: Path) -> Path:
    """A folder with copies of the ledger and the run lock's notes; what is damaged in them shows when they are read."""
    folder, ledger = Path(tempfile.mkdtemp(prefix="garimpo-")), root / "ledger.sqlite"
    if ledger.is_dir():
        raise StorageError(f"{ledger} is no file. Move it away and try again; nothing was changed.")
    _roots[folder] = root
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    try:
        wanted = ["run.*"] if _was_copied(ledger, folder / ledger.name) else ["run.*", f"{ledger.name}*"]
        for path in (path for pattern in wanted for path in root.glob(pattern)):
            shutil.copy(path, folder)
    except OSError as error:
        raise DiskFull(
            f"{ledger} could not be copied to {folder}, to be read there ({error.strerror}). Make room or set TMPDIR; "
            "nothing was changed."
        ) from None
    return folder


def original(place: Place) -> Place | Path:
    """What a message calls a ledger: the one in the workspace where `place` is its copy, else `place` itself."""
    return _roots[place.parent] / place.name if isinstance(place, Path) and place.parent in _roots else place


def _was_copied(ledger: Path, target: Path) -> bool:
    """Whether the ledger was copied as of one instant, which takes the index of its log: there while it is open."""
    if not ledger.with_name(f"{ledger.name}-shm").exists():
        return False
    try:
        live = sqlite3.connect(f"{ledger.as_uri()}?mode=ro", uri=True)
        with closing(live), closing(sqlite3.connect(target)) as copy:
            live.backup(copy)
    except (sqlite3.Error, UnicodeDecodeError):
        target.unlink(missing_ok=True)
        return False
    return True
