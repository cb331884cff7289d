"""Published generations for reading: the pointer CURRENT, one attached database, one cursor per query.

Readers never block and are never blocked: they look at CURRENT before each query (2 µs) and attach the new file when it
changed. Imports `engine`, `workspace`, `truth`, `as_of`, `faults`, `history_files`, `snapshots`.
"""

from __future__ import annotations

import errno
import os
import threading
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import duckdb

from pipeline.errors import DamagedFile, DiskFull, StorageError
from pipeline.lake import engine
from pipeline.lake.truth import fetch_truth
from pipeline.published.as_of import CACHED, build_as_of, prune
from pipeline.published.faults import damaged, explained_reading, said_first
from pipeline.published.history_files import view_statement
from pipeline.published.snapshots import history_of, root_of
from pipeline.workspace import Workspace

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Generation", "current_number", "generation_age_s", "generation_path", "has_rows", "lost", "open_generation"]

Params = Sequence[object] | Mapping[str, object]


class Generation:
    """One immutable database; safe for any number of threads, and usable as long as somebody holds it.

    Its history files stay as long as it is among the generations kept. `as_of`: the day of which it tells, if one.
    """

    def __init__(self, number: int, path: Path, root: Path | None = None, as_of: date | None = None) -> None:
        self.number, self.path, self.root, self.as_of = number, path, root, as_of
        self.losses, self.alias = engine.losses(), engine.attach(path)
        self._idle: list[duckdb.DuckDBPyConnection] = []
        weakref.finalize(self, engine.detach, self.alias).atexit = False
        self.moved_view = self._moved_view()

    def frame(self, query: str, params: Params = ()) -> pl.DataFrame:
        """The rows of a SELECT as a frame."""
        import polars as pl  # for pages: runs and most commands start a ninth sooner without it

        with self._at_hand() as cursor:
            return cast("pl.DataFrame", pl.from_arrow(engine.arrow(cursor, query, _bound(params))))

    def rows(self, query: str, params: Params = ()) -> list[tuple[Any, ...]]:
        """The rows of a SELECT as tuples."""
        with self._at_hand() as cursor:
            return cursor.execute(query, _bound(params)).fetchall()

    def meta(self, key: str) -> str:
        """A fact that was recorded when the generation was built; empty where there is none."""
        with suppress(duckdb.CatalogException):  # of an earlier program
            found = self.rows("SELECT value FROM state_meta WHERE key = ?", (key,))
            return str(found[0][0]) if found else ""
        return ""

    def history_paths(self) -> list[Path]:
        """The history files it reads: what a connection without access to files must be allowed."""
        root = self.root or Path(self.meta("root"))
        return [root / path for (path,) in self.rows("SELECT path FROM state_history ORDER BY month")]

    def has_history(self) -> bool:
        """Whether all of them are there."""
        return all(path.is_file() for path in self.history_paths())

    def _moved_view(self) -> str:
        """What makes `artist_snapshots` anew in a cursor, where its files are not where they were when it was built."""
        with engine.cursor(self.alias) as con, suppress(duckdb.CatalogException):  # of an earlier program: no files
            listed = history_of(con)
            if self.root is None or not listed or root_of(con) == str(self.root):
                return ""
            return view_statement(self.root, listed, until=self.as_of, kind="TEMP VIEW")
        return ""

    @contextmanager
    def cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection of its own; its temporary views are seen by nobody else."""
        with self._explained(), self._connected() as cursor:
            yield cursor

    @contextmanager
    def _at_hand(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection for one question, kept for the next: to make one takes as long as to ask something short."""
        with self._explained():
            try:
                cursor = self._idle.pop()
            except IndexError:
                cursor = self._connected()
            yield cursor
            self._idle.append(cursor)

    def _connected(self) -> duckdb.DuckDBPyConnection:
        cursor = engine.cursor(self.alias)
        if self.moved_view:
            cursor.execute(self.moved_view)
        return cursor

    def _explained(self) -> AbstractContextManager[None]:
        return explained_reading(self.path, self.losses)


_opened: dict[Path, tuple[tuple[int, ...], Generation]] = {}
_guard = threading.Lock()
_as_of: dict[Path, tuple[weakref.ref[Generation], Generation]] = {}  # of which one; what was used last stands last
_as_of_guard = threading.Lock()


def generation_path(workspace: Workspace, number: int) -> Path:
    """Where a generation is; a name is never given twice, since DuckDB knows databases by their path."""
    return workspace.db / f"garimpo-{number:08d}.duckdb"


def current_number(workspace: Workspace) -> int | None:
    """Number of the current generation; None before the first one was published."""
    found = _pointer(workspace)
    return found and found[0]


def generation_age_s(workspace: Workspace, now: datetime) -> float | None:
    """Seconds since the current generation was pointed to; None before the first one was published."""
    try:
        return round(max(0.0, now.timestamp() - (workspace.db / "CURRENT").stat().st_mtime), 1)
    except FileNotFoundError:
        return None


def _pointer(workspace: Workspace) -> tuple[int, int] | None:
    """Number of the current generation, and its size in bytes, 0 where it is not told."""
    pointer = workspace.db / "CURRENT"
    try:
        number, _, size = pointer.read_text(encoding="utf-8").partition(" ")
        return int(number), int(size or 0)
    except FileNotFoundError:
        return None
    except ValueError:
        raise damaged(pointer, "does not hold a number") from None
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EPERM, errno.EMFILE, errno.ENFILE):  # nothing is damaged then
            raise
        raise damaged(pointer, f"cannot be read ({error.strerror})") from None


def open_generation(workspace: Workspace, as_of: date | None = None) -> Generation:
    """The current generation, attached once per process; with a day, what was known on it.

    Raises StorageError while there is none, DamagedFile when it cannot be read.
    """
    current = _open_current(workspace)
    try:
        return _open_as_of(workspace, current, as_of) if as_of else current
    except DamagedFile:
        if current_number(workspace) == current.number:
            raise
    return open_generation(workspace, as_of)  # parts lie elsewhere by now, as the next one says


def _open_as_of(workspace: Workspace, current: Generation, day: date) -> Generation:
    """Built when first asked for; the ones asked for last are kept, in this process and on disk."""
    path = workspace.db / "as-of" / f"{current.path.stem}-{day}.duckdb"
    with _as_of_guard:
        of, found = _as_of.pop(path, (None, None))
        if of is None or found is None or of() is not current:  # a workspace made again gives its numbers again
            if not path.exists():
                _build_as_of(workspace, current, path, day)
            found = _attached(current.number, path, workspace.root, day)
        with suppress(OSError):
            os.utime(path)
        _as_of[path] = (weakref.ref(current), found)
        prune(path.parent)
        for old in list(_as_of)[:-CACHED]:
            del _as_of[old]
        return found


def _build_as_of(workspace: Workspace, current: Generation, path: Path, day: date) -> None:
    fetch_truth(workspace, current.rows("SELECT path, sha256 FROM state_parts") if workspace.store else ())
    with explained_reading(path, current.losses, "built"):
        try:
            build_as_of(current.alias, workspace.root, path, day)
        except duckdb.Error as error:
            if "No space left" not in said_first(error):
                raise
            raise DiskFull(f"No space left for {path}. Free some space and ask again; nothing was lost.") from error


def _open_current(workspace: Workspace) -> Generation:
    try:
        stat = (workspace.db / "CURRENT").stat()
    except OSError as error:
        if not isinstance(error, FileNotFoundError):
            _pointer(workspace)  # says what is wrong with it
            raise
        if has_rows(workspace):
            raise lost(workspace) from None
        message = f"Nothing is published in {workspace.root} yet. Run `python -m pipeline` or press Run now."
        raise StorageError(message) from None
    seen = (stat.st_mtime_ns, stat.st_ino, stat.st_size, engine.losses())
    found = _opened.get(workspace.db)
    if found is None or found[0] != seen:
        with _guard:
            found = _opened.get(workspace.db)
            if found is None or found[0] != seen:
                found = _opened[workspace.db] = (seen, _open(workspace))
    return found[1]


def has_rows(workspace: Workspace) -> bool:
    """Whether there is any part."""
    return next(workspace.lake.rglob("*.parquet"), None) is not None


def lost(workspace: Workspace) -> DamagedFile:
    """What to raise where there are rows and nothing to read them in."""
    return DamagedFile(
        f"Nothing is published in {workspace.root}, though rows are there. Run `python -m pipeline rebuild`, "
        "which makes the database anew from them."
    )


def _attached(number: int, path: Path, root: Path, day: date | None = None) -> Generation:
    """A generation, attached once more where the engine was given up meanwhile."""
    known = engine.losses()
    try:
        return Generation(number, path, root, day)
    except duckdb.Error as error:
        if not (engine.is_lost(error, known) or known < engine.losses()):
            raise
    return Generation(number, path, root, day)


def _open(workspace: Workspace) -> Generation:
    number, size = _pointer(workspace) or (0, 0)
    path = generation_path(workspace, number)
    with explained_reading(path, engine.losses(), "opened"):
        try:
            if size and path.stat().st_size != size:
                raise OSError(f"it has {path.stat().st_size} bytes instead of {size}")
            return _attached(number, path, workspace.root)
        except OSError as error:
            raise damaged(path, f"cannot be opened ({said_first(error)})") from None


def _bound(params: Params) -> Any:
    return dict(params) if isinstance(params, Mapping) else list(params)
