"""What an import finds: every entry read, dated, put together by artist and day, compared with what is known.

Works in temporary tables of a connection that sees all committed rows; `sql/import/` says how. Changes nothing. Imports
`import_files`, `import_parquet`, `import_values`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from itertools import count
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from pipeline.errors import GarimpoError, SettingsError
from pipeline.moving.import_files import LIST, Entry, Reading, Reject, read_file
from pipeline.moving.import_parquet import BUNDLED
from pipeline.moving.import_values import Observation, day_in_name, field_columns, observation

__all__ = ["FileReport", "Findings", "ImportReport", "printable"]

MOST_REJECTS = 1000  # told one by one
ROWS = 10_000  # observations that are Python objects at a time
Told = tuple[str, int, str]


@dataclass(frozen=True)
class FileReport:
    """What was understood of a file: what its columns mean to us, those left out, and where its dates come from."""

    name: str
    format: str
    columns: dict[str, str]
    ignored: tuple[str, ...]
    dates: str
    entries: int
    rejected: int


@dataclass(frozen=True)
class ImportReport:
    """What an import found and added, or would add; without `run_id` and rows where nothing is kept, as in a dry run.

    `observations`: artists × days that are new or better known; `to_refresh`: artists known by id alone, which the next
    runs ask about. `to_follow`: artists named without history, or by a list, that come onto the list of those followed;
    `followed`: those on it already. `rejects`: file, line (from 1), reason; the first thousand of `rejected`.
    `dropped`: how many of them are single values of entries that were taken without them.
    """

    run_id: str
    files: tuple[FileReport, ...]
    rejects: tuple[Told, ...]
    rejected: int
    entries: int
    repeated: int
    known: int
    observations: int
    new_artists: int
    to_refresh: int
    first_day: date | None
    last_day: date | None
    to_follow: int = 0
    followed: int = 0
    rows: int = 0
    dropped: int = 0

    @property
    def is_all_rejected(self) -> bool:
        """Whether entries were rejected and none was taken, or known already."""
        return bool(self.rejected) and not (self.observations or self.to_refresh or self.known or self.repeated)


class Findings:
    """One import under way, on a connection as `live` gives it."""

    def __init__(self, con: duckdb.DuckDBPyConnection, path: Path, today: date, on: date | None) -> None:
        self.con, self.path, self.today, self.on = con, path, today, on
        self.files: list[FileReport] = []
        self.rejects: list[Told] = []
        self.rejected = self.dropped = self.entries = 0
        self._places = count()
        if on is not None and on > today:
            raise SettingsError(f"--on {on.isoformat()} is in the future. Nothing was imported.")

    def load(self) -> None:
        """Read everything, date it, put together what is of one artist and day, compare it with what is known."""
        self.con.execute(_sql("given"))
        not_understood: list[Told] = []
        if all((self.path / name).is_file() for name in ("manifest.json", "schema.json")):
            raise SettingsError(f"{self.path} is a bundle. {BUNDLED}")
        for path, name in _files(self.path):
            try:
                readings = read_file(path, name)
            except GarimpoError as error:
                if path == self.path:
                    raise
                not_understood.append((name, 0, str(error).removesuffix(" Nothing was imported.")))  # others may be
                continue
            for reading in readings:
                self._read(reading, self.on or _day_of(self.path, path))
        self._reject(not_understood)
        if not (self.files or self.rejects):
            raise SettingsError(f"There is nothing in {self.path} that can be imported; nothing was changed.")
        adrift = "its numbers carry no date, nor does the file's name: say one with --on"
        self.dropped += self._reject_entries("adrift", adrift)
        self.con.execute(_sql("date"))
        self._reject_entries("undated", "it carries no date, nor does the file's name: say one with --on")
        self.con.execute(_sql("merge"), {"today": self.today})
        self.con.execute(_sql("compare"))

    def _read(self, reading: Reading, fallback: date | None) -> None:
        seen: dict[str, None] = {}
        rows: list[dict[str, Any]] = []
        dated = entries = 0
        before = self.rejected
        for found in reading.entries:
            if isinstance(found, Reject):
                self._reject([(reading.name, found.line, found.reason)])
                continue
            entries += 1
            seen |= dict.fromkeys(found.values)
            known = observation(found.values, self.today)
            if isinstance(known, str):
                self._reject([(reading.name, found.line, known)])
                continue
            self._reject([(reading.name, found.line, reason) for reason in known.reasons])
            self.dropped += len(known.reasons)
            dated += known.day is not None
            rows.append({"place": next(self._places), "file": len(self.files), **_row(found, known, fallback)})
            if len(rows) >= ROWS:
                self._keep(rows)
        self._keep(rows)
        self.entries += entries
        columns = {name: field for field, names in field_columns(tuple(seen)).items() for name in names}
        dates = f"column {next(name for name in columns if columns[name] == 'day')}" if dated else ""
        dates += f"{', else ' * bool(dated)}{fallback.isoformat()}" if fallback and dated < entries else ""
        ignored = tuple(name for name in seen if name not in columns)
        self.files.append(
            FileReport(reading.name, reading.format, columns, ignored, dates or "none", entries, self.rejected - before)
        )

    def _keep(self, rows: list[dict[str, Any]]) -> None:
        if rows:
            self.con.register("arrived", pa.Table.from_pylist(rows, schema=_GIVEN))
            self.con.execute("INSERT INTO given BY NAME FROM arrived")
            self.con.unregister("arrived")
            rows.clear()

    def _reject_entries(self, query: str, reason: str) -> int:
        """Tell of entries that a statement finds, the first of them by line; how many they are."""
        found = self.con.execute(_sql(query)).fetchall()
        self._reject([(self.files[file].name, line, reason) for file, line, _ in found])
        count: int = max([each[2] for each in found], default=0)
        self.rejected += count - len(found)
        return count

    def _reject(self, told: list[Told]) -> None:
        self.rejected += len(told)
        self.rejects += told[: max(0, MOST_REJECTS - len(self.rejects))]

    def report(self, run_id: str) -> ImportReport:
        """What would be added."""
        repeated, known, observations, new_artists, to_refresh, first, last = self.con.execute(
            _sql("counts")
        ).fetchall()[0]
        return ImportReport(
            run_id, tuple(self.files), tuple(self.rejects), self.rejected, self.entries, repeated, known, observations,
            new_artists, to_refresh, first, last, dropped=self.dropped,
        )  # fmt: skip

    def named(self) -> dict[str, str]:
        """Artists to follow, known or not, each with the name that stands beside the id, or none.

        Ids that stand without history, and all of a list of ids: a list says the same alone and beside other files.
        """
        lists = [number for number, file in enumerate(self.files) if file.format.startswith(LIST)]
        found = self.con.execute(_sql("named"), {"lists": lists}).fetchall()
        return {str(artist_id): str(name) for artist_id, name in found}

    def batches(self, most: int) -> Iterator[tuple[date, list[dict[str, Any]]]]:
        """What to add, day by day, `most` artists at a time."""
        cursor = self.con.execute(_sql("added"))
        names = [column[0] for column in cursor.description or ()]
        batch: list[dict[str, Any]] = []
        while some := cursor.fetchmany(most):
            for values in some:
                row = dict(zip(names, values, strict=True))
                if batch and (batch[0]["day"] != row["day"] or len(batch) >= most):
                    yield batch[0]["day"], batch
                    batch = []
                batch.append(row)
        if batch:
            yield batch[0]["day"], batch


def printable(name: str | Path) -> str:
    """A file's name as text: bytes of it that are no UTF-8, as older systems wrote accents, are shown as \ufffd."""
    return os.fsencode(name).decode("utf-8", "replace")


def _files(path: Path) -> Iterator[tuple[Path, str]]:
    if not path.exists():
        raise SettingsError(f"{path} is not there. Nothing was imported.")
    if not path.is_dir():
        yield path, printable(path.name)
        return
    for file in sorted(each for each in path.rglob("*") if each.is_file()):
        name = file.relative_to(path)
        if not any(part.startswith(".") for part in name.parts):
            yield file, printable(name.as_posix())


def _day_of(root: Path, path: Path) -> date | None:
    """The day in the file's name, else in that of a folder on the way to it, the nearest first."""
    names = path.relative_to(root).parts if path != root else (path.name,)
    return next((day for day in map(day_in_name, reversed(names)) if day), None)


def _row(entry: Entry, known: Observation, fallback: date | None) -> dict[str, Any]:
    try:
        received = json.dumps(entry.values, default=repr, allow_nan=False)
    except (ValueError, RecursionError):
        received = json.dumps(repr(entry.values))
    return {
        "line": entry.line, "artist_id": known.artist_id, "told": known.told,
        "day": known.day or (fallback if known.told else None), "name": known.name, "followers": known.followers,
        "popularity": known.popularity, "genres": known.genres, "image_url": known.image_url, "received": received,
    }  # fmt: skip


_GIVEN = pa.schema([
    ("place", pa.int64()), ("file", pa.int32()), ("line", pa.int64()), ("artist_id", pa.string()), ("told", pa.bool_()),
    ("day", pa.date32()), ("name", pa.string()), ("followers", pa.int64()), ("popularity", pa.int16()),
    ("genres", pa.list_(pa.string())), ("image_url", pa.string()), ("received", pa.string()),
])  # fmt: skip


@cache
def _sql(name: str) -> str:
    return files("pipeline").joinpath("sql", "import", f"{name}.sql").read_text(encoding="utf-8")
