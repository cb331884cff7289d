"""Volumes when something goes wrong: killed, damaged, lost, a full disk, a store. No row is lost, none doubled."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.errors import DamagedFile, DiskFull
from pipeline.keeping import binding
from pipeline.keeping.binding import bind
from pipeline.keeping.purge import purge_artist
from pipeline.keeping.recovery import recover
from pipeline.lake.store import sweep
from pipeline.lake.truth import fetch_truth
from pipeline.lake.volumes import Member
from pipeline.moving.backup import back_up
from pipeline.published.as_of import build_as_of
from pipeline.published.checks import watch
from pipeline.published.compaction import compact
from pipeline.published.generations import open_generation
from pipeline.published.publish import publish, rebuild
from pipeline.queries.tracing import trace_rows
from pipeline.records.ledger import Ledger
from pipeline.runs.context import open_context
from pipeline.runs.tasks import plan
from pipeline.settings import Settings
from pipeline.workspace import Workspace
from tests.conftest import Clock
from tests.harm import fill, stop
from tests.payloads import artist, commit, search_line
from tests.stores import Stored
from tests.test_publish_upgrade import GIVEN
from tests.test_volumes import (
    BATCHES,
    RUN,
    SPAN,
    answers,
    begin,
    bound_files,
    collect_and_bind,
    forget,
    forget_days,
    lake_rows,
    unlisted,
)

# The last of each is one that a binding comes to once: when all volumes are there.
STEPS = (
    (
        "pipeline.lake.volumes._prove",
        "pipeline.lake.volumes.sha256_of",
        "pipeline.keeping.exchange.place_truth",
        "pipeline.keeping.exchange.remove_truth",
        "pipeline.published.placing.replace_file",
    ),
    ("pipeline.keeping.binding.remove_truth",),
    pytest.param(("pipeline.keeping.binding.publish",), marks=pytest.mark.slow),
)


@pytest.mark.parametrize("steps", STEPS, ids=["while it binds", "at the end", "before it publishes"])
def test_stopped_at_any_step(
    workspace: Workspace, ledger: Ledger, monkeypatch: pytest.MonkeyPatch, steps: tuple[str, ...]
):
    """Every answer is the same after each stop, after sweeping up, and after going on; no file is left over."""
    before = begin(workspace, ledger)
    for step in steps:
        with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
            patched.setattr(step, stop)
            bind(workspace, ledger)
        assert answers(workspace) == before[:1]
        sweep(workspace, ledger)
        publish(workspace, ledger)
        assert (answers(workspace), unlisted(workspace, ledger)) == (before[:1], set())
    forget_days(workspace)
    assert answers(workspace, SPAN) == before
    bind(workspace, ledger)
    assert (answers(workspace), unlisted(workspace, ledger)) == (before[:1], set())
    assert len(bound_files(workspace)) == 6


def test_stopped_right_after_the_commit(workspace: Workspace, ledger: Ledger, monkeypatch: pytest.MonkeyPatch):
    """What the ledger says already is the truth: the volume stays."""
    before = begin(workspace, ledger)
    write = ledger.write

    @contextmanager
    def interrupted(**how: Any) -> Iterator[Any]:
        with write(**how) as connection:
            yield connection
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(ledger, "write", interrupted)
        bind(workspace, ledger)
    assert len(bound_files(workspace)) == 1
    sweep(workspace, ledger)
    publish(workspace, ledger)
    forget_days(workspace)
    assert (answers(workspace, SPAN), unlisted(workspace, ledger)) == (before, set())


def test_damaged_part_waits(workspace: Workspace, ledger: Ledger):
    """A month with a part that is not what was committed is not bound, so that the damage is not taken for truth."""
    begin(workspace, ledger)
    path = workspace.root / ledger.read("SELECT path FROM parts WHERE table_name = 'releases'")[0]["path"]
    whole, rows = path.read_bytes(), pq.read_table(path)
    pq.write_table(rows.set_column(2, "name", pa.array(["Another name"])), path)
    assert (bind(workspace, ledger).volumes, "releases/month=2026-09" in bound_files(workspace)) == (5, False)
    path.write_bytes(whole)
    assert bind(workspace, ledger).volumes == 1


def test_volume_that_differs_is_refused(workspace: Workspace, ledger: Ledger, monkeypatch: pytest.MonkeyPatch):
    """Where what was written is not what the parts hold, they stay as they are."""
    begin(workspace, ledger)
    listed = ledger.read("SELECT * FROM parts ORDER BY seq")
    monkeypatch.setattr(binding, "Member", lambda seq, run, batch, day, rows: Member(seq, run, batch, day, rows + 1))
    assert (bind(workspace, ledger).volumes, bound_files(workspace)) == (0, [])
    assert (ledger.read("SELECT * FROM parts ORDER BY seq"), unlisted(workspace, ledger)) == (listed, set())


def test_damaged_volume_is_named(workspace: Workspace, ledger: Ledger, tmp_path: Path):
    """A check finds it, recovery says once what is lost, and a backup brings it back."""
    before, _ = begin(workspace, ledger, collect_and_bind)
    back_up(workspace, tmp_path / "backup", ledger.now())
    path = next(workspace.lake.glob("artists/month=*/*.parquet"))
    path.write_bytes(path.read_bytes()[:-9] + b"?" + path.read_bytes()[-8:])
    generation = open_generation(workspace)
    with generation.cursor() as cursor:
        found = watch(cursor, workspace, ledger, generation.number, ledger.now().date())
    (hashes,) = [each for each in found if each.check.name == "parts_keep_their_hash"]
    assert (hashes.violations, hashes.details) == (1, path.relative_to(workspace.root).as_posix())
    (told,) = recover(workspace, ledger.now)
    assert (told.mended, told.done.partition(":")[0]) == (
        False, "19 rows of artists of 2026-09-01 cannot be derived again"
    )  # fmt: skip
    (told,) = recover(workspace, ledger.now, tmp_path / "backup")
    assert (told.mended, answers(workspace)) == (True, [before])


def test_backup_from_before_mends_a_volume(workspace: Workspace, ledger: Ledger, tmp_path: Path):
    """Parts that a backup has from before they were bound come back as files of their own, and are bound again."""
    before = begin(workspace, ledger)
    back_up(workspace, tmp_path / "backup", ledger.now())
    bind(workspace, ledger)
    next(workspace.lake.glob("artists/month=*/*.parquet")).write_bytes(b"lost")
    forget_days(workspace)
    told, anew = recover(workspace, ledger.now, tmp_path / "backup")
    assert (told.mended, anew.done) == (True, "built anew from the parts")
    assert told.done == "19 rows brought back from the backup, of before they were bound"
    assert (answers(workspace, SPAN), unlisted(workspace, ledger)) == (before, set())
    assert (recover(workspace, ledger.now), bind(workspace, ledger).volumes) == ((), 1)
    assert answers(workspace) == before[:1]


def test_backup_brings_nobody_back(workspace: Workspace, ledger: Ledger, tmp_path: Path):
    """Of an artist purged since, whom a backup still has, nothing comes back: such rows stay lost, and that is said."""
    begin(workspace, ledger)
    back_up(workspace, tmp_path / "backup", ledger.now())
    bind(workspace, ledger)
    purge_artist(workspace, ledger, "b3")
    next(workspace.lake.glob("artists/month=*/*.parquet")).unlink()
    (told,) = [each for each in recover(workspace, ledger.now, tmp_path / "backup") if "artists/" in each.where]
    assert (told.mended, "1 rows of artists of 2026-09-01 cannot be derived again" in told.done) == (False, True)
    assert [row for row in lake_rows(workspace) if row.get("artist_id") == "b3"] == []


@pytest.mark.parametrize("lost", [("ledger.sqlite", "db"), ("ledger.sqlite",)], ids=["with the database", "alone"])
def test_lost_ledger_is_written_anew(workspace: Workspace, clock: Clock, lost: tuple[str, ...]):
    """Footers of volumes tell what they hold: every answer is the same, also without the database."""
    with closing(Ledger(workspace.ledger, clock.now)) as ledger:
        before = begin(workspace, ledger, collect_and_bind)
        listed = "SELECT table_name, path, rows, day, sha256, run_id, batch_id FROM parts ORDER BY 1, batch_id"
        parts = ledger.read(listed)
    for name in lost:
        for path in workspace.root.glob(f"{name}*"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    recover(workspace, clock.now)
    with closing(Ledger(workspace.ledger, clock.now)) as ledger:
        assert (ledger.read(listed), sweep(workspace, ledger)) == (parts, 0)
    assert answers(workspace, SPAN) == before


def test_ledger_set_back_is_noticed(workspace: Workspace, clock: Clock, tmp_path: Path):
    """One of before the binding knows files that are gone: nothing is swept away, and recovery finds all rows."""
    with closing(Ledger(workspace.ledger, clock.now)) as ledger:
        before = begin(workspace, ledger)
    shutil.copyfile(workspace.ledger, tmp_path / "old.sqlite")
    with closing(Ledger(workspace.ledger, clock.now)) as ledger:
        bind(workspace, ledger)
    shutil.copyfile(tmp_path / "old.sqlite", workspace.ledger)
    (extra := workspace.lake / "artists" / "day=2026-09-01" / f"{RUN}-killed-1.parquet").parent.mkdir(exist_ok=True)
    extra.write_bytes(b"left by a killed writer")
    lie = "knows nothing of 6 volumes"
    with closing(Ledger(workspace.ledger, clock.now)) as ledger, pytest.raises(DamagedFile, match=lie):
        sweep(workspace, ledger)
    (told, *_) = recover(workspace, clock.now)
    assert (told.mended, "knows nothing of 6 volumes" in told.what) == (True, True)
    with closing(Ledger(workspace.ledger, clock.now)) as ledger:
        assert unlisted(workspace, ledger) == set()
    assert answers(workspace) == before[:1]


def test_volumes_of_unknown_runs_stay(workspace: Workspace, clock: Clock):
    """Where the ledger was lost, and nothing else tells of it, volumes are not taken for what a killed writer left."""
    with closing(Ledger(workspace.ledger, clock.now)) as ledger:
        begin(workspace, ledger, collect_and_bind)
    shutil.rmtree(workspace.lake / "artist_snapshots")
    for path in workspace.root.glob("ledger.sqlite*"):
        path.unlink()
    with closing(Ledger(workspace.ledger, clock.now)) as ledger, pytest.raises(DamagedFile, match="knows nothing of 6"):
        sweep(workspace, ledger)
    assert len(bound_files(workspace)) == 6


def test_full_disk_keeps_parts(small_disk: Workspace):
    """Without space nothing is bound and nothing is lost; once there is enough, it is."""
    with closing(Ledger(small_disk.ledger, Clock().now)) as ledger:
        for number in range(BATCHES):
            names = [artist(f"a{n}", name=random.Random(n + number).randbytes(300).hex()) for n in range(50)]
            commit(small_disk, ledger, f"b{number}", search_line(*names, day=f"2026-09-{1 + number:02d}"))
        publish(small_disk, ledger)
        forget(small_disk, ledger)
        before = answers(small_disk)
        ballast = fill(small_disk.root.parent, 30_000)
        with pytest.raises(DiskFull, match="nothing was lost"):
            bind(small_disk, ledger)
        ballast.unlink()
        assert answers(small_disk) == before
        sweep(small_disk, ledger)
        assert unlisted(small_disk, ledger) == set()
        bind(small_disk, ledger)
        assert (answers(small_disk), len(bound_files(small_disk))) == (before, 3)


def test_volumes_in_a_store(stored: Stored, clock: Clock, monkeypatch: pytest.MonkeyPatch):
    """A volume lies in the store, too, the files of its parts no more; where copies are missing it is fetched once."""
    workspace, ledger = stored
    monkeypatch.setattr(binding, "PAYS", 2)
    forget(workspace, ledger)
    before = answers(workspace)
    clock.move(days=40)
    assert bind(workspace, ledger).volumes > 0
    assert workspace.store is not None
    kept = {name for name in workspace.store.names() if name.startswith("lake/")}
    assert kept == {row["path"] for row in ledger.read("SELECT path FROM parts")}
    for path in workspace.lake.glob("*/month=*/*.parquet"):
        path.unlink()
    rebuild(workspace, ledger)
    assert answers(workspace) == before


@pytest.mark.parametrize("step", ["pipeline.published.generations.build_as_of", "pipeline.queries.tracing.fetch_truth"])
def test_asked_while_files_go(workspace: Workspace, ledger: Ledger, monkeypatch: pytest.MonkeyPatch, step: str):
    """Who looks back, or asks where a value is from, while parts are bound is answered from where they lie then."""
    before = begin(workspace, ledger)
    traced = trace_rows(workspace, ledger, "artists", {"artist_id": "a1"}, SPAN)
    forget_days(workspace)
    then = {"build_as_of": build_as_of, "fetch_truth": fetch_truth}[step.rpartition(".")[2]]
    monkeypatch.setattr(step, lambda *given: [monkeypatch.undo(), bind(workspace, ledger), then(*given)][-1])
    found = trace_rows(workspace, ledger, "artists", {"artist_id": "a1"}, SPAN) if then is fetch_truth else traced
    assert answers(workspace, SPAN) == before
    assert ([each.row for each in found], len(bound_files(workspace))) == ([each.row for each in traced], 6)


def left_bound(workspace: Workspace, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A binding that was killed before it published where parts lie now; what was answered before it."""
    before = begin(workspace, ledger)
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr("pipeline.keeping.binding.publish", stop)
        bind(workspace, ledger)
    return before


def test_compacted_after_a_kill(workspace: Workspace, ledger: Ledger, monkeypatch: pytest.MonkeyPatch):
    """A compaction that comes right after a killed binding tells where parts lie now, instead of being refused."""
    before = left_bound(workspace, ledger, monkeypatch)
    assert (compact(workspace, ledger, all_months=True).rows > 0, answers(workspace, SPAN)) == (True, before)


def test_swept_after_a_kill(workspace: Workspace, ledger: Ledger, monkeypatch: pytest.MonkeyPatch):
    """A run that finds files of a killed binding tells first where their parts lie: looking back goes on."""
    before = left_bound(workspace, ledger, monkeypatch)
    forget_days(workspace)
    settings = Settings.model_validate({"data": workspace.root.parent, "workspace": "test", **GIVEN})
    with open_context(settings, ledger, "run-2") as context:
        assert plan(context)["swept"] == 6 * BATCHES
    assert answers(workspace, SPAN) == before
