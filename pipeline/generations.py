"""Published generations for reading: the pointer CURRENT, one read-only connection per process, one cursor per query.

Readers never block and are never blocked: they look at CURRENT before each query (2 µs) and open the new file when it changed.
`live` adds the committed parts that no generation has yet, for the planner. Imports `ledger`, `schema`, `workspace` and below.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from pipeline.errors import DamagedFile, StorageError
from pipeline.ledger import Ledger
from pipeline.schema import LAKE, PUBLISHED, STATE, Table
from pipeline.workspace import Workspace

__all__ = ["Generation", "applied_seq", "current_number", "generation_path", "live", "open_generation"]

Params = Sequence[object] | Mapping[str, object]
_opened: dict[Path, tuple[tuple[int, int, int], Generation]] = {}
_guard = threading.Lock()


@dataclass(frozen=True)
class Generation:
    """One immutable database; safe for any number of threads."""

    number: int
    path: Path
    connection: duckdb.DuckDBPyConnection

    def frame(self, query: str, params: Params = ()) -> pl.DataFrame:
        """The rows of a SELECT as a frame."""
        with self._cursor() as cursor:
            return cursor.sql(query, params=_bound(params)).pl()

    def rows(self, query: str, params: Params = ()) -> list[tuple[Any, ...]]:
        """The rows of a SELECT as tuples."""
        with self._cursor() as cursor:
            found: list[tuple[Any, ...]] = cursor.sql(query, params=_bound(params)).fetchall()
            return found

    @contextmanager
    def _cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        cursor = self.connection.cursor()
        try:
            yield cursor
        finally:
            cursor.close()


def generation_path(workspace: Workspace, number: int) -> Path:
    """Where a generation is; the name is never given twice, since DuckDB remembers databases by their path."""
    return workspace.db / f"garimpo-{number:08d}.duckdb"


def current_number(workspace: Workspace) -> int | None:
    """Number of the current generation; None before the first one was published."""
    try:
        return int((workspace.db / "CURRENT").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError:
        raise DamagedFile(
            f"{workspace.db / 'CURRENT'} does not hold a number. Delete the folder {workspace.db} and run again: it is rebuilt from the Parquet files."
        ) from None


def open_generation(workspace: Workspace) -> Generation:
    """The current generation, opened once per process; raises StorageError while there is none."""
    pointer = workspace.db / "CURRENT"
    try:
        stat = os.stat(pointer)
    except FileNotFoundError:
        raise StorageError(f"Nothing is published in {workspace.root} yet. Run `python -m pipeline` or press Run now.") from None
    seen = (stat.st_mtime_ns, stat.st_ino, stat.st_size)
    found = _opened.get(workspace.db)
    if found is None or found[0] != seen:
        with _guard:
            found = _opened.get(workspace.db)
            if found is None or found[0] != seen:
                found = (seen, _open(workspace))
                _opened[workspace.db] = found
    return found[1]


def applied_seq(generation: Generation) -> int:
    """Sequence of the last part that is in the generation."""
    return int(generation.rows("SELECT value FROM state_meta WHERE key = 'applied_seq'")[0][0])


@contextmanager
def live(workspace: Workspace, ledger: Ledger) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection in which `live_T` shows lake table T with every committed row: the published ones and the parts still to be published.

    Published rows appear once per key, dated by the day they were last seen; pending ones as observed. Not for another thread.
    """
    number = current_number(workspace)
    if number is None:
        connection, base, applied = duckdb.connect(), "", 0
    else:
        generation = open_generation(workspace)
        connection, base, applied = generation.connection.cursor(), "published", applied_seq(generation)
    pending: dict[str, list[str]] = {name: [] for name in LAKE}
    for part in ledger.parts(applied):
        pending[part.table].append(str(workspace.root / part.path))
    try:
        connection.execute(";".join(_live_view(table, pending[table.name], published=bool(base)) for table in LAKE.values()))
        yield connection
    finally:
        connection.close()


def _live_view(table: Table, paths: list[str], *, published: bool) -> str:
    names = table.column_names()
    parts = []
    if published:
        home = PUBLISHED.get(table.name) or STATE[f"state_{table.name}"]
        dated = "observed_on" if "observed_on" in home.column_names() else "last_seen_on AS observed_on"
        parts.append(f"SELECT {', '.join(dated if name == 'observed_on' else name for name in names)} FROM {home.name}")
    if paths:
        listed = ", ".join("'" + path.replace("'", "''") + "'" for path in paths)
        parts.append(f"SELECT {', '.join(names)} FROM read_parquet([{listed}], hive_partitioning = false)")
    if not parts:
        parts.append(f"SELECT {', '.join(f'NULL::{column.type} AS {column.name}' for column in table.columns)} LIMIT 0")
    return f"CREATE OR REPLACE TEMP VIEW live_{table.name} AS {' UNION ALL '.join(parts)}"


def _open(workspace: Workspace) -> Generation:
    number = current_number(workspace)
    assert number is not None
    path = generation_path(workspace, number)
    try:
        return Generation(number, path, duckdb.connect(path, read_only=True))
    except (duckdb.Error, OSError) as error:
        raise DamagedFile(
            f"{path} cannot be opened ({str(error).splitlines()[0]}). Delete the folder {workspace.db} and run again: it is rebuilt from the "
            "Parquet files, which are untouched."
        ) from None


def _bound(params: Params) -> Any:
    return dict(params) if isinstance(params, Mapping) else list(params)
