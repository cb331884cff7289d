"""From a value of a day back to its part, its run and the line it was received in."""

from __future__ import annotations

import hashlib
from dataclasses import astuple
from datetime import date
from pathlib import Path

import pytest

from pipeline.errors import DamagedFile, SettingsError
from pipeline.queries.tracing import Line, Origin, trace_rows
from pipeline.records.ledger import Ledger
from pipeline.workspace import Workspace
from tests.receipts import BANDA, VIOLA, artist, commit_lines, line

DAY = date(2026, 11, 22)
ALBUM = "0Album00000000000000CC"


def sha256(workspace: Workspace, path: str) -> str:
    """Hash of a file of the workspace."""
    return hashlib.sha256((workspace.root / path).read_bytes()).hexdigest()


def test_row_leads_to_its_line(workspace: Workspace, ledger: Ledger) -> None:
    """A number is traced to run, task, item, part, raw file and line, with the object as received."""
    seen = artist(followers={"href": None, "total": 70}, popularity=31)
    commit_lines(workspace, ledger, line("2026-11-22", artist(VIOLA)), line("2026-11-22", artist(VIOLA), seen))
    part = "lake/artist_snapshots/day=2026-11-22/run-1-refresh-0001-1.parquet"
    assert trace_rows(workspace, ledger, "artist_snapshots", {"artist_id": BANDA}, DAY) == (
        Origin(
            table="artist_snapshots",
            row={"artist_id": BANDA, "observed_on": DAY, "followers": 70, "popularity": 31},
            gave=("followers", "popularity"),
            run_id="run-1",
            trigger="cli",
            batch_id="refresh-0001",
            attempt=1,
            task="refresh_artists",
            item="Banda Um +1",
            part=part,
            part_sha256=sha256(workspace, part),
            schema_version=1,
            raw_file="raw/day=2026-11-22/run-1/refresh-0001.jsonl.zst",
            lines=(Line(2, "2026-11-22T06:00:00Z", "artists", {}, seen),),
        ),
    )


def test_later_commit_decides(workspace: Workspace, ledger: Ledger) -> None:
    """Of two answers of a day each column belongs to the last one that knew it."""
    commit_lines(workspace, ledger, line("2026-11-22", artist(followers={"total": 70}, popularity=31)))
    commit_lines(workspace, ledger, line("2026-11-22", artist(popularity=33)), run_id="run-2")
    found = trace_rows(workspace, ledger, "artist_snapshots", {"artist_id": BANDA}, DAY)
    assert [(each.run_id, each.gave, each.row["popularity"]) for each in found] == [
        ("run-1", ("followers",), 31),
        ("run-2", ("popularity",), 33),
    ]


def test_genre_leads_to_its_question(workspace: Workspace, ledger: Ledger) -> None:
    """An artist found under a genre is traced to the search for that genre, its own genres to any answer."""
    seen = artist(genres=["Samba"])
    lines = [line("2026-11-22", seen, endpoint="search", genre=genre) for genre in ("mpb", "Forró")]
    commit_lines(workspace, ledger, *lines)
    found = trace_rows(workspace, ledger, "artist_genres", {"artist_id": BANDA}, DAY)
    assert sorted((each.row["genre"], *(line.number for line in each.lines)) for each in found) == [
        ("forró", 2),
        ("mpb", 1),
        ("samba", 1, 2),
    ]


def test_other_days_stay_out(workspace: Workspace, ledger: Ledger) -> None:
    """A batch that ran over midnight has rows of two days; each leads to the line of its day."""
    lines = [line(day, artist(popularity=number)) for day, number in (("2026-11-21", 1), ("2026-11-22", 2))]
    commit_lines(workspace, ledger, *lines)
    [origin] = trace_rows(workspace, ledger, "artist_snapshots", {"artist_id": BANDA}, DAY)
    assert (origin.row["popularity"], [found.number for found in origin.lines]) == (2, [2])
    assert trace_rows(workspace, ledger, "artist_snapshots", {"artist_id": BANDA}, date(2026, 11, 23)) == ()


@pytest.mark.parametrize(
    ("table", "key", "expected"),
    [
        ("releases", {"album_id": ALBUM}, ALBUM),
        ("release_artists", {"artist_id": VIOLA}, ALBUM),
        ("tracks", {"track_id": "0Track00000000000000DD"}, "0Track00000000000000DD"),
        ("track_artists", {"artist_id": VIOLA}, "0Track00000000000000DD"),
    ],
)
def test_releases_are_traced_too(
    workspace: Workspace, ledger: Ledger, table: str, key: dict[str, str], expected: str
) -> None:
    """Releases, tracks and credits, on whatever day they were seen, lead to the object that named them."""
    people = [{"id": BANDA, "name": "Banda Um"}, {"id": VIOLA, "name": "Viola Dois"}]
    track = {"id": "0Track00000000000000DD", "name": "Faixa", "artists": people}
    album = {"id": ALBUM, "name": "Disco", "artists": people, "tracks": {"items": [track], "total": 1, "next": None}}
    commit_lines(workspace, ledger, line("2026-11-22", album, endpoint="albums"))
    [origin] = trace_rows(workspace, ledger, table, key)
    assert [(found.number, found.object["id"]) for found in origin.lines] == [(1, expected)]


def test_missing_raw_file_is_said(workspace: Workspace, ledger: Ledger) -> None:
    """Without its raw file a row still leads to its run, with a note in place of lines."""
    commit_lines(workspace, ledger, line("2026-11-22", artist(popularity=31)))
    [before] = trace_rows(workspace, ledger, "artist_snapshots", {"artist_id": BANDA}, DAY)
    raw: Path = workspace.root / before.raw_file
    raw.write_bytes(raw.read_bytes()[:-9])
    [damaged] = trace_rows(workspace, ledger, "artist_snapshots", {"artist_id": BANDA}, DAY)
    raw.unlink()
    [missing] = trace_rows(workspace, ledger, "artist_snapshots", {"artist_id": BANDA}, DAY)
    assert damaged.note == "the raw file is not what was committed: its hash differs"
    assert missing.note == "the raw file cannot be read (No such file or directory)"
    assert (missing.lines, astuple(missing)[:12]) == ((), astuple(before)[:12])


def test_retired_raw_file_is_said(workspace: Workspace, ledger: Ledger) -> None:
    """Where the ledger has let go of the raw file, the note says so."""
    commit_lines(workspace, ledger, line("2026-11-22", artist(popularity=31)))
    with ledger.write() as connection:
        connection.execute("DELETE FROM raw_files")
    [origin] = trace_rows(workspace, ledger, "artist_snapshots", {"artist_id": BANDA}, DAY)
    assert (origin.raw_file, origin.lines, origin.note) == ("", (), "the raw file is no longer kept")


def test_damaged_part_is_named(workspace: Workspace, ledger: Ledger) -> None:
    """A part that is no Parquet any more is an error of ours, not DuckDB's."""
    commit_lines(workspace, ledger, line("2026-11-22", artist(popularity=31)))
    (workspace.root / ledger.parts()[1].path).write_bytes(b"PAR1 no more")
    with pytest.raises(DamagedFile, match=r"^A part of \w+ cannot be read"):
        trace_rows(workspace, ledger, ledger.parts()[1].table, {"artist_id": BANDA}, DAY)


@pytest.mark.parametrize(("table", "key"), [("runs", {"run_id": "x"}), ("artists", {"no": "x"}), ("artists", {})])
def test_unknown_table_is_refused(workspace: Workspace, ledger: Ledger, table: str, key: dict[str, str]) -> None:
    """A table or column that is no observation is refused, with those that are."""
    with pytest.raises(SettingsError, match=r"cannot be traced by .*Tables: artists, artist_snapshots"):
        trace_rows(workspace, ledger, table, key, DAY)
