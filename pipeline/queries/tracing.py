"""Where a value comes from: from a row of a day back to its part, batch, run, raw file and line.

Reads the ledger, the Parquet parts it names and the raw files beside them; changes nothing. Imports `engine`, `ledger`,
`schema`, `shapes`, `workspace`, `truth`, `volumes`.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import duckdb
import zstandard

from pipeline.errors import DamagedFile, SettingsError
from pipeline.lake import engine
from pipeline.lake.shapes import OBJECTS
from pipeline.lake.truth import fetch_truth
from pipeline.lake.volumes import is_volume
from pipeline.records.database import Row
from pipeline.records.ledger import Ledger
from pipeline.schema import LAKE
from pipeline.workspace import Workspace

__all__ = ["SUBJECTS", "Line", "Origin", "trace_rows"]

# What the object is called in an answer whose id stands in this column.
SUBJECTS = {"artist_id": "artists", "album_id": "albums", "track_id": "tracks"}
TRACED = tuple(name for name, table in LAKE.items() if table.key[0] in SUBJECTS and not name.endswith("_pages"))
LONGEST_BATCH = timedelta(days=1)  # a part stands under the day of its first answer; midnight may pass after it


@dataclass(frozen=True)
class Line:
    """A line of a raw file (from 1), and of its answer the object that the row was made of, as received."""

    number: int
    fetched_at: str
    endpoint: str
    request: dict[str, Any]
    object: dict[str, Any]


@dataclass(frozen=True)
class Origin:
    """One row of one part, and where it came from.

    `gave`: columns in which this row decides what is published for the day. `lines` is empty, and `note` says why, when
    the raw file is not kept any more or is not what was committed.
    """

    table: str
    row: dict[str, Any]
    gave: tuple[str, ...]
    run_id: str
    trigger: str
    batch_id: str
    attempt: int
    task: str
    item: str
    part: str
    part_sha256: str
    schema_version: int
    raw_file: str
    lines: tuple[Line, ...]
    note: str = ""


def trace_rows(
    workspace: Workspace, ledger: Ledger, table: str, key: Mapping[str, str], on: date | None = None
) -> tuple[Origin, ...]:
    """The origins of the lake rows that have these values, on a day or (slower) on any, in the order of commits.

    Raises SettingsError for a table or column there is none of, DamagedFile naming a part that cannot be read.
    """
    if table not in TRACED or not key or not set(key) <= set(LAKE[table].column_names()):
        raise SettingsError(
            f"Table {table} cannot be traced by {', '.join(key) or 'nothing'}. Tables: {', '.join(TRACED)}. "
            "Nothing was started."
        )
    parts = _parts(ledger, table, on)
    try:
        rows = sorted(_rows(workspace, parts, table, key, on), key=lambda pair: pair[0]["seq"])
    except DamagedFile:
        if _parts(ledger, table, on) == parts:
            raise
        return trace_rows(workspace, ledger, table, key, on)  # they lie elsewhere by now
    found = [_origin(ledger, part, table, row) for part, row in rows]
    return tuple(_with_lines(workspace, ledger, origin) for origin in _with_gifts(table, found))


def _parts(ledger: Ledger, table: str, on: date | None) -> list[Row]:
    query = "SELECT * FROM parts WHERE table_name = ?"
    if on is None:
        return ledger.read(query, (table,))
    days = ((on - LONGEST_BATCH).isoformat(), on.isoformat())
    return ledger.read(f"{query} AND day BETWEEN ? AND ?", (table, *days))


def _rows(
    workspace: Workspace, parts: Sequence[Row], table: str, key: Mapping[str, str], on: date | None
) -> Iterator[tuple[Row, dict[str, Any]]]:
    """Matching rows with their part; columns that an older part does not have are None."""
    if not parts:
        return
    asked = {**key, **({"observed_on": on} if on else {})}
    where = " AND ".join(f'"{name}" = ?' for name in asked)
    fetch_truth(workspace, ((part["path"], part["sha256"]) for part in parts))
    # Of a volume each row says whose it is; the only part of a file need not be said.
    lies = {(str(workspace.root / p["path"]), p["seq"] if is_volume(p["path"]) else None): p for p in parts}
    query = (
        f"SELECT * FROM read_parquet(?, union_by_name = true, hive_partitioning = false, filename = true) WHERE {where}"
    )
    with engine.cursor() as cursor:
        try:
            cursor.execute(query, [list(dict.fromkeys(path for path, _ in lies)), *asked.values()])
            names = [column[0] for column in cursor.description or ()]
            rows = [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]
        except (duckdb.Error, OSError) as error:
            raise DamagedFile(
                f"A part of {table} cannot be read ({engine.first_line(error)}). Run `python -m pipeline recover`; "
                "nothing was changed."
            ) from None
    for row in rows:
        if part := lies.get((row["filename"], row.get("seq"))):
            yield part, {name: row.get(name) for name in LAKE[table].column_names()}


def _origin(ledger: Ledger, part: Mapping[str, Any], table: str, row: dict[str, Any]) -> Origin:
    batch = (part["run_id"], part["batch_id"])
    runs = ledger.read("SELECT trigger FROM runs WHERE run_id = ?", batch[:1])
    tasks = ledger.read(
        "SELECT * FROM task_runs WHERE run_id = ? AND batch_id = ? ORDER BY rows > 0 DESC, attempt DESC LIMIT 1", batch
    )
    task: Row = tasks[0] if tasks else {"attempt": 0, "task": "", "item": ""}
    raw = ledger.read("SELECT path FROM raw_files WHERE run_id = ? AND batch_id = ?", batch)
    return Origin(
        table=table,
        row=row,
        gave=(),
        run_id=batch[0],
        trigger=runs[0]["trigger"] if runs else "",
        batch_id=batch[1],
        attempt=task["attempt"],
        task=task["task"],
        item=task["item"],
        part=part["path"],
        part_sha256=part["sha256"],
        schema_version=part["schema_version"],
        raw_file=raw[0]["path"] if raw else "",
        lines=(),
        note="" if raw else _why_without_raw(ledger, batch),
    )


def _why_without_raw(ledger: Ledger, batch: tuple[str, str]) -> str:
    query = "SELECT day, reason FROM withdrawals WHERE run_id = ? AND batch_id = ? AND layer = 'raw'"
    found = ledger.read(query, batch)
    if not found:
        return "the raw file is no longer kept"
    day = found[0]["day"]
    return {
        "retention": f"raw removed by retention on {day}",
        "request": f"raw removed on request on {day}",
    }.get(found[0]["reason"], f"raw put aside as damaged on {day}")


def _with_gifts(table: str, origins: Sequence[Origin]) -> list[Origin]:
    """Of rows with the same key the last one that knows a column decides it."""
    key, decided = LAKE[table].key, dict[tuple[Any, ...], int]()
    for place, origin in enumerate(origins):
        for name, value in origin.row.items():
            if value is not None and name not in key:
                decided[(*(origin.row[part] for part in key), name)] = place
    gifts: dict[int, list[str]] = {}
    for (*_, name), place in decided.items():
        gifts.setdefault(place, []).append(str(name))
    return [replace(origin, gave=tuple(gifts.get(place, ()))) for place, origin in enumerate(origins)]


def _with_lines(workspace: Workspace, ledger: Ledger, origin: Origin) -> Origin:
    recorded = ledger.read("SELECT sha256 FROM raw_files WHERE path = ?", (origin.raw_file,))
    if not recorded:
        return origin
    try:
        fetch_truth(workspace, [(origin.raw_file, recorded[0]["sha256"])])
        packed = (workspace.root / origin.raw_file).read_bytes()
    except OSError as error:
        return replace(origin, note=f"the raw file cannot be read ({error.strerror})")
    except DamagedFile:
        return replace(origin, note="the raw file is not what was committed: its hash differs")
    intact = hashlib.sha256(packed).hexdigest() == recorded[0]["sha256"]
    note = "" if intact else "the raw file is not what was committed: its hash differs"
    return replace(origin, lines=tuple(_matching(packed, origin)), note=note)


def _matching(packed: bytes, origin: Origin) -> Iterator[Line]:
    column = LAKE[origin.table].key[0]
    subject = str(origin.row[column])
    for number, text in _lines(packed):
        if subject not in text:
            continue
        try:
            line = json.loads(text)
            for found in _objects(line, SUBJECTS[column]):
                if found.get("id") == subject and _is_source(line, found, origin.row):
                    yield Line(number, line["fetched_at"], line["endpoint"], line["request"], found)
        except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
            continue  # no row was made of a line that is not as declared


def _lines(packed: bytes) -> Iterator[tuple[int, str]]:
    reader = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(packed), read_across_frames=True)
    try:
        yield from enumerate(io.TextIOWrapper(reader, encoding="utf-8", errors="replace", newline="\n"), 1)
    except zstandard.ZstdError:
        return  # the hash has told


def _objects(line: Mapping[str, Any], kind: str) -> Iterator[dict[str, Any]]:
    """Objects of a kind in an answer; tracks stand within albums too."""
    own, steps = OBJECTS[line["endpoint"]]
    found = line[line["endpoint"]]
    for step in steps:
        found = found[step]
    listed = [each for each in (found if steps else [found]) if isinstance(each, dict)]
    if own == kind:
        yield from listed
    elif (own, kind) == ("albums", "tracks"):
        for album in listed:
            yield from (track for track in (album.get("tracks") or {}).get("items") or [] if isinstance(track, dict))


def _is_source(line: Mapping[str, Any], found: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    """Whether the row, of its day and genre, can have been made of this object."""
    if line["fetched_at"][:10] != str(row["observed_on"]):
        return False
    if row.get("provenance") == "search":
        return " ".join(str(line["request"].get("genre")).lower().split()) == " ".join(str(row["genre"]).split())
    if row.get("provenance") == "spotify":
        return row["genre"] in [str(genre).strip().lower() for genre in found.get("genres") or []]
    credited = row.get("artist_id") if "position" in row else None
    return credited is None or credited in [artist.get("id") for artist in found.get("artists") or []]
