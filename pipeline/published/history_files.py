"""History files: a month of snapshots as one Parquet file, sorted by artist and day, whose name says what it holds.

`<inputs>-<content>.parquet`: the digest of the parts it was made of, and of the file itself. So a file tells whether it
is up to date and whole, and is found again when the database is lost; the parts stay the truth (docs/decisions/0022).
Imports `engine`, `files`, `parquet`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from pipeline.lake import engine
from pipeline.lake.files import explained, hidden, make_folder, place_files, sha256_of
from pipeline.lake.parquet import HISTORY_OPTIONS

__all__ = [
    "FOLDER",
    "HistoryFile",
    "find_file",
    "history_files",
    "inputs_digest",
    "is_whole",
    "view_statement",
    "write_file",
]

FOLDER = "lake/artist_snapshots_history"
_COLUMNS = "artist_id, observed_on, followers, popularity"
_DIGITS = 16


@dataclass(frozen=True)
class HistoryFile:
    """A row of state_history; `path` is relative to the workspace."""

    month: str
    path: str
    rows: int
    bytes: int
    inputs: str
    first_on: date
    last_on: date
    is_overlaid: bool = False


def inputs_digest(parts: Iterable[tuple[int, str]]) -> str:
    """What stands for these parts, given by place in the order of commits and hash, in a file's name."""
    text = "".join(f"{seq} {sha256}\n" for seq, sha256 in parts)
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]


def find_file(con: duckdb.DuckDBPyConnection, root: Path, month: str, inputs: str) -> HistoryFile | None:
    """The file of a month that was made of just these parts and is whole; None where there is none."""
    for path in sorted((root / FOLDER / f"month={month}").glob(f"{inputs}-*.parquet")):
        if is_whole(path):
            return _described(con, root, path, month, inputs)
    return None


def write_file(con: duckdb.DuckDBPyConnection, root: Path, month: str, inputs: str, select: str) -> HistoryFile:
    """Keep a month's rows, one per artist and day, as a file; durable when this returns, else not there."""
    folder = root / FOLDER / f"month={month}"
    aside = hidden(folder / f"{inputs}.parquet")
    with explained(aside):
        make_folder(folder)
        try:
            ordered = f"SELECT {_COLUMNS} FROM ({select}) ORDER BY artist_id, observed_on"
            con.execute(f"COPY ({ordered}) TO '{engine.quoted(aside)}' ({HISTORY_OPTIONS})")
            path = folder / f"{inputs}-{_content(aside)}.parquet"
            aside.replace(hidden(path))
        finally:
            aside.unlink(missing_ok=True)
    place_files([path])
    return _described(con, root, path, month, inputs)


def view_statement(
    root: Path,
    listed: Sequence[HistoryFile],
    *,
    until: date | None = None,
    kind: str = "VIEW",
    name: str = "artist_snapshots",
) -> str:
    """The SQL that makes a view of state_snapshots and files; of two rows for a key the former counts.

    `until`: of files only rows up to that day.
    """
    bound = "true" if until is None else f"observed_on <= DATE '{until}'"
    selects = [f"SELECT {_COLUMNS} FROM state_snapshots"]
    for overlaid in (False, True):
        some = [file for file in listed if file.is_overlaid == overlaid]
        if not some:
            continue
        files = engine.parquet((root / file.path).as_posix() for file in some)
        rows = f"SELECT {_COLUMNS} FROM {files} WHERE {bound}"
        selects.append(f"FROM ({rows}) {_overlay(some)}" if overlaid else rows)
    return f"CREATE OR REPLACE {kind} {name} AS {' UNION ALL '.join(f'({each})' for each in selects)}"


def history_files(root: Path) -> list[Path]:
    """All history files there are, and hidden ones that killed writers left."""
    return list((root / FOLDER).glob("month=*/*.parquet"))


def is_whole(path: Path) -> bool:
    """Whether a history file holds what its name says."""
    return path.stem.rpartition("-")[2] == _content(path)


def _overlay(files: Sequence[HistoryFile]) -> str:
    days = " OR ".join(f"observed_on BETWEEN DATE '{file.first_on}' AND DATE '{file.last_on}'" for file in files)
    rows = f"SELECT artist_id, observed_on FROM state_snapshots WHERE {days}"
    return f"ANTI JOIN ({rows}) USING (artist_id, observed_on)"


def _described(con: duckdb.DuckDBPyConnection, root: Path, path: Path, month: str, inputs: str) -> HistoryFile:
    counted = "SELECT count(*), min(observed_on), max(observed_on) FROM read_parquet(?, hive_partitioning = false)"
    rows, first_on, last_on = con.execute(counted, [str(path)]).fetchall()[0]
    place = path.relative_to(root).as_posix()
    return HistoryFile(month, place, rows, path.stat().st_size, inputs, first_on, last_on)


def _content(path: Path) -> str:
    return sha256_of(path)[:_DIGITS]
