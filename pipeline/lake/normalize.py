"""Raw answers → typed rows: one read of the file, then one SQL file per lake table; the same SQL live and in replay.

Two readers bring lines to the same table `answers`. DuckDB's, told what to expect, reads 10 times as fast and suits
much data; walking line by line starts 5 times sooner, suits a batch, and takes over wherever DuckDB fails or takes what
is not as declared: it keeps what fits and counts what it drops. Imports `engine`, `walk`, `shapes` and `schema`.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from importlib.resources import files
from itertools import islice
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.json as pa_json
import zstandard

from pipeline.lake import engine
from pipeline.lake.shapes import ANSWER_ROW, ANSWERS, OBJECTS, arrow_type, duckdb_type
from pipeline.lake.walk import walk
from pipeline.schema import LAKE

__all__ = ["Normalized", "Normalizer"]

SMALL = 2**17  # compressed bytes, some 1,500 artists: up to here walking is quicker (docs/decisions/0020)
MAX_REJECTS = 1000  # per call: enough to see what is wrong, little enough to store
EPOCH = date(1970, 1, 1)
CHUNK = 100  # lines that are Python objects at a time

_SEARCH, _ARTISTS, _ALBUMS = {"search"}, {"search", "artist", "artists"}, {"artist_albums", "album", "albums"}
_TRACKS = {"album", "albums", "album_tracks"}
# Which answers a table is read from, so that a batch runs the SQL of its own kind alone.
SOURCES: dict[str, set[str]] = {
    "artists": _ARTISTS,
    "artist_snapshots": _ARTISTS,
    "artist_genres": _ARTISTS,
    "releases": _ALBUMS,
    "release_artists": _ALBUMS,
    "tracks": _TRACKS,
    "track_artists": _TRACKS,
    "search_pages": _SEARCH,
    "release_pages": {"artist_albums"},
    "album_pages": _TRACKS,
}
# The tables of objects between answers and lake tables; tracks come out of albums too, hence the order.
_OBJECT_TABLES = {"artist_objects": _ARTISTS, "album_objects": _ALBUMS | _TRACKS, "track_objects": _TRACKS}


@dataclass(frozen=True)
class Normalized:
    """What raw files gave: lake tables without empty ones, and what was dropped (line from 1, reason)."""

    tables: dict[str, pa.Table] = field(default_factory=dict)
    rejects: tuple[tuple[int, str], ...] = ()

    @property
    def rows(self) -> int:
        """Rows of all tables together."""
        return sum(table.num_rows for table in self.tables.values())


class Normalizer:
    """A DuckDB connection that turns raw files into lake tables; for one thread at a time."""

    def __init__(self, small: int = SMALL) -> None:
        self._small = small
        self._con = engine.cursor()
        self._con.execute(_sql("setup"))
        self._selects: dict[str, duckdb.DuckDBPyRelation] = {}

    def close(self) -> None:
        """Let go of the connection."""
        self._selects.clear()
        self._con.close()

    def tables(self, paths: Sequence[Path]) -> Normalized:
        """The lake tables of these files, sorted by their keys, unique by key and day.

        Content of any kind raises nothing: what does not fit is among the rejects.
        """
        if sum(path.stat().st_size for path in paths) > self._small:
            found = self._read_strictly(paths)
            if found is not None:
                return found[0]
        try:
            return self._read_walking(paths)
        except (duckdb.IOException, duckdb.OutOfMemoryException):
            raise
        except (duckdb.Error, pa.ArrowInvalid) as error:  # what we paid for is kept raw, for the day this is mended
            return Normalized(rejects=((0, f"the answers could not be normalized ({str(error).splitlines()[0]})"),))

    def each(self, paths: Sequence[Path]) -> list[Normalized]:
        """What each of these files gives by itself, as `tables` says; read together, which is much quicker."""
        if len(paths) > 1 and sum(path.stat().st_size for path in paths) > self._small:
            found = self._read_strictly(paths, apart=True)
            if found is not None:
                return found
        return [self.tables([path]) for path in paths]

    def _read_walking(self, paths: Iterable[Path]) -> Normalized:
        rejects: list[tuple[int, str]] = []
        endpoints: set[str] = set()
        rows = _walked(paths, rejects, endpoints)
        chunks = [_arrow(chunk) for chunk in iter(lambda: list(islice(rows, CHUNK)), [])]
        if not chunks:
            return Normalized(rejects=_shortened(rejects))
        self._con.register("answers", pa.concat_tables(chunks))
        try:
            self._make_objects(endpoints)
            return Normalized(self._select(endpoints)[0], _shortened(rejects))
        finally:
            self._con.unregister("answers")

    def _read_strictly(self, paths: Sequence[Path], *, apart: bool = False) -> list[Normalized] | None:
        """What the files give, together or each by itself; None when a line is not as declared."""
        columns = {name: duckdb_type(shape) for name, shape in ANSWERS.items()}
        try:
            self._con.execute(
                _sql("answers"), {"paths": [str(path) for path in paths], "columns": columns, "apart": apart}
            )
        except duckdb.Error:
            return None
        try:
            overview = self._con.execute(_sql("overview")).fetchall()
            endpoints = {row[0] for row in overview}
            if endpoints - set(OBJECTS) or any(row[1] for row in overview):
                return None
            made = self._make_objects(endpoints)
            doubts = [self._con.execute(_sql(f"{table}_doubts")).fetchall()[0] for table in made]
            expected = sum(row[2] for row in overview)
            if any(row[1] for row in doubts) or sum(row[0] for row in doubts) != expected:
                return None
            return [Normalized(tables) for tables in self._select(endpoints, len(paths) if apart else 1)]
        finally:
            self._con.execute("DROP TABLE answers")

    def _make_objects(self, endpoints: set[str]) -> list[str]:
        made = [name for name, sources in _OBJECT_TABLES.items() if not endpoints.isdisjoint(sources)]
        for name in made:
            self._con.execute(_sql(name))
        return made

    def _select(self, endpoints: set[str], files: int = 1) -> list[dict[str, pa.Table]]:
        """Lake tables without empty ones, of each file."""
        wanted = [name for name, sources in SOURCES.items() if not endpoints.isdisjoint(sources)]
        found: list[dict[str, pa.Table]] = [{} for _ in range(files)]
        for name in wanted:
            for file, rows in _apart(self._relation(name).to_arrow_table()):
                found[file][name] = rows
        return found

    def _relation(self, name: str) -> duckdb.DuckDBPyRelation:
        if (
            name not in self._selects
        ):  # a relation is bound once and run again on every read: half the time of a new one
            self._selects[name] = self._con.sql(_typed(name))
        return self._selects[name]


def _apart(table: pa.Table) -> Iterator[tuple[int, pa.Table]]:
    """The rows of each file, which stand together, without its place."""
    start, rows = 0, table.drop_columns(["file"])
    for counted in table.column("file").value_counts().to_pylist():
        yield counted["values"], rows.slice(start, counted["counts"])
        start += counted["counts"]


@cache
def _sql(name: str) -> str:
    return files("pipeline").joinpath("sql", "normalize", f"{name}.sql").read_text(encoding="utf-8")


@cache
def _typed(name: str) -> str:
    """A table's SELECT with place of file, columns and types of the schema, sorted by file and key."""
    listed = ", ".join(f'"{column.name}"::{column.type} AS "{column.name}"' for column in LAKE[name].columns)
    return f"SELECT file, {listed} FROM ({_sql(name)}) ORDER BY {', '.join(('file', *LAKE[name].key))}"


def _walked(paths: Iterable[Path], rejects: list[tuple[int, str]], endpoints: set[str]) -> Iterator[dict[str, Any]]:
    """Rows of `answers`, one after the other; what was dropped and which endpoints were seen goes to the other two."""
    order = 0
    for path in paths:
        for number, text in _lines(path, rejects):
            row, reasons = _parsed(text)
            rejects += [(number, reason) for reason in reasons]
            if row is not None:
                endpoints.add(row["endpoint"])
                order += 1
                yield {"file": 0, "line": order, **row}


def _lines(path: Path, rejects: list[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    number = 0
    try:
        with path.open("rb") as packed:
            reader = zstandard.ZstdDecompressor().stream_reader(packed, read_across_frames=True)
            lines = io.TextIOWrapper(reader, encoding="utf-8", errors="replace", newline="\n")
            for number, text in enumerate(lines, 1):
                yield number, text
    except zstandard.ZstdError as error:
        rejects.append((number + 1, f"the rest of the file cannot be unpacked ({error})"))


def _parsed(text: str) -> tuple[dict[str, Any] | None, list[str]]:
    if not text.strip():
        return None, []
    try:
        return walk(json.loads(text))
    except (ValueError, RecursionError):  # ValueError: no JSON, or an integer of more than 4,300 digits
        return None, ["the line is not JSON"]


def _arrow(rows: list[dict[str, Any]]) -> pa.Table:
    """Rows of `answers` as Arrow; by way of JSON, since for Python objects pyarrow would import all of pandas."""
    content = "\n".join(_to_json(row) for row in rows).encode("utf-8")
    reading = pa_json.ReadOptions(use_threads=False, block_size=len(content) + 1)
    table = pa_json.read_json(io.BytesIO(content), reading, pa_json.ParseOptions(explicit_schema=_row_schema()))
    return table.select(_row_schema().names)


_to_json = json.JSONEncoder(ensure_ascii=False, default=lambda day: (day - EPOCH).days, separators=(",", ":")).encode


@cache
def _row_schema() -> pa.Schema:
    return pa.schema([(name, arrow_type(shape)) for name, shape in ANSWER_ROW.items()])


def _shortened(rejects: list[tuple[int, str]]) -> tuple[tuple[int, str], ...]:
    if len(rejects) <= MAX_REJECTS:
        return tuple(rejects)
    return (*rejects[: MAX_REJECTS - 1], (0, f"and {len(rejects) - MAX_REJECTS + 1} more"))
