"""A backup holds the ledger and what it names, whole, while others write; a restore gives the same answers."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest

from pipeline.errors import DamagedFile, RunInProgress, SettingsError, WriterBusy
from pipeline.moving.backup import Backup, back_up, restore
from pipeline.published.generations import open_generation
from pipeline.published.publish import publish
from pipeline.records.ledger import Ledger
from pipeline.records.lock import hold_run_lock
from pipeline.workspace import Workspace
from tests.conftest import Clock
from tests.published import every_row
from tests.receipts import artist, commit_lines, line, names


def test_restored_answers_are_the_same(filled: Workspace, other: Workspace, clock: Clock, tmp_path: Path) -> None:
    """Every published row of the backed-up workspace is in the restored one."""
    made = back_up(filled, tmp_path / "b", clock.now())
    assert restore(tmp_path / "b", other, clock.now) == (made, None)
    assert every_row(other) == every_row(filled)
    assert names(other.raw) == names(filled.raw)
    assert names(other.lake) == names(filled.lake)


def test_backup_holds_what_the_ledger_names(filled: Workspace, clock: Clock, tmp_path: Path) -> None:
    """Neither what killed writers left nor the cache is copied; the manifest counts files and bytes."""
    (filled.lake / "artists" / "orphan.parquet").write_bytes(b"x")
    made = back_up(filled, tmp_path / "b", clock.now())
    named = [name for name in names(filled.root) if name.startswith(("raw/", "lake/")) and "orphan" not in name]
    assert names(tmp_path / "b") == sorted(["backup.json", made.ledger, *named])
    size = sum((tmp_path / "b" / name).stat().st_size for name in named)
    assert (made.workspace, made.made_at, made.files, made.bytes, made.copied) == (
        "test", "2026-11-22T06:00:00Z", len(named), size, len(named),
    )  # fmt: skip


def test_second_backup_copies_the_difference(
    filled: Workspace, ledger: Ledger, clock: Clock, tmp_path: Path, other: Workspace
) -> None:
    """Into the same folder only new files go, a spoilt one again; what the ledger let go of leaves the backup too."""
    back_up(filled, tmp_path / "b", clock.now())
    first = {part.table: part.path for part in reversed(ledger.parts())}
    gone, spoilt = first["artist_snapshots"], first["artists"]
    with ledger.write() as connection:
        connection.execute("DELETE FROM parts WHERE path = ?", (gone,))
    (tmp_path / "b" / spoilt).write_bytes(b"rot")
    commit_lines(filled, ledger, line("2026-11-23", artist(popularity=1)), run_id="run-3")
    made = back_up(filled, tmp_path / "b", clock.move(days=1))
    assert (made.copied, (tmp_path / "b" / gone).exists()) == (4, False)  # a raw file, two parts, the spoilt one
    restore(tmp_path / "b", other, clock.now)
    assert [path.name for path in (tmp_path / "b").glob("ledger*")] == [made.ledger]


@pytest.mark.slow
def test_backup_while_others_write(filled: Workspace, clock: Clock, tmp_path: Path, other: Workspace) -> None:
    """Batches committed and published meanwhile: each is in the backup whole or not at all."""
    over, more, count = threading.Event(), threading.Semaphore(0), [0]

    def collect() -> None:
        writer = Ledger(filled.ledger, clock.now)
        while not over.is_set():
            count[0] += 1
            day = f"2026-{1 + count[0] // 27 % 10:02}-{1 + count[0] % 27:02}"
            commit_lines(filled, writer, line(day, artist(popularity=1)), run_id="run-x", batch_id=f"b-{count[0]}")
            publish(filled, writer)
            more.release()
        writer.close()

    def take(number: int) -> Backup:
        while more.acquire(blocking=False):
            pass
        assert more.acquire(timeout=60)
        assert more.acquire(timeout=60)  # a whole batch came since the backup before
        return back_up(filled, tmp_path / f"b{number}", clock.now())

    collector = threading.Thread(target=collect)
    collector.start()
    try:
        made = [take(number) for number in range(3)]
    finally:
        over.set()
        collector.join()
    assert made[0].files < made[2].files
    restore(tmp_path / "b2", other, clock.now)
    with sqlite3.connect(other.ledger) as connection:
        batches = connection.execute("SELECT count(*) FROM raw_files").fetchone()[0]
        counted = connection.execute("SELECT count(*) FROM parts WHERE table_name = 'artist_snapshots'").fetchone()[0]
    assert (batches, len(names(other.raw))) == (counted, counted)
    assert [row[2] for row in open_generation(other).rows("FROM runs ORDER BY run_id")][-1] == "crashed"


def test_lost_file_is_named(filled: Workspace, ledger: Ledger, clock: Clock, tmp_path: Path) -> None:
    """A file that the ledger still names and that is not there is an error with its name."""
    lost = filled.root / ledger.parts()[0].path
    lost.unlink()
    with pytest.raises(DamagedFile, match=rf"{lost.name} is missing, yet the ledger has it"):
        back_up(filled, tmp_path / "b", clock.now())


@pytest.mark.slow
def test_backup_while_files_go(filled: Workspace, ledger: Ledger, clock: Clock, tmp_path: Path) -> None:
    """Files let go of meanwhile, ledger first, make the backup begin again, not fail."""
    for number in range(60):
        commit_lines(filled, ledger, line("2026-11-22", artist(popularity=1)), batch_id=f"b-{number}")
    doomed = [part.path for part in ledger.parts()]

    def purge() -> None:
        own = Ledger(filled.ledger, clock.now)
        for start in range(0, len(doomed), 20):
            gone = doomed[start : start + 20]
            with own.write() as connection:
                connection.executemany("DELETE FROM parts WHERE path = ?", [(path,) for path in gone])
            for path in gone:
                (filled.root / path).unlink()
        own.close()

    purging = threading.Thread(target=purge)
    purging.start()
    try:
        made = back_up(filled, tmp_path / "b", clock.now())
    finally:
        purging.join()
    assert len(names(tmp_path / "b")) == made.files + 2


def test_restore_keeps_what_was_there(filled: Workspace, ledger: Ledger, clock: Clock, tmp_path: Path) -> None:
    """Without force a workspace with data is left alone; with it the old files are moved aside, whole."""
    back_up(filled, tmp_path / "b", clock.now())
    before = every_row(filled)
    commit_lines(filled, ledger, line("2026-11-23", artist(name="Later")), run_id="run-3")
    publish(filled, ledger)
    ledger.close()
    with pytest.raises(SettingsError, match=r"holds data\. Use --force"):
        restore(tmp_path / "b", filled, clock.now)
    assert every_row(filled) != before
    later = names(filled.lake)
    _, aside = restore(tmp_path / "b", filled, clock.now, force=True)
    assert every_row(filled) == before
    assert aside == filled.root / "replaced-20261122T060000"
    assert names(aside / "lake") == later


@pytest.mark.parametrize(("backed_up", "restored"), [("demo", "spotify"), ("spotify", "demo")])
def test_synthetic_and_real_are_never_mixed(
    backed_up: str, restored: str, filled: Workspace, clock: Clock, tmp_path: Path
) -> None:
    """A backup of the demo is brought back to the demo alone, and no other one is, with force neither."""
    source, target = (Workspace(tmp_path / "places" / name) for name in (backed_up, restored))
    source.root.parent.mkdir()
    filled.root.rename(source.root)
    back_up(source, tmp_path / "b", clock.now())
    target.root.mkdir()
    with pytest.raises(SettingsError, match=f"is a backup of workspace {backed_up}, and this is {restored}: synthetic"):
        restore(tmp_path / "b", target, clock.now, force=True)
    assert names(target.root) == []


def test_restore_waits_for_nobody(
    filled: Workspace, ledger: Ledger, other: Workspace, clock: Clock, tmp_path: Path
) -> None:
    """While a run holds the workspace, or the app has its ledger open, nothing is restored over it."""
    back_up(filled, tmp_path / "b", clock.now())
    ledger.runs()
    with pytest.raises(WriterBusy, match="is open in the app or another program"):
        restore(tmp_path / "b", filled, clock.now, force=True)
    ledger.close()
    with hold_run_lock(other, "run-9", "cli", clock.now()), pytest.raises(RunInProgress):
        restore(tmp_path / "b", other, clock.now)
    assert names(other.root) == ["run.lock"]


def test_made_twice_is_the_same(filled: Workspace, clock: Clock, tmp_path: Path) -> None:
    """Nothing new: nothing is copied, and the ledger keeps its name."""
    first = back_up(filled, tmp_path / "b", clock.now())
    again = back_up(filled, tmp_path / "b", clock.now())
    assert again == Backup(**{**first.__dict__, "copied": 0})
