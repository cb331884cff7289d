"""Data-quality checks: each notices what it is for, blocking ones keep the generation before, all are remembered."""

from __future__ import annotations

import hashlib
import shutil
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.errors import PublishRefused
from pipeline.lake import engine
from pipeline.published.checks import CHECKS, latest_results, prove, read_results, watch
from pipeline.published.compaction import compact
from pipeline.published.generations import current_number, open_generation
from pipeline.published.history_files import history_files
from pipeline.published.publish import publish
from pipeline.records.ledger import Ledger, Part, TaskOutcome
from pipeline.schema import SCHEMA_VERSION, VIEWS
from pipeline.workspace import Workspace
from tests.payloads import artist, commit, search_line
from tests.published import publish_rows

DAY, BEFORE = date(2026, 11, 22), date(2026, 11, 21)
SEEN = {"first_seen_on": DAY, "last_seen_on": DAY}
A1: dict[str, Any] = {"artist_id": "a1", "artist_no": 0, **SEEN}
ALBUM: dict[str, Any] = {"album_id": "b1", **SEEN}
CREDIT = {"artist_id": "a1", **SEEN}
GENRE = {**CREDIT, "artist_no": 0, "genre": "mpb", "provenance": "search"}


def snapshot(day: date, followers: int | None = None, popularity: int | None = None) -> dict[str, Any]:
    """Numbers of the artist a1."""
    return {"artist_id": "a1", "observed_on": day, "followers": followers, "popularity": popularity}


def sweep(day: date, returned: int) -> dict[str, Any]:
    """A whole sweep of one page."""
    page = {"page_offset": 0, "observed_on": day, "returned": returned, "last_page": True}
    return {"genre": "mpb", "sweep_on": day, **page}


@pytest.mark.parametrize(
    ("name", "tables"),
    [
        ("artists_unique", {"artists": [A1, A1]}),
        ("artist_snapshots_unique", {"artists": [A1], "artist_snapshots": [snapshot(DAY)] * 2}),
        ("artist_genres_unique", {"artists": [A1], "artist_genres": [GENRE] * 2}),
        ("releases_unique", {"releases": [ALBUM, ALBUM]}),
        ("release_artists_unique", {"releases": [ALBUM], "release_artists": [{**CREDIT, "album_id": "b1"}] * 2}),
        ("tracks_unique", {"tracks": [{"track_id": "t1", **SEEN}] * 2}),
        ("track_artists_unique",
         {"tracks": [{"track_id": "t1", **SEEN}], "track_artists": [{**CREDIT, "track_id": "t1"}] * 2}),
        ("search_pages_unique", {"search_pages": [sweep(DAY, 1)] * 2}),
        ("artist_snapshots_owned", {"artist_snapshots": [snapshot(DAY)]}),
        ("artist_genres_owned", {"artist_genres": [GENRE]}),
        ("release_artists_owned", {"release_artists": [{**CREDIT, "album_id": "b1"}]}),
        ("track_artists_owned", {"track_artists": [{**CREDIT, "track_id": "t1"}]}),
        ("numbers_in_range", {"artists": [A1], "artist_snapshots": [snapshot(DAY, popularity=101)]}),
        ("numbers_in_range", {"artists": [A1], "artist_snapshots": [snapshot(DAY, popularity=-1)]}),
        ("numbers_in_range", {"artists": [A1], "artist_snapshots": [snapshot(DAY, followers=-1)]}),
    ],
)  # fmt: skip
def test_blocking_check_notices(name: str, tables: dict[str, Any], workspace: Workspace, ledger: Ledger) -> None:
    """One row too many, one without an owner, one out of range: the one check that is broken is named."""
    path = shutil.copyfile(publish_rows(workspace).path, workspace.db / "spoilt.duckdb")
    with engine.building(path) as con, pytest.raises(PublishRefused, match=f"not published: {name}, .*broken by 1.*"):
        for table, rows in tables.items():
            for row in rows:
                marks = ", ".join("?" for _ in row)
                kept = f"{VIEWS.get(table, table)} ({', '.join(row)})"
                con.execute(f"INSERT INTO {kept} VALUES ({marks})", list(row.values()))
        prove(con, ledger, 2, DAY, {})
    assert [row["name"] for row in latest_results(ledger) if row["violations"]] == [name]


def test_lost_rows_are_noticed(workspace: Workspace, ledger: Ledger) -> None:
    """A table with fewer rows than before refuses the generation and says which."""
    with publish_rows(workspace, artists=[A1]).cursor() as cursor:
        prove(cursor, ledger, 2, DAY, {"artists": 1, "tracks": 0})
        with pytest.raises(PublishRefused, match=r"no_row_lost.*\(releases 4\)"):
            prove(cursor, ledger, 2, DAY, {"artists": 1, "releases": 4})


@pytest.mark.parametrize(
    ("name", "tables"),
    [
        ("days_have_passed", {"artists": [{**A1, "last_seen_on": date(2026, 11, 24)}]}),
        ("release_dates_sound", {"releases": [{**ALBUM, "release_date": date(1066, 10, 14)}]}),
        ("followers_move_slowly", {"artist_snapshots": [snapshot(BEFORE, 200), snapshot(DAY, 2000)]}),
        ("followers_move_slowly", {"artist_snapshots": [snapshot(BEFORE, 2000), snapshot(DAY, 200)]}),
        ("numbers_still_given", {"artist_snapshots": [snapshot(BEFORE, 20, 5), snapshot(DAY, 20)]}),
        ("genres_find_artists", {"search_pages": [sweep(BEFORE, 0), sweep(DAY, 0)]}),
        ("coverage_holds", {"search_pages": [sweep(BEFORE, 10), sweep(DAY, 4)]}),
    ],
)
def test_warning_check_notices(name: str, tables: dict[str, Any], workspace: Workspace, ledger: Ledger) -> None:
    """What is odd but may be true warns; a neighbour that is fine does not."""
    with publish_rows(workspace, **tables).cursor() as cursor:
        found = watch(cursor, workspace, ledger, 1, DAY)
    assert {result.check.name: result.violations for result in found if result.violations} == {name: 1}


def test_mistyped_genre_is_told_of_for_a_week(workspace: Workspace, ledger: Ledger) -> None:
    """A genre that finds nobody and is not asked again stops being warned of; whoever else was asked goes on."""
    told = []
    for number, days in enumerate((6, 7), 1):
        last = {**sweep(BEFORE + timedelta(days), 3), "genre": "samba"}
        with publish_rows(workspace, number, search_pages=[sweep(BEFORE, 0), last]).cursor() as cursor:
            found = watch(cursor, workspace, ledger, number, DAY + timedelta(days))
        told.append([result.violations for result in found if result.check.name == "genres_find_artists"])
    assert told == [[1], [0]]


def test_sound_rows_pass(workspace: Workspace, ledger: Ledger) -> None:
    """What Spotify ordinarily gives breaks nothing, and every check has its result."""
    commit(workspace, ledger, "b1", search_line(artist("a1")))
    publish(workspace, ledger)
    with open_generation(workspace).cursor() as cursor:
        assert not any(result.violations for result in watch(cursor, workspace, ledger, 1, DAY))
    assert {row["name"] for row in latest_results(ledger)} == {check.name for check in CHECKS}


def test_spoilt_parts_are_noticed(workspace: Workspace, ledger: Ledger) -> None:
    """A part that is gone or is not what was committed is named; whole checks look at every one, however far others."""
    commit(workspace, ledger, "b1", search_line(artist("a1")))
    publish(workspace, ledger)
    ledger.set_meta("hashed_seq", "99")
    gone, changed, *_ = ledger.parts()
    (workspace.root / gone.path).unlink()
    (workspace.root / changed.path).write_bytes(bytes(changed.bytes))
    with open_generation(workspace).cursor() as cursor:
        found = {result.check.name: result for result in watch(cursor, workspace, ledger, 1, DAY, whole=True)}
    named = [found[name] for name in ("parts_are_there", "parts_keep_their_hash")]
    assert [(each.violations, each.details) for each in named] == [(1, gone.path), (1, changed.path)]


def test_spoilt_history_file_is_noticed(workspace: Workspace, ledger: Ledger) -> None:
    """A history file that is not what its name says is found, although its rows can be read; one of them a day."""
    lines = (search_line(artist("a1"), day=day) for day in ("2026-09-22", "2026-10-22"))
    commit(workspace, ledger, "b1", *lines)
    publish(workspace, ledger)
    compact(workspace, ledger, all_months=True)
    for path in (paths := history_files(workspace.root)):
        path.write_bytes(path.read_bytes() + b"x")
    names = {path.relative_to(workspace.root).as_posix() for path in paths}
    for whole, many in ((True, 2), (False, 1)):
        with open_generation(workspace).cursor() as cursor:
            found = {result.check.name: result for result in watch(cursor, workspace, ledger, 1, DAY, whole=whole)}
        spoilt = found["parts_keep_their_hash"]
        assert (spoilt.violations, names.issuperset(spoilt.details.split(", "))) == (many, True)


def test_refused_generation_leaves_the_one_before(workspace: Workspace, ledger: Ledger) -> None:
    """A part that breaks a promise stays out of what pages read; without it publishing goes on."""
    commit(workspace, ledger, "b1", search_line(artist("a1")))
    publish(workspace, ledger)
    spoil(workspace, ledger)
    with pytest.raises(PublishRefused, match=r"Generation 2 .*numbers_in_range.*`python -m pipeline rebuild`"):
        publish(workspace, ledger)
    assert (current_number(workspace), len(open_generation(workspace).rows("FROM artist_snapshots"))) == (1, 1)
    refused = [row["generation"] for row in read_results(ledger, "numbers_in_range") if row["violations"]]
    told = ledger.read("SELECT event FROM events WHERE level = 'ERROR'")
    assert (refused, told) == ([2], [{"event": "check_failed"}])
    with ledger.write() as connection:
        connection.execute("DELETE FROM parts WHERE batch_id = 'odd'")
    commit(workspace, ledger, "b2", search_line(artist("a2")))
    assert publish(workspace, ledger).number == 3


def spoil(workspace: Workspace, ledger: Ledger) -> None:
    """Commit a popularity of 250, which no answer can bring."""
    rows = {"artist_id": ["a1"], "observed_on": [DAY], "followers": [1], "popularity": pa.array([250], pa.int16())}
    path = workspace.lake / "artist_snapshots" / "day=2026-11-22" / "run-1-odd-1.parquet"
    pq.write_table(pa.table(rows), path)
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    relative = path.relative_to(workspace.root).as_posix()
    part = Part("artist_snapshots", relative, "2026-11-22", 1, len(content), digest, SCHEMA_VERSION)
    ledger.commit_batch(TaskOutcome("run-1", "odd", 1, "succeeded", rows=1), None, [part])
