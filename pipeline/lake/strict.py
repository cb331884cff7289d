"""The reader for much data: DuckDB's JSON reader, told every column and type; then a look for what it took too easily.

Many files are read as one, each row with the place of its file. Imports `engine`, `files`, `shapes` and `selects`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from uuid import uuid4

import duckdb
import pyarrow as pa
import zstandard

from pipeline.lake import engine
from pipeline.lake.files import explained, write_hidden
from pipeline.lake.selects import needed, select, sorted_select
from pipeline.lake.shapes import ANSWER_ROW, ANSWERS, OBJECTS, duckdb_type

__all__ = ["JOINED", "StrictReader"]

BEGINNING = 200  # bytes of a file: the first line says when, and then of which endpoint it is
JOINED = 2**18  # bytes of files read as one: to begin a file takes as long as 300 objects, a large one takes memory
_ENDPOINT = re.compile(rb'"endpoint"\s*:\s*"([a-z_]+)"')


class StrictReader:
    """A DuckDB connection that takes files in which every line is as declared; for one thread at a time."""

    def __init__(self) -> None:
        self.losses, self._con = engine.losses(), engine.cursor()
        self._con.execute(select("setup"))
        self._selects: dict[str, duckdb.DuckDBPyRelation] = {}
        self._end = uuid4().hex  # the endpoint of a line behind each file: nothing in a file can pass for it

    def close(self) -> None:
        """Let go of the connection."""
        self._selects.clear()
        self._con.close()

    def read(self, paths: Sequence[Path], *, apart: bool = False) -> list[dict[str, pa.Table]] | None:
        """Lake tables without empty ones, of the files together or of each; None when a line is not as declared."""
        likely = _likely(paths)
        try:
            if not apart:
                return self._read(paths, likely, 0)
            with _joined(paths, self._end) as joined:
                return self._read(joined, likely, len(paths))
        finally:
            self._con.execute("DROP TABLE IF EXISTS answers")

    def _read(self, paths: Sequence[Path], likely: set[str], ends: int) -> list[dict[str, pa.Table]] | None:
        overview = self._overview(paths, likely)
        if overview is None or overview.pop(self._end, (0, 0))[0] != ends:  # a file that is cut may swallow its end
            return None
        if any(doubtful for doubtful, _ in overview.values()):
            return None
        kinds, lake = needed(overview)
        found = sum(map(self._objects, kinds))
        if found != sum(objects for _, objects in overview.values()):
            return None
        return self._tables(lake, ends or 1)

    def _overview(self, paths: Sequence[Path], found: set[str]) -> dict[str, tuple[int, int]] | None:
        """Have the table `answers`; doubts and objects of each endpoint in it. None: it cannot be had."""
        declared, overview = set[str](), dict[str, tuple[int, int]]()
        while not found <= declared:
            if not found <= set(OBJECTS):
                return None
            declared |= found
            text, columns = _answers(frozenset(declared))
            try:
                self._con.execute(text, {"paths": [str(path) for path in paths], "columns": columns, "end": self._end})
            except (duckdb.Error, UnicodeDecodeError):  # it cuts what it quotes to so many bytes, letters too
                return None
            overview = {row[0]: row[1:] for row in self._con.execute(select("overview")).fetchall()}
            found = set(overview) - {self._end}
        return overview

    def _objects(self, kind: str) -> float:
        """Have the objects of a kind: how many were to be found; not a number where a value is not as declared.

        Where none of a day is of the same id as another they are the rows of days as they are, which is most often so.
        """
        objects, days = select(f"{kind}_objects"), select(f"{kind}_days")
        self._con.execute(f"CREATE OR REPLACE TEMP TABLE {kind}_objects AS {objects}")
        sound, doubtful, repeated = self._con.execute(select(f"{kind}_doubts")).fetchall()[0]
        if not repeated:
            days = f"FROM {kind}_objects"
        self._con.execute(f"CREATE OR REPLACE TEMP VIEW {kind}_days AS {days}")
        return math.nan if doubtful else int(sound)

    def _tables(self, names: Sequence[str], files: int) -> list[dict[str, pa.Table]]:
        found: list[dict[str, pa.Table]] = [{} for _ in range(files)]
        for name in names:
            for file, rows in _apart(self._relation(name).to_arrow_table()):
                found[file][name] = rows
        return found

    def _relation(self, name: str) -> duckdb.DuckDBPyRelation:
        if name not in self._selects:  # a relation is bound once and run again on every read
            self._selects[name] = self._con.sql(sorted_select(name))
        return self._selects[name]


@cache
def _answers(endpoints: frozenset[str]) -> tuple[str, dict[str, str]]:
    """The statement that reads answers of these endpoints, and the columns of a line.

    Of others nothing is declared: a hundred nested fields that are empty cost as much as those that are read.
    """
    kinds = [f"{kind}s" for kind in needed(endpoints)[0]]
    paths = {name: (kind, (name, *steps)) for name, (kind, steps) in OBJECTS.items() if name in endpoints}
    pages = [".".join(steps[:-1]) for _, steps in paths.values() if steps[-1] == "items"]
    text = select("answers").format(
        counts=", ".join(f"len({kind})" for kind in kinds),
        objects=", ".join(f"{_objects(kind, paths)} AS {kind}" for kind in kinds),
        total=", ".join([f"{page}.total" for page in pages] or ["NULL::INTEGER"]),
        next=", ".join([f"{page}.next" for page in pages] or ["NULL::VARCHAR"]),
    )
    return text, {
        name: duckdb_type(shape) for name, shape in ANSWERS.items() if name in endpoints or name not in OBJECTS
    }


def _objects(kind: str, paths: Mapping[str, tuple[str, tuple[str, ...]]]) -> str:
    """Where the objects of a kind are, as SQL: the answer itself, or a list in it."""
    cases = [
        f"WHEN '{name}' THEN {'.'.join(steps) if len(steps) > 1 else f'[{name}]'}"
        for name, (found, steps) in paths.items()
        if found == kind
    ]
    return f"CASE endpoint {' '.join(cases)} END" if cases else f"NULL::{duckdb_type(ANSWER_ROW[kind])}"


@contextmanager
def _joined(paths: Sequence[Path], end: str) -> Iterator[list[Path]]:
    """Few files of all their frames, each with an end behind it; they lie beside the first as long as they are read."""
    line = zstandard.ZstdCompressor().compress(f'\n{{"endpoint":"{end}"}}\n'.encode())
    joined, frames = list[Path](), list[bytes]()
    try:
        for place, path in enumerate(paths, 1):
            with explained(path):
                frames += [path.read_bytes(), line]
            if place == len(paths) or sum(map(len, frames)) > JOINED:
                joined.append(write_hidden(paths[0].with_name(f"{uuid4().hex}.jsonl.zst"), b"".join(frames)))
                frames.clear()
        yield joined
    finally:
        for path in joined:
            path.unlink(missing_ok=True)


def _likely(paths: Sequence[Path]) -> set[str]:
    """The endpoints that the files begin with: most often those of all their lines."""
    found: set[str] = set()
    for path in paths:
        with path.open("rb") as packed, suppress(zstandard.ZstdError):
            begun = _ENDPOINT.search(zstandard.ZstdDecompressor().stream_reader(packed).read(BEGINNING))
            found |= {begun.group(1).decode("ascii")} if begun else set()
    return found & set(OBJECTS) or set(OBJECTS)


def _apart(table: pa.Table) -> Iterator[tuple[int, pa.Table]]:
    """The rows of each file, which stand together, without its place."""
    start, rows = 0, table.drop_columns(["file"])
    for counted in table.column("file").value_counts().to_pylist():
        yield counted["values"], rows.slice(start, counted["counts"])
        start += counted["counts"]
