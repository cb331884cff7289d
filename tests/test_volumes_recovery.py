"""Volumes when ledger and files are lost together, or one of them is of another day: named, and mended by a command."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.errors import DamagedFile
from pipeline.keeping.binding import bind
from pipeline.keeping.exchange import Exchange, settle
from pipeline.keeping.purge import purge_artist
from pipeline.keeping.recovery import recover
from pipeline.lake.store import sweep
from pipeline.moving.backup import back_up
from pipeline.published.generations import open_generation
from pipeline.records.ledger import Ledger
from pipeline.workspace import Workspace
from tests.conftest import Clock
from tests.copies import made_once
from tests.harm import cut, flip, lose, stop
from tests.payloads import artist, commit, search_line
from tests.stores import Stored
from tests.test_volumes import RUN, answers, begin, collect_and_bind, forget, lake_rows, unlisted

NAMES = "SELECT artist_id, name FROM artists ORDER BY ALL"
LISTED = "SELECT seq, path, sha256 FROM parts WHERE path LIKE '%/month=%' ORDER BY seq"


def bind_all(workspace: Workspace, ledger: Ledger) -> None:
    """Nine batches in volumes, and of numbers of artists, which are too old, nothing: no other file tells of them."""
    made_once(workspace, ledger, collect_and_bind)
    exchange = Exchange(workspace, ledger)
    for row in ledger.read("SELECT * FROM parts WHERE table_name = 'artist_snapshots'"):
        exchange.drop_part(row, "retention")
    exchange.carry_out()
    settle(workspace, ledger)


def own_file(workspace: Workspace, ledger: Ledger, name: str = "releases") -> None:
    """Have the last part of a lake table leave its volume with another name for what it says."""
    (*_, row) = ledger.read("SELECT * FROM parts WHERE table_name = ? ORDER BY seq", (name,))
    kept = pq.read_table(workspace.root / row["path"], filters=[("seq", "==", row["seq"])]).drop_columns(["seq"])
    place, buffer = kept.column_names.index("name"), pa.BufferOutputStream()
    pq.write_table(kept.set_column(place, "name", pa.array(["Other"] * kept.num_rows)), buffer)
    exchange = Exchange(workspace, ledger)
    exchange.replace_part(row, buffer.getvalue().to_pybytes(), row["rows"], 1)
    exchange.carry_out()
    settle(workspace, ledger)


def test_ledger_begun_anew(workspace: Workspace, clock: Clock):
    """Places that a new ledger gave to others: every row is found again, and a second look finds nothing."""
    with closing(Ledger(workspace.ledger, clock.now)) as ledger:
        made_once(workspace, ledger, bind_all)
    before, releases = open_generation(workspace).rows(NAMES), answers(workspace)[0]["releases"]
    lose(workspace, "ledger.sqlite"), lose(workspace, "db")
    workspace.db.mkdir()
    with closing(Ledger(workspace.ledger, clock.now)) as ledger:
        commit(workspace, ledger, "x", search_line(artist("z")), run_id="20261122T060000-abc124")
        with pytest.raises(DamagedFile, match="knows nothing of 6 volumes"):
            sweep(workspace, ledger)
    assert [each.mended for each in recover(workspace, clock.now)] == [True, True]
    assert open_generation(workspace).rows(NAMES) == [*before, ("z", "Artist z")]
    assert answers(workspace)[0]["releases"] == releases
    assert recover(workspace, clock.now) == ()


def test_set_back_within_a_run(workspace: Workspace, clock: Clock, tmp_path: Path):
    """A ledger that knows the run, and none of its parts, does not take volumes for what a killed writer left."""
    with closing(Ledger(workspace.ledger, clock.now)) as ledger:
        ledger.begin_run(RUN, "cli", {}, 1)
    shutil.copyfile(workspace.ledger_file, tmp_path / "old.sqlite")
    with closing(Ledger(workspace.ledger, clock.now)) as ledger:
        made_once(workspace, ledger, bind_all)
    before = answers(workspace)
    lose(workspace, "ledger.sqlite"), lose(workspace, "db")
    workspace.db.mkdir()
    shutil.copyfile(tmp_path / "old.sqlite", workspace.ledger_file)
    with closing(Ledger(workspace.ledger, clock.now)) as ledger, pytest.raises(DamagedFile, match="6 volumes"):
        sweep(workspace, ledger)
    recover(workspace, clock.now)
    assert answers(workspace) == before


@pytest.mark.parametrize("harm", [flip, pytest.param(cut, marks=pytest.mark.slow)])
def test_damaged_volume_without_ledger(
    workspace: Workspace, clock: Clock, tmp_path: Path, harm: Callable[[Path], None]
):
    """It is put aside and named, not swept away, told of again while nothing can be published; a backup mends it."""
    with closing(Ledger(workspace.ledger, clock.now)) as ledger:
        begin(workspace, ledger, collect_and_bind)
    back_up(workspace, tmp_path / "backup", clock.now())
    before = answers(workspace)
    harm(path := next(workspace.lake.glob("artists/month=*/*.parquet")))
    harmed, name = path.read_bytes(), path.relative_to(workspace.root).as_posix()
    lose(workspace, "ledger.sqlite"), lose(workspace, "db")
    workspace.db.mkdir()
    _, told, refused = recover(workspace, clock.now)
    assert (told.where, told.mended, next(workspace.root.glob(f"damaged/*/{name}")).read_bytes()) == (
        name, False, harmed
    )  # fmt: skip
    (again,) = recover(workspace, clock.now)
    assert all("artist_genres_owned" in each.done and name in each.done for each in (refused, again))
    assert all(each.mended for each in recover(workspace, clock.now, tmp_path / "backup"))
    assert answers(workspace) == before
    assert recover(workspace, clock.now) == ()


def test_damaged_volume_without_database(workspace: Workspace, ledger: Ledger, tmp_path: Path):
    """What is lost is said, though nothing can be published until a backup brings it back."""
    begin(workspace, ledger, collect_and_bind)
    back_up(workspace, tmp_path / "backup", ledger.now())
    before = answers(workspace)
    flip(path := next(workspace.lake.glob("artists/month=*/*.parquet")))
    lose(workspace, "db")
    workspace.db.mkdir()
    told = recover(workspace, ledger.now)
    assert [(each.where.rpartition("/")[2], each.mended) for each in told] == [(path.name, False), ("db", False)]
    assert all(each.mended for each in recover(workspace, ledger.now, tmp_path / "backup"))
    assert answers(workspace) == before


def test_sweep_keeps_damaged_volumes(workspace: Workspace, ledger: Ledger):
    """One that no ledger lists may be the last that holds its rows: nothing is removed before it was looked at."""
    begin(workspace, ledger, collect_and_bind)
    stray = next(workspace.lake.glob("artists/month=*/*.parquet")).with_name("0123456789abcdef.parquet")
    stray.write_bytes(b"no Parquet any more")
    with pytest.raises(DamagedFile, match=r"0123456789abcdef\.parquet is not what its name says"):
        sweep(workspace, ledger)
    ledger.close()
    (told,) = recover(workspace, ledger.now)
    assert (told.where.rpartition("/")[2], told.mended, stray.exists()) == (stray.name, False, False)


def test_part_that_left_is_kept(workspace: Workspace, clock: Clock):
    """Without ledger and database the younger file of a part counts, not what its volume still has of it."""
    with closing(Ledger(workspace.ledger, clock.now)) as ledger:
        begin(workspace, ledger, collect_and_bind)
        own_file(workspace, ledger)
        listed = ledger.read(LISTED)
    before = answers(workspace)
    assert "Other" in str(before[0]["releases"])
    lose(workspace, "ledger.sqlite"), lose(workspace, "db")
    workspace.db.mkdir()
    recover(workspace, clock.now)
    with closing(Ledger(workspace.ledger, clock.now)) as ledger:
        assert ledger.read(LISTED) == listed
    assert answers(workspace) == before


def test_purged_stay_away(workspace: Workspace, clock: Clock):
    """A volume of before a purge, which a kill left, does not count beside the one after it, whatever is lost."""
    with closing(Ledger(workspace.ledger, clock.now)) as ledger:
        begin(workspace, ledger, collect_and_bind)
        old = {path: path.read_bytes() for path in workspace.lake.glob("*/month=*/*.parquet")}
        purge_artist(workspace, ledger, "b3")
    for path, content in old.items():
        if not path.exists():
            path.write_bytes(content)
            os.utime(path, (1, 1))
    lose(workspace, "ledger.sqlite"), lose(workspace, "db")
    workspace.db.mkdir()
    recover(workspace, clock.now)
    assert "b3" not in {value for row in lake_rows(workspace) for value in row.values() if isinstance(value, str)}
    assert [row[0] for row in open_generation(workspace).rows(NAMES)] == ["a1", *(f"b{n}" for n in range(9) if n != 3)]


def test_set_back_with_evicted_volumes(stored: Stored, clock: Clock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Volumes that lie in the store alone are read before a ledger of before takes them for nobody's."""
    monkeypatch.setattr("pipeline.keeping.binding.PAYS", 2)
    workspace, ledger = stored
    exchange = Exchange(workspace, ledger)
    for row in ledger.read("SELECT * FROM raw_files"):
        exchange.drop_raw(row, "retention")
    exchange.carry_out()
    clock.move(days=40)
    ledger.close()
    shutil.copyfile(workspace.ledger_file, tmp_path / "old.sqlite")
    bind(workspace, ledger)
    before = answers(workspace)
    for path in workspace.lake.glob("*/month=*/*.parquet"):
        path.unlink()
    ledger.close()
    lose(workspace, "ledger.sqlite")
    shutil.copyfile(tmp_path / "old.sqlite", workspace.ledger_file)
    (extra := workspace.lake / "artists" / "x.parquet").write_bytes(b"of a killed writer")
    with closing(Ledger(workspace.ledger, clock.now)) as found, pytest.raises(DamagedFile, match="volumes"):
        extra.unlink()
        sweep(workspace, found)
    assert all(each.mended for each in recover(workspace, clock.now))
    assert answers(workspace) == before


def test_some_answers_came_back(workspace: Workspace, clock: Clock):
    """Of a damaged volume what still has answers is derived from them, and the rest is told as lost."""
    with closing(Ledger(workspace.ledger, clock.now)) as ledger:
        begin(workspace, ledger, forgets=False)
        raw = {path: path.read_bytes() for path in sorted(workspace.raw.rglob("*.zst"))[:2]}
        forget(workspace, ledger)
        bind(workspace, ledger)
    for path, content in raw.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    lose(workspace, "ledger.sqlite")
    assert all(each.mended for each in recover(workspace, clock.now))
    flip(next(workspace.lake.glob("artists/month=*/*.parquet")))
    (told,) = recover(workspace, clock.now)
    assert (told.mended, told.done.partition(" of artists")[0]) == (False, "4 rows derived again from answers; 15 rows")
    (told,) = recover(workspace, clock.now)
    assert (told.mended, told.done.partition(" of artists")[0]) == (False, "15 rows")


PURGE = (
    "exchange.remove_truth",
    *(
        pytest.param(step, marks=pytest.mark.slow)
        for step in ("exchange.place_truth", "purge.settle", "exchange.sweep", "exchange.rebuild")
    ),
)


@pytest.mark.parametrize("step", PURGE)
def test_purge_stopped_anywhere(workspace: Workspace, clock: Clock, monkeypatch: pytest.MonkeyPatch, step: str):
    """Whoever a stopped purge took from the ledger does not come back by recovery, and the ledger is not in doubt."""
    monkeypatch.setattr("pipeline.keeping.binding.PAYS", 1)
    with closing(Ledger(workspace.ledger, clock.now)) as ledger:
        for name in ("gone", "stays"):
            commit(workspace, ledger, name, search_line(artist(name), day="2026-09-01", genre=name), run_id=RUN)
        ledger.finish_run(RUN, "succeeded")
        forget(workspace, ledger)
        bind(workspace, ledger)
        with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
            patched.setattr(f"pipeline.keeping.{step}", stop)
            purge_artist(workspace, ledger, "gone")
    told = [each.what for each in recover(workspace, clock.now)]
    assert not [what for what in told if "knows nothing" in what]
    with closing(Ledger(workspace.ledger, clock.now)) as ledger:
        purge_artist(workspace, ledger, "gone")
        assert unlisted(workspace, ledger) == set()
    assert open_generation(workspace).rows(NAMES) == [("stays", "Artist stays")]
    assert "gone" not in {row.get("artist_id") for row in lake_rows(workspace)}
    assert recover(workspace, clock.now) == ()


def test_store_mends_what_nobody_lists(stored: Stored, clock: Clock, monkeypatch: pytest.MonkeyPatch):
    """Where the ledger is lost as well a damaged copy of a volume is replaced by the whole one, not both removed."""
    monkeypatch.setattr("pipeline.keeping.binding.PAYS", 2)
    workspace, ledger = stored
    forget(workspace, ledger)
    clock.move(days=40)
    bind(workspace, ledger)
    before = answers(workspace)
    flip(path := next(workspace.lake.glob("artists/month=*/*.parquet")))
    ledger.close()
    lose(workspace, "ledger.sqlite"), lose(workspace, "db")
    workspace.db.mkdir()
    told, *others = recover(workspace, clock.now)
    assert (told.where.rpartition("/")[2], told.done) == (path.name, "brought back from the store")
    assert all(each.mended for each in others)
    assert answers(workspace) == before


def test_purged_on_another_machine(stored: Stored, clock: Clock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Copies of volumes that a machine has left, of what was purged elsewhere, put no ledger in doubt: they go."""
    monkeypatch.setattr("pipeline.keeping.binding.PAYS", 1)
    here, ledger = stored
    commit(here, ledger, "gone", search_line(artist("gone")), run_id=RUN)
    forget(here, ledger)
    clock.move(days=40)
    bind(here, ledger)
    shutil.copytree(here.root, tmp_path / "there", ignore=lambda _, names: [n for n in names if "ledger" in n])
    there = Workspace(tmp_path / "there", store=here.store)
    there.ledger_file.symlink_to(here.ledger_file)
    assert "gone" in str(lake_rows(there))
    purge_artist(here, ledger, "gone")
    with closing(Ledger(there.ledger, clock.now)) as shared:
        assert settle(there, shared)
    assert "gone" not in str(lake_rows(there))
    assert answers(there) == answers(here)
