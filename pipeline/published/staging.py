"""Parts as tables: the rows of lake tables in Parquet files of any version, staged for what merges them.

Imports `engine`, `files`, `merges`, `schema`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from pipeline.errors import DamagedFile, SchemaMismatch
from pipeline.lake import engine
from pipeline.lake.files import fault_of, read_ahead
from pipeline.published.merges import publish_sql
from pipeline.schema import LAKE, SCHEMA_VERSION

__all__ = ["Rows", "Source", "check_parts", "parts_select", "stage_parts"]

Rows = Sequence[dict[str, Any]]

MANY = 200_000  # new rows from which on it pays to share each statement among the cores; below, it costs a tenth more
AHEAD = 200  # parts that the disk is asked for together; most are below a megabyte


@dataclass(frozen=True)
class Source:
    """Parts to be merged, in the order of their commits, as rows of the ledger; `until`: only days up to this one.

    `exchanged`: the ledger's word for the last exchange of parts that these have seen.
    """

    root: Path
    parts: Rows
    until: date | None = None
    exchanged: str = ""

    def of(self, table: str) -> Rows:
        """The parts of one lake table."""
        return [part for part in self.parts if part["table_name"] == table]

    def is_large(self) -> bool:
        """Whether the rows are so many that statements over them are shared among the cores."""
        return bool(sum(part["rows"] for part in self.parts) >= MANY)

    def shared(self) -> AbstractContextManager[None]:
        """For statements over these rows: while it is held they are shared among the cores, where that pays."""
        return engine.many_rows() if self.is_large() else nullcontext()

    def listed(self, table: str) -> list[tuple[Path, int]]:
        """Paths of these and their schema versions, as `parts_select` takes them."""
        return [(self.root / part["path"], part["schema_version"]) for part in self.of(table)]

    def first_day(self) -> date:
        """Day of the oldest part; the last there is without any."""
        return min((date.fromisoformat(part["day"]) for part in self.parts), default=date.max)


def stage_parts(con: duckdb.DuckDBPyConnection, source: Source, name: str, condition: str = "true") -> None:
    """Make `staged_T` show the rows of lake table T in its parts, with their order: by commit and by day.

    Raises SchemaMismatch for a part of a newer program.
    """
    until = "" if source.until is None else f" AND observed_on <= DATE '{source.until}'"
    text = publish_sql("staged").replace("{lake}", name).replace("{condition}", condition + until)
    con.execute(text.replace("{parts}", parts_select(name, source.listed(name))))


def check_parts(root: Path, parts: Rows) -> None:
    """Raise DamagedFile naming the first part that is not what was committed."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for place in range(0, len(parts), AHEAD):
            some = parts[place : place + AHEAD]
            read_ahead(root / part["path"] for part in some)
            faults = pool.map(lambda part: fault_of(root / part["path"], part["sha256"]), some)
            if fault := next(filter(None, faults), ""):
                raise DamagedFile(f"{fault} Run `python -m pipeline recover`; nothing was published.")


def parts_select(name: str, parts: Sequence[tuple[Path, int]]) -> str:
    """A SELECT of the rows of lake table `name` in parts given by path and schema version, and `place` in that order.

    Columns that an earlier version did not have are NULL, types are today's; without parts there are no rows.
    """
    if newer := [path for path, version in parts if version > SCHEMA_VERSION]:
        message = f"{newer[0]} was written by a newer version of this program."
        raise SchemaMismatch(f"{message} Update it and run again; nothing was changed.")
    selects = []
    for version in sorted({version for _, version in parts}):
        places = [place for place, part in enumerate(parts) if part[1] == version]
        listed = ", ".join(f"'{engine.quoted(parts[place][0])}'" for place in places)
        select = _of_today if version == SCHEMA_VERSION else _of_before
        selects.append(select(name, f"read_parquet([{listed}], hive_partitioning = false)", _place(places)))
    return " UNION ALL ".join(selects) or _no_rows(name)


def _place(places: Sequence[int]) -> str:
    return "file_index" if list(places) == list(range(len(places))) else f"({list(places)})[file_index::BIGINT + 1]"


def _of_today(name: str, rows: str, place: str) -> str:
    return f"SELECT {', '.join(LAKE[name].column_names())}, {place}::BIGINT AS place FROM {rows}"


def _of_before(name: str, rows: str, place: str) -> str:
    """By name: what is absent there is filled up with the NULLs of a table without rows."""
    cast = ", ".join(f"{column.name}::{column.type} AS {column.name}" for column in LAKE[name].columns)
    return f"SELECT {cast}, place FROM (({_no_rows(name)}) UNION ALL BY NAME (SELECT *, {place} AS place FROM {rows}))"


def _no_rows(name: str) -> str:
    empty = ", ".join(f"NULL::{column.type} AS {column.name}" for column in LAKE[name].columns)
    return f"SELECT {empty}, NULL::BIGINT AS place LIMIT 0"
