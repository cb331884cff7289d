"""The reader for a batch: lines walked in Python, then a statement prepared once over whatever answers there are now.

Planning takes several times as long as running over fifty objects. So answers with the same kinds of objects stand
behind one Python object for good, and the SELECT of all their lake tables is planned at its first use. Imports
`engine`, `walk`, `shapes` and `selects`.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator
from datetime import date
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.json as pa_json
import zstandard

from pipeline.lake import engine
from pipeline.lake.selects import KINDS, needed, select, sorted_select
from pipeline.lake.shapes import ANSWER_ROW, arrow_type
from pipeline.lake.walk import walk

__all__ = ["WalkingReader"]

EPOCH = date(1970, 1, 1)
CHUNK = 100  # lines that are Python objects at a time
Kinds = tuple[str, ...]  # of objects, as `needed` names them


class WalkingReader:
    """A DuckDB connection with everything prepared; for one thread at a time."""

    def __init__(self) -> None:
        self._answers, self._prepared = dict[Kinds, _Answers](), set[str]()
        self.losses, self._con = engine.losses(), engine.cursor()

    def close(self) -> None:
        """Let go of the connection."""
        self._con.close()

    def read(self, paths: Iterable[Path]) -> tuple[dict[str, pa.Table], list[tuple[int, str]]]:
        """Lake tables of these files together, without empty ones, and what was dropped (line from 1, reason)."""
        rejects: list[tuple[int, str]] = []
        endpoints: set[str] = set()
        rows = _walked(paths, rejects, endpoints)
        chunks = [_arrow(chunk, _kinds(endpoints)) for chunk in iter(lambda: list(islice(rows, CHUNK)), [])]
        if not chunks:
            return {}, rejects
        kinds = _kinds(endpoints)
        answers = self._answers.setdefault(kinds, _Answers(kinds))
        answers.table = pa.concat_tables(chunks, promote_options="default").select(answers.schema.names)
        try:
            found = self._tables(needed(endpoints)[1], answers)
        finally:
            answers.table = None
        return {name: rows for name, rows in found.items() if rows.num_rows}, rejects

    def _tables(self, names: list[str], answers: _Answers) -> dict[str, pa.Table]:
        """Lake tables of answers, a list of rows each: to begin another statement takes as long as fifty rows."""
        # DuckDB finds answers by name. What reads a view, macro or registered table would be planned anew each time.
        statement = "_".join((*names, "from", *answers.kinds))
        if statement not in self._prepared:
            lists = [f"(SELECT list(found) FROM ({sorted_select(name)}) AS found) AS {name}" for name in names]
            self._con.execute(f"PREPARE {statement} AS WITH {_objects(answers.kinds)} SELECT {', '.join(lists)}")
            self._prepared.add(statement)
        found: pa.Table = self._con.execute(f"EXECUTE {statement}").to_arrow_table()
        rows = {name: found.column(name).combine_chunks().flatten() for name in names}
        return {name: pa.Table.from_struct_array(each).drop_columns(["file"]) for name, each in rows.items()}


class _Answers:
    """The table `answers` as DuckDB reads it: another one for each batch, always of the same columns.

    Of the kinds of objects that the batch has none of there is no column: they would be converted, empty, each time.
    """

    def __init__(self, kinds: Kinds) -> None:
        self.kinds, self.schema = kinds, _row_schema(kinds)
        self.table: pa.Table | None = None

    def __arrow_c_schema__(self) -> object:
        return self.schema.__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        table = self.schema.empty_table() if self.table is None else self.table
        return table.__arrow_c_stream__(requested_schema)


def _kinds(endpoints: set[str]) -> Kinds:
    return tuple(needed(endpoints)[0])


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


def _arrow(rows: list[dict[str, Any]], kinds: Kinds) -> pa.Table:
    """Rows of `answers` as Arrow; by way of JSON, since for Python objects pyarrow would import all of pandas."""
    content = "\n".join(_to_json(row) for row in rows).encode("utf-8")
    reading = pa_json.ReadOptions(use_threads=False, block_size=len(content) + 1)
    parsing = pa_json.ParseOptions(explicit_schema=_row_schema(kinds))
    return pa_json.read_json(io.BytesIO(content), reading, parsing)


_to_json = json.JSONEncoder(ensure_ascii=False, default=lambda day: (day - EPOCH).days, separators=(",", ":")).encode


@cache
def _objects(kinds: Kinds) -> str:
    """What stands between answers and lake tables, by name."""
    named = [f"{kind}_{step}" for kind in kinds for step in ("objects", "days")]
    return ", ".join(f"{name} AS ({select(name)})" for name in named)


@cache
def _row_schema(kinds: Kinds) -> pa.Schema:
    absent = {f"{kind}s" for kind in KINDS if kind not in kinds}
    return pa.schema([(name, arrow_type(shape)) for name, shape in ANSWER_ROW.items() if name not in absent])
