"""Rows of history files come artist by artist, of each all at once, however a file cuts them."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from pipeline.errors import DamagedFile
from pipeline.lake import engine
from pipeline.published.ordered_rows import UNKNOWN, Artists, Rows, Span, read_rows


def write_history(path: Path, artists: int, days: int) -> None:
    """A file cut every 2,048 rows: artists numbered from 0 on so many days, without followers on the first."""
    rows = (
        "SELECT printf('a%05d', n) AS artist_id, DATE '1970-01-01' + d::INTEGER AS observed_on, "
        "nullif(d, 0) AS followers, 7::SMALLINT AS popularity "
        f"FROM range({artists}) a(n), range({days}) b(d) ORDER BY ALL"
    )
    with engine.cursor() as con:
        con.execute(f"COPY ({rows}) TO '{path}' (FORMAT parquet, ROW_GROUP_SIZE 2048)")


def known(artists: range) -> Artists:
    """Artists of such numbers, in a database of their own; they are numbered backwards there."""
    with duckdb.connect() as con:
        con.execute("CREATE TABLE artists AS SELECT printf('a%05d', unnest(?)) AS artist_id", [list(artists)])
        con.execute("ALTER TABLE artists ADD COLUMN artist_no INTEGER")
        con.execute("UPDATE artists SET artist_no = 99999 - rowid")
        return Artists(con)


def in_batches(path: Path, last: int, artists: Artists) -> list[tuple[int, int, int, int]]:
    """Of each artist, as it comes: its place, how many rows there are, the sums of days and followers."""
    with engine.cursor() as con:
        batches: list[Rows] = list(read_rows(con, Span(0, last, path), artists))
    found = []
    for rows in batches:
        for artist, first, end in zip(rows.artists, rows.starts, rows.ends, strict=True):
            followers = rows.followers[first : end + 1]
            days = rows.day[first : end + 1]
            found.append((int(artist), len(days), int(days.sum()), int(followers[followers != UNKNOWN].sum())))
    return sorted(found)


@pytest.mark.parametrize(("artists", "days"), [(5, 1500), (3000, 3), (1, 5000)], ids=["shared", "plain", "one"])
def test_artists_come_whole(tmp_path: Path, artists: int, days: int) -> None:
    """Whoever is in two groups of rows comes once, with the rows of both; ids may be written in either way."""
    write_history(tmp_path / "month.parquet", artists, days)
    total = days * (days - 1) // 2
    assert in_batches(tmp_path / "month.parquet", days, known(range(artists))) == [
        (artist, days, total, total) for artist in range(artists)
    ]


def test_strangers_stay_out(tmp_path: Path) -> None:
    """Rows of nobody known, and of days after the span, are left out."""
    write_history(tmp_path / "month.parquet", 3000, 3)
    assert in_batches(tmp_path / "month.parquet", 1, known(range(1000, 3000, 1999))) == [(0, 2, 1, 1), (1, 2, 1, 1)]
    assert in_batches(tmp_path / "month.parquet", 1, known(range(4000, 4001))) == []
    assert in_batches(tmp_path / "month.parquet", 0, known(range(3000))) == [
        (artist, 1, 0, 0) for artist in range(3000)
    ]


@pytest.mark.parametrize(("first", "last"), [(-9, None), (4, 103)], ids=["end", "rows"])
def test_damaged_files_are_named(tmp_path: Path, first: int, last: int | None) -> None:
    """One that holds something else than was written is named, with the command that mends it."""
    path = tmp_path / "month.parquet"
    write_history(path, 5, 1500)
    content = bytearray(path.read_bytes())
    content[first:last] = bytes(len(content[first:last]))
    path.write_bytes(content)
    with pytest.raises(DamagedFile, match=r"month\.parquet cannot be read .* Run `python -m pipeline recover`"):
        in_batches(path, 1500, known(range(5)))
