"""The reader for much data: DuckDB's JSON reader, told every column and type; then a look for what it took too easily.

Many files are read together, each row with the place of its file. Imports `engine`, `shapes` and `selects`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb
import pyarrow as pa

from pipeline.lake import engine
from pipeline.lake.selects import needed, select, sorted_select
from pipeline.lake.shapes import ANSWERS, OBJECTS, duckdb_type

__all__ = ["StrictReader"]


class StrictReader:
    """A DuckDB connection that takes files in which every line is as declared; for one thread at a time."""

    def __init__(self) -> None:
        self._con = engine.cursor()
        self._con.execute(select("setup"))
        self._selects: dict[str, duckdb.DuckDBPyRelation] = {}

    def close(self) -> None:
        """Let go of the connection."""
        self._selects.clear()
        self._con.close()

    def read(self, paths: Sequence[Path], *, apart: bool = False) -> list[dict[str, pa.Table]] | None:
        """Lake tables without empty ones, of the files together or of each; None when a line is not as declared."""
        columns = {name: duckdb_type(shape) for name, shape in ANSWERS.items()}
        try:
            self._con.execute(
                select("answers"), {"paths": [str(path) for path in paths], "columns": columns, "apart": apart}
            )
        except duckdb.Error:
            return None
        try:
            overview = self._con.execute(select("overview")).fetchall()
            endpoints = {row[0] for row in overview}
            if endpoints - set(OBJECTS) or any(row[1] for row in overview):
                return None
            objects, lake = needed(endpoints)
            for name in objects:
                self._con.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {select(name)}")
            doubts = [self._con.execute(select(f"{name}_doubts")).fetchall()[0] for name in objects]
            expected = sum(row[2] for row in overview)
            if any(row[1] for row in doubts) or sum(row[0] for row in doubts) != expected:
                return None
            return self._tables(lake, len(paths) if apart else 1)
        finally:
            self._con.execute("DROP TABLE answers")

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


def _apart(table: pa.Table) -> Iterator[tuple[int, pa.Table]]:
    """The rows of each file, which stand together, without its place."""
    start, rows = 0, table.drop_columns(["file"])
    for counted in table.column("file").value_counts().to_pylist():
        yield counted["values"], rows.slice(start, counted["counts"])
        start += counted["counts"]
