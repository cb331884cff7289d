"""Fill a database with the rows of parts: all of them in an empty one, or those committed since.

Every merge is defined by the parts and their order alone (`merges`), so both ways end with the same tables. Knows
nothing of generations, locks or the ledger: parts come as its rows. Imports `engine`, `merges`, `schema`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from pipeline import engine
from pipeline.errors import DamagedFile, SchemaMismatch
from pipeline.merges import STEPS, merge_statement, publish_sql
from pipeline.schema import LAKE, PUBLISHED, SCHEMA_VERSION, STATE, create_statements

__all__ = ["Rows", "Source", "fill", "insert_rows", "parts_select"]

Rows = Sequence[dict[str, Any]]


@dataclass(frozen=True)
class Source:
    """Parts to be merged, in the order of their commits, as rows of the ledger; `until`: only days up to this one."""

    root: Path
    parts: Rows
    until: date | None = None

    def first_day(self) -> date | None:
        """The earliest day there are rows of; None where there are no parts."""
        return min((date.fromisoformat(part["day"]) for part in self.parts), default=None)


def fill(con: duckdb.DuckDBPyConnection, source: Source, *, fresh: bool) -> None:
    """Merge parts into the database of `con`, which is made first when `fresh`; for a transaction of the caller.

    Raises DamagedFile naming a part that is not what was committed, SchemaMismatch for one of a newer program.
    """
    if fresh:
        for statement in create_statements():
            con.execute(statement)
    staged = _stage(con, source)
    newest = con.execute("SELECT coalesce(max(day), '') FROM state_parts").fetchall()[0][0]
    days = [newest, *(part["day"] for part in source.parts)]
    ordered = days == sorted(days)
    for step in STEPS:
        if not staged.isdisjoint(step.needs):
            con.execute(merge_statement(step, ordered=ordered))
        if fresh and step.table == "state_snapshots":
            con.execute(publish_sql("staged_whole"))
    insert_rows(con, "state_parts", source.parts)


def insert_rows(con: duckdb.DuckDBPyConnection, name: str, rows: Rows) -> None:
    """Insert the ledger's rows into a table; instants are UTC, and lose their zone."""
    columns = {**PUBLISHED, **STATE}[name].columns
    shape = json.dumps([{column.name: column.type for column in columns}])
    kept = [{column.name: row[column.name] for column in columns} for row in rows]
    content = json.dumps(kept, default=lambda instant: instant.replace(tzinfo=None).isoformat())
    con.execute(f"INSERT INTO {name} SELECT unnest(from_json(?, ?), recursive := true)", (content, shape))


def parts_select(name: str, parts: Sequence[tuple[Path, int]]) -> str:
    """A SELECT of the rows of lake table `name` in parts given by path and schema version, and `place` in that order.

    Columns that an earlier version did not have are NULL, types are today's.
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
    return " UNION ALL ".join(selects)


def _place(places: Sequence[int]) -> str:
    return "file_index" if list(places) == list(range(len(places))) else f"({list(places)})[file_index + 1]"


def _of_today(name: str, rows: str, place: str) -> str:
    return f"SELECT {', '.join(LAKE[name].column_names())}, {place}::BIGINT AS place FROM {rows}"


def _of_before(name: str, rows: str, place: str) -> str:
    """By name: what is absent there is filled up with the NULLs of a table without rows."""
    empty = ", ".join(f"NULL::{column.type} AS {column.name}" for column in LAKE[name].columns)
    cast = ", ".join(f"{column.name}::{column.type} AS {column.name}" for column in LAKE[name].columns)
    both = f"SELECT {empty}, NULL::BIGINT AS place LIMIT 0) UNION ALL BY NAME (SELECT *, {place} AS place FROM {rows}"
    return f"SELECT {cast}, place FROM (({both}))"


def _stage(con: duckdb.DuckDBPyConnection, source: Source) -> set[str]:
    """Make `staged_T` show the new rows of lake table T; the tables that have any."""
    parts: dict[str, list[tuple[Path, int]]] = {}
    for part in source.parts:
        path = _checked(source.root / part["path"], part["sha256"])
        parts.setdefault(part["table_name"], []).append((path, part["schema_version"]))
    until = "" if source.until is None else f"WHERE observed_on <= DATE '{source.until}'"
    for name, listed in parts.items():
        text = publish_sql("staged").replace("{lake}", name).replace("{until}", until)
        con.execute(text.replace("{parts}", parts_select(name, listed)))
    return set(parts)


def _checked(path: Path, sha256: str) -> Path:
    try:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        message = f"{path} cannot be read ({error.strerror}), yet the ledger has it."
        raise DamagedFile(f"{message} Put it back from a backup and run again; nothing was published.") from None
    if found != sha256:
        message = f"{path} is not what was committed: its hash differs."
        raise DamagedFile(f"{message} Put it back from a backup and run again; nothing was published.")
    return path
