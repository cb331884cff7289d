"""Files that other projects leave behind, entry by entry with line numbers: JSON, CSV, sheets, tables, lists of ids.

What a file is, its content decides, not its name. Imports `errors`, `import_parquet`, `import_sheets`, `import_sqlite`,
`import_text`, `import_values`.
"""

from __future__ import annotations

import csv
import io
import json
import re
import stat
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any

from pipeline.errors import DamagedFile, SettingsError
from pipeline.moving.import_parquet import parquet_rows
from pipeline.moving.import_sheets import is_workbook, sheets
from pipeline.moving.import_sqlite import sqlite_tables
from pipeline.moving.import_text import LARGEST_MB, is_packed, whole_text
from pipeline.moving.import_values import artist_id, field_columns, has_id, observation

__all__ = ["LIST", "Entry", "Reading", "Reject", "read_file", "read_list"]

LIST = "list of ids"  # what a file without titles is called
_LINKLESS = "no ids or links of artists in cells of their own; a link behind a name is not seen"
_CONTAINERS = ("artists", "artistas", "items", "itens", "data", "dados", "results", "resultados")
_DELIMITERS = {each: f"CSV with {each!r}" for each in (",", ";", "\t", "|")}  # with what a file of such is called
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
    """What there is to read in a file: one reading, or one per table or sheet; SettingsError when it is nothing known.

    Raises DamagedFile for a database or a workbook that cannot be opened.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe would be waited for, and can be read but once
            raise SettingsError(
                f"{path} is no file but a pipe or a device: write it to a file first. Nothing was imported."
            )
        with path.open("rb") as file:
            head = file.read(4096)
        if head.startswith(b"SQLite format 3\0"):
            tables = sqlite_tables(path).items()
            return [Reading(f"{name}, table {table}", "SQLite", _read_table(rows)) for table, rows in tables]
        if head.startswith(b"PAR1"):
            rows = enumerate(parquet_rows(path), 1)
            return [Reading(name, "Parquet", (Entry(line, row) for line, row in rows))]
        if is_workbook(head):
            return _read_workbook(path, name)
        text = whole_text(path, head)
    except OSError as error:
        raise SettingsError(f"{path} cannot be read ({error.strerror}). Nothing was imported.") from None
    begin = text.lstrip()[:1]
    if not begin:
        raise SettingsError(f"{path} is empty. Nothing was imported.")
    reading = Reading(name, "JSON", _read_json(text)) if begin in "[{" else _read_lines(text, name)
    if reading is None:
        raise SettingsError(
            f"{path} is nothing that can be imported: it begins with {text.lstrip()[:60]!r}, which names no column of "
            "artist ids and is none. Understood are JSON, JSON lines, CSV with titles such as name and link, Parquet, "
            "SQLite, spreadsheets, and lists of ids or links. Nothing was imported."
        )
    return [replace(reading, format=f"{reading.format}, packed") if is_packed(head) else reading]


def read_list(text: str) -> tuple[dict[str, str], list[int]]:
    """Whom a text names by link, URI or id, with the name beside it or none; and lines, from 1, that name nobody."""
    named: dict[str, str] = {}
    nobody = []
    for found in (_read_lines(text, "") or Reading("", "", _read_ids(text))).entries:
        known = observation(found.values, date.max) if isinstance(found, Entry) else found.reason
        if isinstance(known, str):
            nobody.append(found.line)
        else:
            named[known.artist_id] = known.name or named.get(known.artist_id, "")
    if not named:  # a line that was taken for titles is one like the others
        nobody = [number for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    return named, nobody


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
    elif has_id(value) or not (inner := _inner_lists(value)) or depth >= 8:
        yield Entry(line, {**outer, **value})
    else:
        dates = {name: value[name] for name in field_columns(tuple(value)).get("day", ()) if _is_plain(value[name])}
        for name, each in inner:
            named = {"id": name} if artist_id(name)[0] else {}
            yield from _artists_in({**each, **named} if named else each, line, {**outer, **dates}, depth + 1)


def _inner_lists(value: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """What holds artists: lists and pages under a usual name, objects under their id, or lists under anything."""
    usual = [(name, each) for name, each in value.items() if name.lower() in _CONTAINERS and not _is_plain(each)]
    by_id = [(name, each) for name, each in value.items() if artist_id(name)[0] and isinstance(each, dict)]
    lists = [(name, each) for name, each in value.items() if isinstance(each, list) and each and not _is_plain(each[0])]
    return usual or by_id or lists


def _is_plain(value: Any) -> bool:
    return not isinstance(value, (dict, list))


# ---- CSV, lists and sheets


def _read_lines(text: str, name: str, delimiters: Mapping[str, str] = _DELIMITERS) -> Reading | None:
    """Rows below titles, or a list of ids; None where it is neither."""
    numbered = list(enumerate(islice(io.StringIO(text, newline=""), SAMPLE), 1))
    lines = [(number, line.rstrip("\r\n")) for number, line in numbered if line.strip() and not line.startswith("#")]
    for delimiter, kind in delimiters.items():
        at, columns = _titles(lines, delimiter)
        if "artist_id" in field_columns(columns):
            return Reading(name, kind, _read_csv(text, delimiter, at))
        below = [line for number, line in lines if number > at]
        if field_columns(columns) and 0 <= (place := _place_of_ids(below, delimiter)) < len(columns):
            return Reading(name, f"{kind}, ids in {columns[place]!r}", _read_csv(text, delimiter, at, place))
    if "\0" not in text[:SAMPLE] and any(artist_id(_listed(line)["id"])[0] for _, line in lines):
        return Reading(name, LIST, _read_ids(text))
    return None


def _titles(lines: Sequence[tuple[int, str]], delimiter: str) -> tuple[int, tuple[str, ...]]:
    """The line, and its cells, that names most of our fields, of those above the first id; a headline may be there."""
    best: tuple[int, tuple[str, ...]] = (0, ())
    for number, line in lines:
        cells = next(csv.reader([line], delimiter=delimiter, strict=False), [])
        if any(artist_id(cell)[0] for cell in cells):
            break
        if len(field_columns(tuple(cells))) > len(field_columns(best[1])):
            best = number, tuple(cells)
    return best


def _place_of_ids(lines: Sequence[str], delimiter: str) -> int:
    """Where most lines below the titles have an artist's id or link, whatever that column's title; -1: nowhere."""
    rows = csv.reader(lines, delimiter=delimiter)
    places = Counter(place for cells in rows for place, cell in enumerate(cells) if artist_id(cell)[0])
    return max(places, key=places.__getitem__, default=-1)


def _read_csv(text: str, delimiter: str, titles_at: int, ids_at: int | None = None) -> Found:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    header: list[str] = []
    line = 1
    try:
        for cells in reader:
            if not header:
                header = [cell.strip() for cell in cells if reader.line_num >= titles_at]
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
    """An id or a link, and the name that stands beside it first; nothing where a number or a day does, to be told."""
    for delimiter in _DELIMITERS:
        cells = [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter), []) if cell.strip()]
        found = [cell for cell in cells if artist_id(cell)[0]]
        beside = [cell for cell in cells if cell not in found]
        if len(found) == 1 and beside and all(any(letter.isalpha() for letter in cell) for cell in beside):
            return {"id": found[0], "name": beside[0]}
    return {"id": line.strip()}


def _read_workbook(path: Path, name: str) -> list[Reading]:
    """A reading per sheet that has something; a sheet is CSV, written by whoever made it for the eye."""
    called = {**_DELIMITERS, ",": "sheet"}
    written = {f"{name}, sheet {sheet}": text for sheet, text in sheets(path) if text.strip(', \r\n"')}
    read = {place: _read_lines(text, place, called) for place, text in written.items()}
    if not any(read.values()):
        raise SettingsError(
            f"{path} has no sheet with ids or links of artists in cells of their own; a link behind a name is not "
            "seen. Nothing was imported."
        )
    return [each or Reading(place, "sheet", iter([Reject(0, _LINKLESS)])) for place, each in read.items()]


# ---- SQLite


def _read_table(rows: Iterator[Mapping[str, Any]]) -> Found:
    line = 0
    try:
        for line, row in enumerate(rows, 1):
            yield Entry(line, row)
    except DamagedFile as error:
        yield Reject(line + 1, str(error))
