"""A database built from nothing counts snapshots in one reading: what it says is what SQL says of the same rows."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from pipeline.lake import engine
from pipeline.published.building import run_step
from pipeline.published.counting import count_snapshots
from pipeline.published.history_files import write_file
from pipeline.published.merges import publish_sql
from pipeline.published.snapshots import add_files, make_view, within
from pipeline.published.steps import STEPS
from pipeline.schema import create_statements

TOLD = ("artists", "artist_growth", "genre_days", "genre_growth", "genre_coverage")
DAYS = [date(2026, 7, 20) + timedelta(days=day) for day in range(100)]
NEW = {"artist_snapshots"}


def some_tables(rng: random.Random) -> Iterator[tuple[str, list[tuple[object, ...]]]]:
    """Artists seen on some of a hundred days, with numbers or without, who enter genres on any day."""
    numbers = {f"a{place:02d}": number for place, number in enumerate(rng.sample(range(30), 30))}
    columns = "artist_id, artist_no, first_seen_on, last_seen_on"
    yield f"artists ({columns})", [(*each, DAYS[0], DAYS[0]) for each in numbers.items()]
    seen = [(each, day) for each in numbers for day in rng.sample(DAYS, rng.randrange(40))]
    unsure = [None, *range(900, 2000)] + [None] * 200
    yield "state_snapshots", [(*each, rng.choice(unsure), rng.choice([None, 1, 50])) for each in seen]
    entered = [(each, genre, rng.choice(DAYS)) for each in numbers for genre in rng.sample(["axé", "mpb", "samba"], 2)]
    rows = [(each, numbers[each], genre, "search", day, day) for each, genre, day in entered]
    yield "artist_genres (artist_id, artist_no, genre, provenance, first_seen_on, last_seen_on)", rows


def file_month(con: duckdb.DuckDBPyConnection, root: Path, month: str, last: int) -> None:
    """Move a month's rows from its fifth day up to another one into a history file."""
    there = f"{within(month)} AND day(observed_on) BETWEEN 5 AND {last}"
    add_files(con, [write_file(con, root, month, "given", f"FROM state_snapshots WHERE {there}")])
    con.execute(f"DELETE FROM state_snapshots WHERE {there}")


def told(con: duckdb.DuckDBPyConnection, root: Path, size: str) -> dict[str, list[tuple[object, ...]]]:
    """What the derived tables of a database of that size say; nothing is kept."""
    con.execute("BEGIN")
    make_view(con, root)
    if size == "small":
        con.execute(publish_sql("all_staged"))
    for step in STEPS:
        if step.file != "artist_snapshots_whole" and step.applies(NEW, fresh=True, size=size):
            run_step(con, step, ordered=True)
        if step.file == "entries" and size == "large":
            count_snapshots(con)
    found = {name: con.execute(f"FROM {name} ORDER BY ALL").fetchall() for name in TOLD}
    con.execute("ROLLBACK")
    return found


TABLE, FILES, BOTH = {}, {"08": 31, "09": 30}, {"07": 31, "08": 20, "09": 10, "10": 31}


@pytest.mark.parametrize(("filed", "seed"), [(TABLE, 0), (FILES, 1), (BOTH, 2), (BOTH, 3)])
def test_counted_as_told(tmp_path: Path, seed: int, filed: dict[str, int]) -> None:
    """Growth, last numbers and days of genres are the same, with rows in the table, in files, or in both."""
    with engine.building(tmp_path / "given.duckdb") as con:
        for statement in create_statements():
            con.execute(statement)
        for table, rows in some_tables(random.Random(seed)):
            marks = ", ".join([f"({', '.join('?' * len(rows[0]))})"] * len(rows))  # a statement for each takes a second
            con.execute(f"INSERT INTO {table} VALUES {marks}", [value for row in rows for value in row])
        for month, last in filed.items():
            file_month(con, tmp_path, f"2026-{month}", last)
        assert told(con, tmp_path, "large") == told(con, tmp_path, "small")


def test_nothing_is_counted(tmp_path: Path) -> None:
    """Without a snapshot nothing is told, and nothing fails."""
    with engine.building(tmp_path / "empty.duckdb") as con:
        for statement in create_statements():
            con.execute(statement)
        con.execute("INSERT INTO artists (artist_id, artist_no) VALUES ('a', 0)")
        found = told(con, tmp_path, "large")
    assert (found["artist_growth"], found["genre_days"], len(found["artists"])) == ([], [], 1)
