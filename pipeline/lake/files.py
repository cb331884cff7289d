"""Files that are whole or not there: written under a hidden name, fsynced, renamed, and their folder fsynced too.

Turns what the operating system says about a path into our errors. Imports `errors`.
"""

from __future__ import annotations

import errno
import hashlib
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from pipeline.errors import DiskFull, StorageError

__all__ = [
    "explained",
    "explanation",
    "fault_of",
    "fsync_file",
    "hidden",
    "is_hidden",
    "make_folder",
    "place_files",
    "read_ahead",
    "remove_empty",
    "remove_files",
    "replace_file",
    "sha256_of",
    "write_hidden",
]

FLUSHES = 8  # at once
_MARK = ".tmp-"


def hidden(path: Path) -> Path:
    """The name beside `path` under which nobody looks for it."""
    return path.with_name(f"{_MARK}{path.name}")


def sha256_of(path: Path) -> str:
    """The hash of a file's content, in hexadecimal; raises OSError where it cannot be read."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fault_of(path: Path, sha256: str) -> str:
    """What is wrong with a file that was committed with this hash, as a sentence; empty where nothing is."""
    try:
        found = sha256_of(path)
    except OSError as error:
        return f"{path} cannot be read ({error.strerror}), yet the ledger has it."
    return "" if found == sha256 else f"{path} is not what was committed: its hash differs."


def read_ahead(paths: Iterable[Path]) -> None:
    """Tell the system, where it can be told, which files are about to be read: waits for them then pass together."""
    if not hasattr(os, "posix_fadvise"):
        return
    for path in paths:
        with suppress(OSError), path.open("rb") as file:  # whoever reads it says so
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_WILLNEED)


def is_hidden(path: Path) -> bool:
    """Whether a file is one that was never finished."""
    return path.name.startswith(_MARK)


def write_hidden(path: Path, content: bytes) -> Path:
    """Write what will be `path` under its hidden name, not yet durable; raises DiskFull and leaves nothing."""
    aside = hidden(path)
    with explained(path):
        make_folder(path.parent)
        try:
            aside.write_bytes(content)
        except BaseException:
            aside.unlink(missing_ok=True)
            raise
    return aside


def place_files(paths: Iterable[Path]) -> None:
    """Give hidden files their names; all are durable when this returns.

    When it raises, none of them is there, hidden or not. All contents are flushed first, then all names, several at
    once: the system writes its journal a few times instead of twice a file.
    """
    placed = list(dict.fromkeys(paths))
    try:
        _at_once(lambda path: fsync_file(hidden(path)), placed)
        for path in placed:
            with explained(path):
                hidden(path).replace(path)
        _at_once(_fsync_folder, list(dict.fromkeys(path.parent for path in placed)))
    except BaseException:
        remove_files(placed)
        raise


def _at_once(flush: Callable[[Path], None], paths: Sequence[Path]) -> None:
    """Flush all of these; raises the first error when all have ended."""

    def flushed(path: Path) -> None:
        with explained(path):
            flush(path)

    flushing: list[Future[None]] = []
    if len(paths) > 1:
        with suppress(RuntimeError):  # a program that is ending begins nothing on other threads
            flushing = [_flushers(os.getpid()).submit(flushed, path) for path in paths]
    wait(flushing)
    for each in flushing:
        each.result()
    if not flushing:
        for path in paths:
            flushed(path)


@cache
def _flushers(_process: int) -> ThreadPoolExecutor:
    """Kept, since to begin a thread takes longer than what it waits for; a forked process has none of its parent's."""
    return ThreadPoolExecutor(FLUSHES, thread_name_prefix="flush")


def replace_file(path: Path, content: bytes) -> None:
    """Make `path` hold `content`, durable when this returns; what was there before stays until that instant."""
    aside = write_hidden(path, content)
    try:
        with explained(path):
            fsync_file(aside)
            aside.replace(path)
            _fsync_folder(path.parent)
    finally:
        aside.unlink(missing_ok=True)


def remove_files(paths: Iterable[Path]) -> None:
    """Remove files and their hidden selves, as far as the system lets us."""
    for path in paths:
        for name in (path, hidden(path)):
            with suppress(OSError):
                name.unlink(missing_ok=True)


def remove_empty(folders: Iterable[Path]) -> None:
    """Remove folders in which nothing is left, and the one above if that was all it had."""
    for folder in dict.fromkeys(folders):
        with suppress(OSError):
            folder.rmdir()
            folder.parent.rmdir()


def fsync_file(path: Path) -> None:
    """Make the content of a file durable."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn an OSError about `path` into ours, with the state left behind and the next step."""
    try:
        yield
    except OSError as error:
        raise explanation(error, path) from error


def explanation(error: OSError, path: object) -> StorageError:
    """Our error for one of the system's about `path`."""
    if error.errno in _NO_SPACE:
        return DiskFull(f"No space left for {path}. Free some space and run again; what was committed is kept.")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        message = f"{path} cannot be written ({error.strerror}). Make its folder writable and run again; "
        return DiskFull(f"{message}what was committed is kept.")
    if error.errno in _NO_PLACE:
        return StorageError(f"{path}: {error.strerror}. Name another place; what was committed is kept.")
    message = f"{path}: {error.strerror or error}. Run again, or see `python -m pipeline doctor`; "
    return StorageError(f"{message}what was committed is kept.")


_NO_SPACE = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}  # Windows has no EDQUOT

_NO_PLACE = {errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENAMETOOLONG}  # as it is named nothing can be there


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, each durable in the one above."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    try:
        folder.mkdir(exist_ok=True)  # somebody else may just have made it
    except FileExistsError:
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder)) from None
    _fsync_folder(folder.parent)


def _fsync_folder(folder: Path) -> None:
    if sys.platform == "win32":  # no such call there: names are kept with the files
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
