"""Files that other projects leave behind, entry by entry with line numbers: JSON, CSV, Parquet, SQLite, lists of ids.

What a file is, its content decides, not its name. Imports `errors`, `import_parquet`, `import_text`, `import_values`,
`sqlite_file`.
"""

from __future__ import annotations

import csv
import io
import json
import re
import sqlite3
import stat
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pipeline.errors import DamagedFile, SettingsError
from pipeline.moving.import_parquet import parquet_rows
from pipeline.moving.import_text import LARGEST_MB, is_packed, whole_text
from pipeline.moving.import_values import artist_id, field_columns
from pipeline.records.sqlite_file import read_only

__all__ = ["Entry", "Reading", "Reject", "read_file"]

_CONTAINERS = ("artists", "artistas", "items", "itens", "data", "dados", "results", "resultados")
_DELIMITERS = (",", ";", "\t", "|")
csv.field_size_limit(LARGEST_MB * 1_000_000)  # by itself it takes 131,072 letters in a cell, and no more of a file then
SAMPLE = 100  # rows or lines that are looked at to see whether there are ids


@dataclass(frozen=True)
class Entry:
    """One artist as found; `line` from 1 (of a table: the row)."""

    line: int
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Reject:
    """A place that cannot be read."""

    line: int
    reason: str


Found = Iterator[Entry | Reject]


@dataclass(frozen=True)
class Reading:
    """A file, or one table of it, being read; `entries` can be gone through once."""

    name: str
    format: str
    entries: Found


def read_file(path: Path, name: str) -> list[Reading]:
    """What there is to read in a file: one reading, or one per table; SettingsError when it is nothing we know.

    Raises DamagedFile for a database that cannot be opened.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe would be waited for, and can be read but once
            raise SettingsError(
                f"{path} is no file but a pipe or a device: write it to a file first. Nothing was imported."
            )
        with path.open("rb") as file:
            head = file.read(4096)
        if head.startswith(b"SQLite format 3\0"):
            return _read_sqlite(path, name)
        if head.startswith(b"PAR1"):
            rows = enumerate(parquet_rows(path), 1)
            return [Reading(name, "Parquet", (Entry(line, row) for line, row in rows))]
        text = whole_text(path, head)
    except OSError as error:
        raise SettingsError(f"{path} cannot be read ({error.strerror}). Nothing was imported.") from None
    begin = text.lstrip()[:1]
    if not begin:
        raise SettingsError(f"{path} is empty. Nothing was imported.")
    reading = Reading(name, "JSON", _read_json(text)) if begin in "[{" else _read_lines(path, text, name)
    return [replace(reading, format=f"{reading.format}, packed") if is_packed(head) else reading]


# ---- JSON

_NEXT_OBJECT = re.compile(r"\n[ \t]*[{\[]")
_DECODER = json.JSONDecoder(parse_constant=lambda _: None)


def _read_json(text: str) -> Found:
    """Artists of one array, one object, or one object after the other; a broken line costs that line alone."""
    position, line = _past_space(text, 0), 1
    is_array = is_open = text[position] == "["
    counted, position = position, position + is_array
    line += text.count("\n", 0, counted)
    while (position := _past_space(text, position)) < len(text):
        line, counted = line + text.count("\n", counted, position), position
        if is_array and text[position] in ",]":
            is_open = text[position] == ","
            position += 1
            continue
        try:
            value, position = _DECODER.raw_decode(text, position)
        except (ValueError, RecursionError) as error:
            yield Reject(line, f"not JSON ({getattr(error, 'msg', 'it cannot be read')})")
            if is_array:
                yield Reject(line, "the rest of the file was not read")
                return
            following = _NEXT_OBJECT.search(text, position)
            position = following.start() + 1 if following else len(text)
            continue
        yield from _artists_in(value, line, {}, 0)
    if is_open:
        yield Reject(line, "the list does not end here: the file seems to be cut off")


def _past_space(text: str, position: int) -> int:
    while position < len(text) and text[position].isspace():
        position += 1
    return position


def _artists_in(value: Any, line: int, outer: Mapping[str, Any], depth: int) -> Found:
    """Artists in a value: itself, or those in the lists it holds, dated as what holds them where they say nothing."""
    if isinstance(value, list) and depth < 8:
        for each in value:
            yield from _artists_in(each, line, outer, depth + 1)
    elif isinstance(value, str):
        yield Entry(line, {**outer, "id": value})
    elif not isinstance(value, dict):
        yield Reject(line, f"a {type(value).__name__} where an artist belongs")
    elif _has_id(value) or not (inner := _inner_lists(value)) or depth >= 8:
        yield Entry(line, {**outer, **value})
    else:
        dates = {name: value[name] for name in field_columns(tuple(value)).get("day", ()) if _is_plain(value[name])}
        for name, each in inner:
            named = {"id": name} if artist_id(name)[0] else {}
            yield from _artists_in({**each, **named} if named else each, line, {**outer, **dates}, depth + 1)


def _has_id(value: Mapping[str, Any]) -> bool:
    columns = field_columns(tuple(value)).get("artist_id", ())
    return any(artist_id(value[name])[0] for name in columns if _is_plain(value[name]))


def _inner_lists(value: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """What holds artists: lists and pages under a usual name, objects under their id, or lists under anything."""
    usual = [(name, each) for name, each in value.items() if name.lower() in _CONTAINERS and not _is_plain(each)]
    by_id = [(name, each) for name, each in value.items() if artist_id(name)[0] and isinstance(each, dict)]
    lists = [(name, each) for name, each in value.items() if isinstance(each, list) and each and not _is_plain(each[0])]
    return usual or by_id or lists


def _is_plain(value: Any) -> bool:
    return not isinstance(value, (dict, list))


# ---- CSV and lists


def _read_lines(path: Path, text: str, name: str) -> Reading:
    lines = [line for line in text.splitlines()[:SAMPLE] if line.strip() and not line.startswith("#")]
    header = lines[0] if lines else ""
    for delimiter in _DELIMITERS:
        columns = next(csv.reader([header], delimiter=delimiter, strict=False), [])
        if "artist_id" in field_columns(tuple(columns)):
            return Reading(name, f"CSV with {delimiter!r}", _read_csv(text, delimiter))
        if field_columns(tuple(columns)) and 0 <= (place := _place_of_ids(lines[1:], delimiter)) < len(columns):
            understood = f"CSV with {delimiter!r}, ids in {columns[place]!r}"
            return Reading(name, understood, _read_csv(text, delimiter, place))
    if "\0" not in text[:SAMPLE] and any(artist_id(_listed(line)["id"])[0] for line in lines):
        return Reading(name, "list of ids", _read_ids(text))
    raise SettingsError(
        f"{path} is nothing that can be imported: it begins with {header[:60]!r}, which names no column of artist "
        "ids and is none. Understood are JSON, JSON lines, CSV with titles such as name and link, Parquet, SQLite, "
        "and lists of ids or links. Nothing was imported."
    )


def _place_of_ids(lines: Sequence[str], delimiter: str) -> int:
    """Where most lines below the titles have an artist's id or link, whatever that column's title; -1: nowhere."""
    rows = csv.reader(lines, delimiter=delimiter)
    places = Counter(place for cells in rows for place, cell in enumerate(cells) if artist_id(cell)[0])
    return max(places, key=places.__getitem__, default=-1)


def _read_csv(text: str, delimiter: str, ids_at: int | None = None) -> Found:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    header: list[str] = []
    line = 1
    try:
        for cells in reader:
            if not header:
                header = [cell.strip() for cell in cells if not cells[0].startswith("#")]
                if header and ids_at is not None:
                    header[ids_at] = "artist_id"
            elif len(cells) > len(header) and any(cell.strip() for cell in cells[len(header) :]):
                yield Reject(line, f"{len(cells)} cells where {len(header)} belong")
            elif any(cell.strip() for cell in cells):
                yield Entry(line, dict(zip(header, cells, strict=False)))
            line = reader.line_num + 1
    except csv.Error as error:
        yield Reject(line, f"not CSV from here on ({error})")


def _read_ids(text: str) -> Found:
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() and not line.lstrip().startswith("#"):
            yield Entry(number, _listed(line))


def _listed(line: str) -> dict[str, str]:
    """An id or a link, and the name that stands beside it; a number or a day beside it is none, and means nothing."""
    for delimiter in _DELIMITERS:
        cells = [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter), [])]
        found = [cell for cell in cells if artist_id(cell)[0]]
        if len(cells) == 2 and len(found) == 1:
            name = cells[1 - cells.index(found[0])]
            if any(letter.isalpha() for letter in name):
                return {"id": found[0], "name": name}
    return {"id": line.strip()}


# ---- SQLite


def _read_sqlite(path: Path, name: str) -> list[Reading]:
    """A reading per table that has artist ids of its own, or numbers of rows in one that has."""
    try:
        with closing(_connected(path)) as connection:
            names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            samples = {table: list(_rows(connection, table, SAMPLE)) for table in names}
            owners = {table for table, rows in samples.items() if any(map(_has_id, rows))}
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
    return [Reading(f"{name}, table {each}", "SQLite", _read_table(path, each, ids)) for each, ids in wanted.items()]


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


def _read_table(path: Path, table: str, numbered: Mapping[int, str]) -> Found:
    line = 0
    try:
        with closing(_connected(path)) as connection:
            for line, row in enumerate(_rows(connection, table), 1):
                number = _number(row) if numbered else None
                named = {"artist_uri": numbered[number]} if number is not None and number in numbered else {}
                yield Entry(line, {**row, **named})
    except sqlite3.Error as error:
        yield Reject(line + 1, f"the rest of the table cannot be read ({error})")
