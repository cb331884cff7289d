"""Parts as tables: the rows of lake tables in Parquet files of any version, staged for what merges them.

Imports `engine`, `files`, `volumes`, `merges`, `schema`.
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
from pipeline.lake.volumes import is_volume
from pipeline.published.merges import publish_sql
from pipeline.schema import LAKE, SCHEMA_VERSION

__all__ = ["Listed", "MergeSource", "Rows", "check_parts", "parts_select", "stage_parts"]

Rows = Sequence[dict[str, Any]]
Listed = tuple[Path, int, int]  # a part: its file, the schema version, and its place in the order of commits

MANY = 200_000  # new rows from which on it pays to share each statement among the cores; below, it costs a tenth more
AHEAD = 200  # parts that the disk is asked for together; most are below a megabyte


@dataclass(frozen=True)
class MergeSource:
    """Parts to be merged, in the order of their commits, as rows of the ledger; `until`: only days up to this one.

    `exchanged`: the ledger's word for the last exchange of parts that these have seen. `bound`: its word for the last
    volumes; `moved`: all parts that were merged before, where some lie in other files since.
    """

    root: Path
    parts: Rows
    until: date | None = None
    exchanged: str = ""
    bound: str = ""
    moved: Rows = ()

    def of(self, table: str) -> Rows:
        """The parts of one lake table."""
        return [part for part in self.parts if part["table_name"] == table]

    def tables(self) -> set[str]:
        """Lake tables that have some."""
        return {part["table_name"] for part in self.parts}

    def is_large(self) -> bool:
        """Whether the rows are so many that statements over them are shared among the cores."""
        return bool(sum(part["rows"] for part in self.parts) >= MANY)

    def shared(self) -> AbstractContextManager[None]:
        """For statements over these rows: while it is held they are shared among the cores, where that pays."""
        return engine.many_rows() if self.is_large() else nullcontext()

    def listed(self, table: str) -> list[Listed]:
        """These as `parts_select` takes them."""
        return [(self.root / part["path"], part["schema_version"], part["seq"]) for part in self.of(table)]

    def first_day(self) -> date:
        """Day of the oldest part; the last there is without any."""
        return min((date.fromisoformat(part["day"]) for part in self.parts), default=date.max)


def stage_parts(con: duckdb.DuckDBPyConnection, source: MergeSource, name: str, condition: str = "true") -> None:
    """Make `staged_T` show the rows of lake table T in its parts, with their order: by commit and by day.

    Raises SchemaMismatch for a part of a newer program.
    """
    until = "" if source.until is None else f" AND observed_on <= DATE '{source.until}'"
    text = publish_sql("staged").replace("{lake}", name).replace("{condition}", condition + until)
    con.execute(text.replace("{parts}", parts_select(name, source.listed(name))))


def check_parts(root: Path, parts: Rows) -> None:
    """Raise DamagedFile naming the first part that is not what was committed."""
    files = list(dict.fromkeys((root / part["path"], part["sha256"]) for part in parts))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for place in range(0, len(files), AHEAD):
            some = files[place : place + AHEAD]
            read_ahead(path for path, _ in some)
            faults = pool.map(lambda file: fault_of(*file), some)
            if fault := next(filter(None, faults), ""):
                raise DamagedFile(f"{fault} Run `python -m pipeline recover`; nothing was published.")


def parts_select(name: str, parts: Sequence[Listed]) -> str:
    """A SELECT of the rows of lake table `name` in these parts, and `place` in that order.

    Columns that an earlier version did not have are NULL, types are today's; without parts there are no rows.
    """
    if newer := [path for path, version, _ in parts if version > SCHEMA_VERSION]:
        message = f"{newer[0]} was written by a newer version of this program."
        raise SchemaMismatch(f"{message} Update it and run again; nothing was changed.")
    groups: dict[tuple[int, bool], list[int]] = {}
    for place, (path, version, _) in enumerate(parts):
        groups.setdefault((version, is_volume(path)), []).append(place)
    selects = []
    for (version, bound), places in sorted(groups.items()):
        select = _of_today if version == SCHEMA_VERSION else _of_before
        selects.append(select(name, *(_bound if bound else _alone)(parts, places)))
    return " UNION ALL ".join(selects) or _no_rows(name)


def _alone(parts: Sequence[Listed], places: Sequence[int]) -> tuple[str, str]:
    """Rows of parts that have files of their own, and their places."""
    rows = engine.parquet(parts[place][0] for place in places)
    first = list(places) == list(range(len(places)))
    return rows, "file_index" if first else f"({list(places)})[file_index::BIGINT + 1]"


def _bound(parts: Sequence[Listed], places: Sequence[int]) -> tuple[str, str]:
    """Rows of parts that lie in volumes, of which others may have been let go of, and their places."""
    volumes = {path: number for number, path in enumerate(dict.fromkeys(parts[place][0] for place in places))}
    columns = [volumes[parts[place][0]] for place in places], [parts[place][2] for place in places], list(places)
    named = zip(("volume", "seq", "bound_place"), columns, strict=True)
    members = ", ".join(f"unnest({values}::BIGINT[]) AS {column}" for column, values in named)
    joined = "ON m.volume = r.file_index AND m.seq = r.seq"
    return (
        f"(SELECT r.*, bound_place FROM {engine.parquet(volumes)} r JOIN (SELECT {members}) m {joined})",
        "bound_place",
    )


def _of_today(name: str, rows: str, place: str) -> str:
    return f"SELECT {', '.join(LAKE[name].column_names())}, {place}::BIGINT AS place FROM {rows}"


def _of_before(name: str, rows: str, place: str) -> str:
    """By name: what is absent there is filled up with the NULLs of a table without rows."""
    cast = ", ".join(f"{column.name}::{column.type} AS {column.name}" for column in LAKE[name].columns)
    return f"SELECT {cast}, place FROM (({_no_rows(name)}) UNION ALL BY NAME (SELECT *, {place} AS place FROM {rows}))"


def _no_rows(name: str) -> str:
    empty = ", ".join(f"NULL::{column.type} AS {column.name}" for column in LAKE[name].columns)
    return f"SELECT {empty}, NULL::BIGINT AS place LIMIT 0"
