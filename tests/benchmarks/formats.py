"""The same million rows as Parquet, as JSON and as an SQLite table: how large, and how long a scan takes."""

from __future__ import annotations

import json
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb

from pipeline.lake.parquet import parquet_bytes
from tests.benchmarks.figures import Figure, load, say

__all__ = ["measure_formats"]

ROWS = """
    SELECT left(md5(range::VARCHAR) || md5('x' || range), 22) AS artist_id, DATE '2026-11-22' AS observed_on,
        exp(hash(range) / 18446744073709551615 * 14)::BIGINT AS followers,
        (hash(range + 1) % 100)::SMALLINT AS popularity
    FROM range({rows}) ORDER BY 1
"""
QUESTION = "SELECT popularity, count(*), sum(followers) FROM {} GROUP BY popularity"
ROUNDS = 3


def measure_formats(*, quick: bool = False) -> Iterator[Figure]:
    """Size and scan time beside the roadmap's two formats; ratios of one run on one machine."""
    rows = 100_000 if quick else 1_000_000
    say(f"formats: {rows:,} rows three times …")
    with tempfile.TemporaryDirectory() as temporary, duckdb.connect(config={"threads": 1}) as con:
        folder, table = Path(temporary), con.sql(ROWS.format(rows=rows)).to_arrow_table()
        (folder / "rows.parquet").write_bytes(parquet_bytes("artist_snapshots", table))
        objects = [{**row, "observed_on": row["observed_on"].isoformat()} for row in table.to_pylist()]
        (folder / "rows.json").write_text(json.dumps(objects, ensure_ascii=False, indent=2), encoding="utf-8")
        _write_sqlite(folder / "rows.sqlite", objects)
        scans: dict[str, Callable[[], object]] = {
            "parquet": lambda: con.execute(QUESTION.format(f"'{folder / 'rows.parquet'}'")).fetchall(),
            "json": lambda: _scan_json(folder / "rows.json"),
            "sqlite": lambda: _scan_sqlite(folder / "rows.sqlite"),
        }
        took = {name: statistics.median(_seconds(scan) for _ in range(ROUNDS)) for name, scan in scans.items()}
        size = {name: (folder / f"rows.{name}").stat().st_size for name in scans}
    for name in ("json", "sqlite"):
        beside = f"{size['parquet'] / 1e6:.1f} and {size[name] / 1e6:.1f} MB"
        yield Figure(f"{name} ÷ Parquet, size, {rows:,} rows", f"{size[name] / size['parquet']:.1f}", note=beside)
        beside = f"{took['parquet'] * 1000:.0f} and {took[name] * 1000:.0f} ms; {load()}"
        yield Figure(f"{name} ÷ Parquet, scan time", f"{took[name] / took['parquet']:.1f}", note=beside)


def _seconds(scan: Callable[[], object]) -> float:
    began = time.perf_counter()
    scan()
    return time.perf_counter() - began


def _write_sqlite(path: Path, objects: list[dict[str, object]]) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE rows (artist_id TEXT, observed_on TEXT, followers INTEGER, popularity INTEGER)")
    connection.executemany("INSERT INTO rows VALUES (:artist_id, :observed_on, :followers, :popularity)", objects)
    connection.commit()
    connection.close()


def _scan_json(path: Path) -> object:
    sums: dict[int, tuple[int, int]] = {}
    for row in json.loads(path.read_text(encoding="utf-8")):
        count, total = sums.get(row["popularity"], (0, 0))
        sums[row["popularity"]] = (count + 1, total + row["followers"])
    return sums


def _scan_sqlite(path: Path) -> object:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(QUESTION.format("rows")).fetchall()
    finally:
        connection.close()
