"""SQLite that other projects keep, row by row, of each table that has ids of artists or refers to one that has.

Imports `errors`, `import_values`, `sqlite_file`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from pipeline.errors import DamagedFile, SettingsError
from pipeline.moving.import_values import artist_id, field_columns, has_id
from pipeline.records.sqlite_file import read_only

__all__ = ["sqlite_tables"]

SAMPLE = 100  # rows that are looked at to see whether there are ids
Row = Mapping[str, Any]


def sqlite_tables(path: Path) -> dict[str, Iterator[Row]]:
    """The rows of each table that has artist ids of its own, or numbers of rows in one that has.

    Raises SettingsError where none has, DamagedFile when the file cannot be read; so does a table at the row from
    which it cannot.
    """
    try:
        with closing(_connected(path)) as connection:
            names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            samples = {table: list(_rows(connection, table, SAMPLE)) for table in names}
            owners = {table for table, rows in samples.items() if any(map(has_id, rows))}
            numbered = dict(pair for table in sorted(owners) for pair in _numbers(connection, table))
    except sqlite3.Error as error:
        raise DamagedFile(f"{path} cannot be read ({error}). Nothing was imported.") from None
    wanted: dict[str, Mapping[int, str]] = {}
    for table in names:
        if table in owners or any(_number(row) in numbered for row in samples[table]):
            wanted[table] = {} if table in owners else numbered
    if not wanted:
        tables = ", ".join(names) or "none"
        raise SettingsError(f"{path} has no table with artist ids (tables: {tables}). Nothing was imported.")
    return {table: _named_rows(path, table, ids) for table, ids in wanted.items()}


def _named_rows(path: Path, table: str, numbered: Mapping[int, str]) -> Iterator[Row]:
    """Rows of a table, each with the id of the artist whom it names by a number."""
    try:
        with closing(_connected(path)) as connection:
            for row in _rows(connection, table):
                number = _number(row) if numbered else None
                named = {"artist_uri": numbered[number]} if number is not None and number in numbered else {}
                yield {**row, **named}
    except sqlite3.Error as error:
        raise DamagedFile(f"the rest of the table cannot be read ({error})") from None


def _connected(path: Path) -> sqlite3.Connection:
    connection = read_only(path)
    connection.text_factory = lambda content: content.decode("utf-8", "replace")
    return connection


def _rows(connection: sqlite3.Connection, table: str, most: int = -1) -> Iterator[dict[str, Any]]:
    quoted = table.replace('"', '""')
    cursor = connection.execute(f'SELECT * FROM "{quoted}" LIMIT ?', (most,))
    names = [column[0] for column in cursor.description]
    for row in cursor:
        yield dict(zip(names, row, strict=True))


def _numbers(connection: sqlite3.Connection, table: str) -> Iterator[tuple[int, str]]:
    """The database's own numbers of artists, with the id each stands for."""
    for row in _rows(connection, table):
        columns = field_columns(tuple(row)).get("artist_id", ())
        found = next((text for text in (artist_id(row[name])[0] for name in columns) if text), "")
        number = next((row[name] for name in columns if isinstance(row[name], int)), None)
        if found and number is not None:
            yield number, found


def _number(row: Mapping[str, Any]) -> int | None:
    """The number by which a row names an artist of another table; its own `id` is none."""
    columns = [name for name in field_columns(tuple(row)).get("artist_id", ()) if name.lower() != "id"]
    return next((row[name] for name in columns if isinstance(row[name], int)), None)
