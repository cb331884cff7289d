"""Compaction changes where snapshots are kept and nothing else: every question has the same answer before and after.

One that ends at any step loses nothing and doubles nothing; the next one goes on.
"""

from __future__ import annotations

import random
import shutil
from contextlib import closing
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import DamagedFile, StorageError
from pipeline.keeping.recovery import recover
from pipeline.moving.exporting import export_stream
from pipeline.published import steps
from pipeline.published.compaction import compact, pays
from pipeline.published.generations import open_generation
from pipeline.published.history_files import FOLDER
from pipeline.published.publish import publish, rebuild
from pipeline.records.ledger import Ledger
from pipeline.settings import Settings
from pipeline.workspace import Workspace, open_workspace
from tests.conftest import Clock
from tests.copies import made_once
from tests.harm import stop
from tests.payloads import artist, commit, search_line
from tests.published import answers
from tests.test_publish_equal import some_lines

# In their order: each stop finds what the one before has left, and comes further; the last is after the new pointer.
STEPS = (
    "pipeline.published.history_files.make_folder",
    "pipeline.published.history_files._content",
    "pipeline.published.history_files.place_files",
    "pipeline.published.compaction.add_files",
    "pipeline.published.placing.prove",
    "pipeline.published.placing.place_files",
    "pipeline.published.placing.replace_file",
    "pipeline.published.compaction.retire",
)


def collect(workspace: Workspace, ledger: Ledger, *days: str, followers: int = 10) -> None:
    """Commit a batch of two artists for each day, and publish."""
    for day in days:
        number = len(ledger.parts())
        items = [artist(name, followers={"total": followers + number}) for name in ("a1", "a2")]
        commit(workspace, ledger, f"b{number:04d}", search_line(*items, day=day))
    publish(workspace, ledger)


def files(workspace: Workspace) -> list[Path]:
    """History files, oldest month first."""
    return sorted((workspace.root / FOLDER).glob("*/*.parquet"))


def counts(workspace: Workspace) -> list[tuple[Any, ...]]:
    """Snapshots in the database, in files, and in all."""
    return open_generation(workspace).rows(
        "SELECT (SELECT count(*) FROM state_snapshots), (SELECT coalesce(sum(rows), 0)::INT FROM state_history), "
        "(SELECT count(*) FROM artist_snapshots)"
    )


def test_months_move_to_files(workspace: Workspace, ledger: Ledger):
    """Months that are over go to a file each; the newest stays in the database until it is asked for."""
    collect(workspace, ledger, "2026-09-30", "2026-10-01", "2026-10-31", "2026-11-01")
    before = answers(workspace)
    done = compact(workspace, ledger)
    assert (done.months, done.rows, answers(workspace) == before) == (("2026-09", "2026-10"), 6, True)
    assert counts(workspace) == [(2, 6, 8)]
    assert compact(workspace, ledger, all_months=True).months == ("2026-11",)
    assert (counts(workspace), answers(workspace) == before) == ([(0, 8, 8)], True)
    assert compact(workspace, ledger, all_months=True).months == ()


def test_file_says_what_it_holds(workspace: Workspace, ledger: Ledger):
    """Rows stand in order of artist and day; month, rows and days are noted in the generation."""
    collect(workspace, ledger, "2026-10-02", "2026-10-01", "2026-11-01")
    compact(workspace, ledger)
    listed = open_generation(workspace).rows("SELECT * EXCLUDE (path, bytes, inputs) FROM state_history")
    assert listed == [("2026-10", 4, date(2026, 10, 1), date(2026, 10, 2), False)]
    found = open_generation(workspace).rows(
        "SELECT artist_id, day(observed_on) FROM read_parquet(?)", [str(files(workspace)[0])]
    )
    assert found == [("a1", 1), ("a1", 2), ("a2", 1), ("a2", 2)]


def test_late_rows_override_files(workspace: Workspace, ledger: Ledger):
    """A second answer for a day in a file counts, is merged with the first, and moves into the file with the next."""
    collect(workspace, ledger, "2026-10-01", "2026-10-02", "2026-11-01")
    compact(workspace, ledger)
    late = search_line(artist("a1", followers=None, popularity=77), artist("a3", popularity=3), day="2026-10-02")
    commit(workspace, ledger, "late", late)
    publish(workspace, ledger)
    query = "SELECT artist_id, followers, popularity FROM artist_snapshots WHERE observed_on = '2026-10-02' ORDER BY 1"
    rows = [("a1", 14, 77), ("a2", 14, 5), ("a3", 10, 3)]
    assert (open_generation(workspace).rows(query), counts(workspace)) == (rows, [(4, 4, 7)])
    assert compact(workspace, ledger).months == ("2026-10",)
    assert (open_generation(workspace).rows(query), counts(workspace)) == (rows, [(2, 5, 7)])


@pytest.fixture
def large(workspace: Workspace, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """Three days in the file of their month, in a store that is told to be large."""
    monkeypatch.setattr(steps, "SMALL", -1)
    made_once(workspace, ledger, collect, "2026-10-01", "2026-10-02", "2026-10-03")  # these days are its alone
    compact(workspace, ledger, all_months=True)
    return workspace


def test_late_rows_of_large_stores_count_once(large: Workspace, ledger: Ledger) -> None:
    """What follows from a day in a file is moved by its second answer alone: its first one is not counted beside it."""
    for day in ("2026-10-01", "2026-10-03", "2026-10-02"):
        collect(large, ledger, day, followers=500)
    moved = answers(large)
    rebuild(large, ledger)
    assert moved == answers(large)


def test_moved_stores_grow_from_their_own_files(large: Workspace, ledger: Ledger, tmp_path: Path) -> None:
    """A large store in another folder than it was published in takes a late day from the files that came with it."""
    moved = open_workspace(Settings(data=tmp_path / "moved", workspace="test"))
    shutil.copytree(large.root, moved.root, dirs_exist_ok=True)
    shutil.rmtree(large.root / FOLDER)
    there = Ledger(moved.ledger, ledger.now)
    collect(moved, there, "2026-10-02", followers=500)
    found = answers(moved)
    rebuild(moved, there)
    assert found == answers(moved)
    there.close()


@pytest.mark.parametrize("seed", [0, *(pytest.param(n, marks=pytest.mark.slow) for n in range(1, 4))])
def test_any_order_is_equal(workspace: Workspace, ledger: Ledger, seed: int):
    """Batches of any days, compacted and rebuilt in between, give what a rebuild without any file gives."""
    rng = random.Random(seed)
    for number in range(6):
        day = f"2026-{rng.randrange(9, 12):02d}-{rng.randrange(1, 4):02d}"
        commit(workspace, ledger, f"b{number}", *some_lines(rng, day))
        publish(workspace, ledger)
        if rng.random() < 0.4:
            compact(workspace, ledger, all_months=rng.random() < 0.5)
    found = answers(workspace)
    rebuild(workspace, ledger)
    assert answers(workspace) == found
    shutil.rmtree(workspace.root / FOLDER)
    rebuild(workspace, ledger)
    assert answers(workspace) == found


def test_lost_database_finds_files(workspace: Workspace, ledger: Ledger):
    """Without the database the files are found again; one that is damaged or of other parts is not used."""
    made_once(workspace, ledger, collect, "2026-09-01", "2026-10-01", "2026-11-01")
    compact(workspace, ledger)
    before = answers(workspace)
    shutil.rmtree(workspace.db)
    publish(workspace, ledger)
    assert (counts(workspace), answers(workspace) == before) == ([(2, 4, 6)], True)
    files(workspace)[0].write_bytes(b"broken")
    rebuild(workspace, ledger)
    assert (counts(workspace), answers(workspace) == before) == ([(4, 2, 6)], True)


def test_rebuild_writes_what_is_large(workspace: Workspace, ledger: Ledger, monkeypatch: pytest.MonkeyPatch):
    """When there are too many rows for the database a rebuild writes the missing files itself."""
    monkeypatch.setattr("pipeline.published.snapshots.PAYS", 5)
    collect(workspace, ledger, "2026-09-01", "2026-09-01", "2026-10-01", "2026-11-01")
    before = answers(workspace)
    rebuild(workspace, ledger)
    assert (counts(workspace), answers(workspace) == before) == ([(0, 6, 6)], True)


def test_unlisted_files_go(workspace: Workspace, ledger: Ledger):
    """A file goes when the last of the kept generations that lists it goes, and not before."""
    made_once(workspace, ledger, collect, "2026-10-01", "2026-11-01")
    compact(workspace, ledger)
    old = files(workspace)
    collect(workspace, ledger, "2026-10-01")
    compact(workspace, ledger)
    assert len(files(workspace)) == 2
    collect(workspace, ledger, "2026-11-02")
    assert set(old) < set(files(workspace))
    collect(workspace, ledger, "2026-11-03")
    assert len(files(workspace)) == 1
    assert not set(old) & set(files(workspace))


def test_small_stores_stay_whole(workspace: Workspace, ledger: Ledger, monkeypatch: pytest.MonkeyPatch):
    """It pays when months that are over have many rows, or all months very many."""
    assert not pays(workspace)
    made_once(workspace, ledger, collect, "2026-10-01", "2026-11-01")
    assert not pays(workspace)
    monkeypatch.setattr("pipeline.published.compaction.FINISHED_PAYS", 2)
    assert pays(workspace)
    compact(workspace, ledger)
    assert not pays(workspace)


def test_stopped_at_any_step(workspace: Workspace, ledger: Ledger, monkeypatch: pytest.MonkeyPatch):
    """Every answer is the same after each stop, after going on, and after a rebuild; no file is left over."""
    made_once(workspace, ledger, collect, "2026-09-01", "2026-10-01", "2026-11-01")
    before = answers(workspace)
    for step in STEPS:
        with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
            patched.setattr(step, stop)
            compact(workspace, ledger)
        assert answers(workspace) == before
    assert (compact(workspace, ledger).months, answers(workspace) == before) == ((), True)
    rebuild(workspace, ledger)
    assert answers(workspace) == before
    assert len([path for path in (workspace.root / FOLDER).rglob("*") if path.is_file()]) == 2


def test_lost_file_is_named(workspace: Workspace, ledger: Ledger):
    """Without one of its files the database is told to be damaged, and the way out works."""
    made_once(workspace, ledger, collect, "2026-10-01", "2026-11-01")
    compact(workspace, ledger)
    before = answers(workspace)
    next((workspace.root / FOLDER).glob("*/*.parquet")).unlink()
    with pytest.raises(StorageError, match="cannot be read"):
        open_generation(workspace).rows("FROM artist_snapshots")
    rebuild(workspace, ledger)
    assert answers(workspace) == before


def test_lost_file_is_made_again(workspace: Workspace, clock: Clock):
    """What every question about it says to run, where a file is gone, makes it again, also before an export."""
    with closing(Ledger(workspace.ledger, clock.now)) as ledger:
        collect(workspace, ledger, "2026-03-30", "2026-04-02")
        compact(workspace, ledger)
    before = answers(workspace)
    files(workspace)[0].unlink()
    with pytest.raises(DamagedFile, match=r"Run `python -m pipeline recover`"):
        export_stream(open_generation(workspace), "artist_snapshots", BytesIO(), "csv")
    assert ["history files that are gone" in each.what for each in recover(workspace, clock.now)] == [True]
    assert (answers(workspace), recover(workspace, clock.now)) == (before, ())
