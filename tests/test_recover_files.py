"""Recovery: whatever is lost or damaged is named, and mended by one command from what is left."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipeline.errors import DamagedFile, SchemaMismatch
from pipeline.keeping.exchange import Exchange
from pipeline.keeping.recovery import recover
from pipeline.lake.store import sweep
from pipeline.moving.backup import back_up
from pipeline.published.generations import open_generation
from pipeline.published.publish import publish, rebuild
from pipeline.records.ledger import Ledger, TaskOutcome
from pipeline.workspace import Workspace
from tests.conftest import Clock
from tests.copies import made_once
from tests.harm import cut, flip, lose
from tests.payloads import album, albums_line, artist, commit, search_line
from tests.published import every_row

RUN = "20261122T060000-abc123"
Answers = dict[str, list[Any]]
Shown = tuple[Workspace, Answers]


@pytest.fixture
def kept(workspace: Workspace, clock: Clock) -> Workspace:
    """Three batches of a run in two generations, and a fourth that none has yet; nobody has it open."""
    with closing(Ledger(workspace.ledger, clock.now)) as ledger:
        return made_once(workspace, ledger, fill)


def fill(workspace: Workspace, ledger: Ledger) -> None:
    """Four batches of a run, the first and the third followed by a publish."""
    for place in range(4):
        found = search_line(artist("a1", followers={"total": 10 + place}), artist(f"b{place}"))
        rows = commit(workspace, ledger, f"discover-{place}", found, albums_line(album(f"c{place}")), run_id=RUN)
        ledger.finish_task(TaskOutcome(RUN, f"discover-{place}", 1, "succeeded", requests=2, rows=rows))
        if place in (0, 2):
            publish(workspace, ledger)
    ledger.finish_run(RUN, "succeeded")


@pytest.fixture
def shown(workspace: Workspace, clock: Clock) -> Shown:
    """The same with every batch published, and what is answered then."""
    with closing(Ledger(workspace.ledger, clock.now)) as ledger:
        made_once(workspace, ledger, fill_and_show)
    return workspace, _shown[-1].copy()


def fill_and_show(workspace: Workspace, ledger: Ledger) -> None:
    """Four batches, all published."""
    fill(workspace, ledger)
    _shown.append(answered(workspace, ledger))


_shown: list[Answers] = []


def answered(workspace: Workspace, ledger: Ledger) -> Answers:
    """Every published row, all commits published, and the list of parts."""
    publish(workspace, ledger)
    parts = [(part.seq, part.table, part.sha256) for part in ledger.parts()]
    return {"parts": parts} | every_row(workspace)


def answers(workspace: Workspace, clock: Clock) -> Answers:
    """The same of a workspace whose ledger nobody has open."""
    with closing(Ledger(workspace.ledger, clock.now)) as ledger:
        return answered(workspace, ledger)


@pytest.mark.slow
def test_all_is_well(kept: Workspace, clock: Clock) -> None:
    """Where nothing is wrong nothing is found, and nothing changes but that what waited is published."""
    number = open_generation(kept).number
    for _ in range(2):
        assert (recover(kept, clock.now), open_generation(kept).number) == ((), number + 1)
    empty = Workspace(kept.root / "empty")
    empty.raw.mkdir(parents=True), empty.lake.mkdir()
    assert recover(empty, clock.now) == ()


@pytest.mark.slow
@pytest.mark.parametrize("names", [["db"], ["ledger.sqlite"], ["db", "ledger.sqlite"]], ids=["db", "ledger", "both"])
def test_lost_and_mended(shown: Shown, clock: Clock, names: list[str]) -> None:
    """Without the database, the ledger, or both: the same answers to every query, the same parts in the same order."""
    kept, before = shown
    for name in names:
        lose(kept, name)
    findings = recover(kept, clock.now)
    assert (len(findings), all(each.mended for each in findings)) == (len(names), True)
    after = answers(kept, clock)
    if "db" in names and "ledger.sqlite" in names:  # then nothing tells of the runs but their files
        for name in ("runs", "task_runs"):
            before.pop(name), after.pop(name)
    assert after == before


def test_pointer_of_any_kind(shown: Shown, clock: Clock) -> None:
    """Whatever stands where the pointer to the generation stood is named, and one of today comes in its place."""
    kept, before = shown
    pointer = kept.db / "CURRENT"
    for put in (
        lambda: pointer.write_bytes(b"\xff\xfe"),
        lambda: (pointer / "something").mkdir(parents=True),
        lambda: pointer.symlink_to(pointer),
    ):
        pointer.unlink()
        put()
        with pytest.raises(DamagedFile, match=r"CURRENT .* Run `python -m pipeline recover`"):
            open_generation(kept)
        assert [each.what for each in recover(kept, clock.now)] == [
            "the current generation cannot be told: CURRENT is damaged"
        ]
        assert (answers(kept, clock), recover(kept, clock.now)) == (before, ())


def test_one_after_the_other(shown: Shown, clock: Clock) -> None:
    """The database goes and is built anew, then the ledger goes and is written anew: identical answers."""
    kept, before = shown
    for name in ("db", "ledger.sqlite"):
        lose(kept, name)
        recover(kept, clock.now)
    assert answers(kept, clock) == before


@pytest.mark.parametrize("lost", ["all", "last"])
def test_lost_ledger_replaces_nothing(shown: Shown, clock: Clock, lost: str) -> None:
    """A ledger that knows nothing, or an older one put back, publishes nothing in the place of what there is."""
    kept, before = shown
    number, old = open_generation(kept).number, kept.root.parent / "backup"
    if lost == "last":
        with closing(sqlite3.connect(kept.ledger)) as ledger, ledger:
            ledger.execute("UPDATE meta SET value = '1' WHERE key = 'generation'")
            ledger.execute("DELETE FROM parts WHERE batch_id > 'discover-1'")
    else:
        lose(kept, "ledger.sqlite")
    with closing(Ledger(kept.ledger, clock.now)) as ledger:
        for command in (publish, rebuild):
            with pytest.raises(DamagedFile, match=r"was lost or replaced.*python -m pipeline recover"):
                command(kept, ledger, **({"force": True} if command is publish else {}))
    with pytest.raises(DamagedFile, match=r"was lost or replaced.*python -m pipeline recover"):
        back_up(kept, old, clock.now())
    assert (open_generation(kept).number, old.exists()) == (number, False)
    assert all(each.mended for each in recover(kept, clock.now))
    assert answers(kept, clock) == before


def test_generation_of_another_version(shown: Shown, clock: Clock) -> None:
    """A generation whose tables are not today's is built anew, as a run would."""
    kept, before = shown
    path = open_generation(kept).path
    with closing(duckdb.connect(str(shutil.copyfile(path, path.with_name("other"))))) as con:
        con.execute("ALTER TABLE artists DROP COLUMN name")
        con.execute("UPDATE state_meta SET value = 'older' WHERE key = 'shape'")
    later = path.with_name("garimpo-00000009.duckdb")
    path.with_name("other").rename(later)
    (kept.db / "CURRENT").write_text(f"9 {later.stat().st_size}\n", encoding="utf-8")
    findings = recover(kept, clock.now)
    assert [each.what for each in findings] == ["the current generation is of another version of the program"]
    assert answers(kept, clock) == before


@pytest.mark.slow
def test_commits_behind_the_generation(kept: Workspace, clock: Clock) -> None:
    """What was committed after the newest generation is found again by its files, and published in its order."""
    lose(kept, "ledger.sqlite")
    (finding,) = recover(kept, clock.now)
    assert "12 parts" not in finding.done
    assert "1 batches from files alone" in finding.done
    assert open_generation(kept).rows("SELECT followers FROM artist_snapshots WHERE artist_id = 'a1'") == [(13,)]


def test_last_commits_lost(kept: Workspace, clock: Clock) -> None:
    """A ledger whose log was lost is told from a killed writer: nothing is swept away, and the commits come back."""
    with closing(sqlite3.connect(kept.ledger)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    earlier = kept.ledger.read_bytes()
    with closing(Ledger(kept.ledger, clock.now)) as ledger:
        for place in (4, 5):
            commit(kept, ledger, f"discover-{place}", search_line(artist(f"b{place}")), run_id=RUN)
    before = set(kept.root.rglob("*.parquet"))
    lose(kept, "ledger.sqlite")
    kept.ledger.write_bytes(earlier)
    with (
        closing(Ledger(kept.ledger, clock.now)) as ledger,
        pytest.raises(DamagedFile, match="the answers of 2 batches"),
    ):
        sweep(kept, ledger)
    (finding,) = recover(kept, clock.now)
    assert "knows nothing of the answers of 2 batches" in finding.what
    assert set(kept.root.rglob("*.parquet")) == before
    assert {f"b{place}" for place in range(6)} < {row[0] for row in answers(kept, clock)["artists"]}


PART, RAW, SHOWN = "lake/artist_snapshots/*/*-0-1.parquet", "raw/*/*/*-1.jsonl.zst", "db/garimpo-00000003.duckdb"
HARMS = [
    (pattern, harm)
    for pattern in (PART, RAW, SHOWN, "db/CURRENT", "ledger.sqlite")
    for harm in (flip, cut, Path.unlink)
]
SOON = [(PART, flip), ("ledger.sqlite", cut)]


@pytest.mark.parametrize(
    ("pattern", "harm"), [pytest.param(*each, marks=[] if each in SOON else pytest.mark.slow) for each in HARMS]
)
def test_any_file_harmed(shown: Shown, clock: Clock, pattern: str, harm: Callable[[Path], object]) -> None:
    """A flipped bit, a cut, a missing file: no row is lost, the order stays, and a second look finds nothing."""
    kept, before = shown
    (path,) = kept.root.glob(pattern)
    if path.name == "ledger.sqlite":
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    harm(path)
    findings = recover(kept, clock.now)
    assert all(each.mended for each in findings)
    if path.name != "CURRENT" and (path.name != "ledger.sqlite" or harm is not flip):
        assert findings
    assert recover(kept, clock.now) == ()
    after = answers(kept, clock)
    if path.name == "ledger.sqlite":
        for name in ("runs", "task_runs"):
            before.pop(name), after.pop(name)
    assert after == before


@pytest.mark.slow
def test_harmed_beyond_its_answers(shown: Shown, clock: Clock, tmp_path: Path) -> None:
    """A part whose answers are gone is named with its rows, stays published, and comes back from a backup."""
    kept, before = shown
    back_up(kept, tmp_path / "backup", clock.now())
    with closing(Ledger(kept.ledger, clock.now)) as ledger:
        exchange = Exchange(kept, ledger)
        exchange.drop_raw(ledger.read("SELECT * FROM raw_files ORDER BY path")[0], "retention")
        exchange.carry_out()
        part = ledger.parts()[1]
    flip(kept.root / part.path)
    (finding,) = recover(kept, clock.now)
    assert (finding.mended, "2 rows of artist_snapshots of 2026-11-22 cannot be derived" in finding.done) == (
        False,
        True,
    )
    assert len(open_generation(kept).rows("FROM artist_snapshots")) == 5
    assert [each.done for each in recover(kept, clock.now, tmp_path / "backup")] == ["brought back from the backup"]
    assert answers(kept, clock) == before


@pytest.mark.slow
def test_ledger_begun_anew(shown: Shown, clock: Clock) -> None:
    """A program that made itself an empty ledger and committed to it: its batch stays, behind those from before."""
    kept, before = shown[0], shown[1]["parts"]
    lose(kept, "ledger.sqlite")
    with closing(Ledger(kept.ledger, clock.now)) as ledger:
        commit(kept, ledger, "import-00001", search_line(artist("new")), run_id="20261122T070000-abc124")
        with pytest.raises(DamagedFile, match="python -m pipeline recover"):
            sweep(kept, ledger)
    recover(kept, clock.now)
    after = answers(kept, clock)
    assert after["parts"][: len(before)] == before
    assert [row[0] for row in after["artists"]] == ["a1", "b0", "b1", "b2", "b3", "new"]


@pytest.mark.slow
def test_newer_ledger_is_refused(kept: Workspace, clock: Clock) -> None:
    """A ledger of a newer program is no damage: refused by name, untouched."""
    with closing(sqlite3.connect(kept.ledger)) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(SchemaMismatch, match="newer version of this program"):
        recover(kept, clock.now)


@pytest.mark.slow
def test_clock_set_back(shown: Shown, clock: Clock) -> None:
    """A run dated before those there are commits, publishes and recovers as any other; no row is lost to it."""
    kept, before = shown
    clock.instant = datetime(2020, 1, 1, tzinfo=UTC)
    with closing(Ledger(kept.ledger, clock.now)) as ledger:
        commit(kept, ledger, "b", search_line(artist("early"), day="2020-01-01"), run_id="20200101T000000-abc125")
    clock.instant += timedelta(hours=1)
    after = answers(kept, clock)
    lose(kept, "ledger.sqlite")
    recover(kept, clock.now)
    found = answers(kept, clock)
    assert (found["artists"], found["parts"]) == (after["artists"], after["parts"])
    assert [row for row in found["artist_snapshots"] if row[0] != "early"] == before["artist_snapshots"]
