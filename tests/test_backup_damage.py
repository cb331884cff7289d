"""A damaged backup or workspace is refused by name, a wrong place too; a full disk leaves all as it was."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.errors import DamagedFile, DiskFull, SchemaMismatch, SettingsError
from pipeline.moving.backup import back_up, restore
from pipeline.moving.backup_files import find_backup, hash_of, ledger_name
from pipeline.published.publish import rebuild
from pipeline.records.ledger import Ledger
from pipeline.workspace import Workspace
from tests.conftest import Clock
from tests.harm import fill, flip, small_disk_at
from tests.published import answers, every_row
from tests.receipts import artist, commit_lines, line, names


@pytest.mark.parametrize("kind", ["ledger-*.sqlite", "raw/**/*.zst", "lake/artists/**/*.parquet"])
@pytest.mark.parametrize("damage", [flip, Path.unlink])
def test_damaged_backup_is_refused(
    filled: Workspace, ledger: Ledger, clock: Clock, tmp_path: Path, kind: str, damage: Callable[[Path], None]
) -> None:
    """A bit or a file less: the file is named, and the workspace stays as it was."""
    back_up(filled, tmp_path / "b", clock.now())
    ledger.close()
    before, victim = every_row(filled), next((tmp_path / "b").glob(kind))
    damage(victim)
    with pytest.raises(DamagedFile, match=victim.name.replace(".", r"\.")):
        restore(tmp_path / "b", filled, clock.now, force=True)
    assert (every_row(filled), (filled.root / "restoring").exists()) == (before, False)


def test_damaged_workspace_is_said(filled: Workspace, ledger: Ledger, clock: Clock, tmp_path: Path) -> None:
    """A part that is not what was committed is no backup: it is named, and an earlier backup stays whole."""
    back_up(filled, tmp_path / "b", clock.now())
    before = names(tmp_path / "b")
    commit_lines(filled, ledger, line("2026-11-23", artist()), run_id="run-3")
    flip(filled.root / ledger.parts()[-1].path)
    with pytest.raises(DamagedFile, match="is not what was committed: its hash differs"):
        back_up(filled, tmp_path / "b", clock.now())
    assert names(tmp_path / "b") == before


@pytest.mark.parametrize("place", [0, 20, 150])
def test_damaged_manifest_costs_nothing(
    filled: Workspace, other: Workspace, clock: Clock, tmp_path: Path, place: int
) -> None:
    """A backup whose manifest is cut is restored by its ledger, and mended by a backup of its own workspace alone."""
    made = back_up(filled, tmp_path / "b", clock.now())
    path = tmp_path / "b" / "backup.json"
    path.write_text(path.read_text(encoding="utf-8")[:place], encoding="utf-8")
    found, _ = restore(tmp_path / "b", other, clock.now)
    assert (found.ledger, found.files, found.bytes) == (made.ledger, made.files, made.bytes)
    assert answers(other) == answers(filled)
    strange = Workspace(tmp_path / "strange" / filled.name)
    strange.root.mkdir(parents=True)
    with closing(Ledger(strange.ledger, clock.now)) as ledger:
        commit_lines(strange, ledger, line("2026-11-24", artist()), run_id="of-its-own")
    with pytest.raises(SettingsError, match=r"knows none"):
        back_up(strange, tmp_path / "b", clock.now())
    assert back_up(filled, tmp_path / "b", clock.now()).copied == 0
    assert json.loads(path.read_text(encoding="utf-8"))["files"] == made.files


@pytest.mark.parametrize("changes", [{"format": "other"}, {"ledger": "../x"}, {"files": None, "ledger": 1}, None])
def test_ledger_stands_for_its_manifest(
    filled: Workspace, other: Workspace, clock: Clock, tmp_path: Path, changes: dict[str, object] | None
) -> None:
    """What a manifest says that is none, or was lost, changes nothing, unless the ledger beside it is damaged, too."""
    made = back_up(filled, tmp_path / "b", clock.now())
    path = tmp_path / "b" / "backup.json"
    if changes is None:
        path.unlink()
    else:
        path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | changes), encoding="utf-8")
    found = find_backup(tmp_path / "b", "x")
    assert found == replace(made, workspace="x", made_at=found.made_at if found else "", copied=0)
    (tmp_path / "b" / made.ledger).write_bytes(b"")
    with pytest.raises(DamagedFile if changes else SettingsError):
        restore(tmp_path / "b", other, clock.now)
    assert names(other.root) == []


def test_demo_is_known_by_its_runs(filled: Workspace, other: Workspace, clock: Clock, tmp_path: Path) -> None:
    """Made-up artists do not come among real ones because a manifest was lost."""
    with closing(Ledger(filled.ledger, clock.now)) as ledger:
        ledger.begin_run("made-up", "demo", {}, 1)
    back_up(filled, tmp_path / "b", clock.now())
    (tmp_path / "b" / "backup.json").unlink()
    with pytest.raises(SettingsError, match="synthetic and real artists"):
        restore(tmp_path / "b", other, clock.now)


def changed(backup: Path, **changes: object) -> None:
    """Make a manifest say something else."""
    path = backup / "backup.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | changes), encoding="utf-8")


@pytest.mark.parametrize("has_manifest", [True, False])
def test_newer_backups_are_refused(
    filled: Workspace,
    other: Workspace,
    clock: Clock,
    tmp_path: Path,
    has_manifest: bool,  # noqa: FBT001
) -> None:
    """A newer program's backup changes nothing, also where its ledger alone is left to say so."""
    made = back_up(filled, tmp_path / "b", clock.now())
    ledger = tmp_path / "b" / made.ledger
    with closing(sqlite3.connect(ledger)) as connection:
        connection.execute("PRAGMA user_version = 99")
    sha256 = hash_of(ledger)
    ledger.rename(tmp_path / "b" / ledger_name(sha256))
    changed(tmp_path / "b", ledger=ledger_name(sha256), ledger_sha256=sha256, ledger_version=99)
    if not has_manifest:
        (tmp_path / "b" / "backup.json").unlink()
    with pytest.raises(SchemaMismatch, match="was written by a newer version of this program"):
        restore(tmp_path / "b", other, clock.now)
    assert names(other.root) == []


def test_flipped_version_is_no_newer_program(filled: Workspace, other: Workspace, clock: Clock, tmp_path: Path) -> None:
    """A digit that its ledger contradicts is damage, and costs nothing; where it cannot, both readings are told."""
    made = back_up(filled, tmp_path / "b", clock.now())
    changed(tmp_path / "b", version=9)
    with pytest.raises(SchemaMismatch, match=r"where no newer one ever was, the file is damaged: move it away"):
        restore(tmp_path / "b", other, clock.now)
    assert names(other.root) == []
    changed(tmp_path / "b", version=1, ledger_version=90)
    assert restore(tmp_path / "b", other, clock.now)[0].ledger == made.ledger
    assert answers(other) == answers(filled)
    (tmp_path / "b" / made.ledger).write_bytes(b"")  # then nothing is known but what the manifest says
    with pytest.raises(SchemaMismatch, match="was written by a newer version"):
        restore(tmp_path / "b", other, clock.now, force=True)


def test_outside_is_never_written(
    filled: Workspace, ledger: Ledger, other: Workspace, clock: Clock, tmp_path: Path
) -> None:
    """A ledger that names files elsewhere is damaged, on the way in and on the way out."""
    with ledger.write() as connection:
        connection.execute("UPDATE parts SET path = 'lake/../../../escaped' WHERE seq = 1")
    with pytest.raises(DamagedFile, match="names a file outside"):
        back_up(filled, tmp_path / "b", clock.now())


def test_wrong_places_are_refused(filled: Workspace, other: Workspace, clock: Clock, tmp_path: Path) -> None:
    """A folder with other things, the workspace itself, a file, another workspace's backup, no backup at all."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("x", encoding="utf-8")
    back_up(filled, tmp_path / "b", clock.now())
    for target, said in (
        (tmp_path / "mine", "is no backup and not empty"),
        (filled.root / "b", "lie within one another"),
        (filled.root.parent, "lie within one another"),
        (tmp_path / "mine" / "thesis.txt", "is a file"),
    ):
        with pytest.raises(SettingsError, match=said):
            back_up(filled, target, clock.now())
    with pytest.raises(SettingsError, match="is a backup of workspace test, not demo"):
        back_up(Workspace(tmp_path / "demo"), tmp_path / "b", clock.now())
    with pytest.raises(SettingsError, match="nothing was collected yet"):
        back_up(other, tmp_path / "c", clock.now())
    with pytest.raises(SettingsError, match=r"mine is no backup: it has no backup\.json"):
        restore(tmp_path / "mine", other, clock.now)


def test_namesake_leaves_a_backup_alone(filled: Workspace, other: Workspace, clock: Clock, tmp_path: Path) -> None:
    """A workspace of the same name that knows no run of a backup (another machine's, or begun anew) is refused."""
    back_up(filled, tmp_path / "b", clock.now())
    kept = names(tmp_path / "b")
    with closing(Ledger(other.ledger, clock.now)) as ledger:
        commit_lines(other, ledger, line("2026-11-24", artist()), run_id="of-its-own")
    with pytest.raises(SettingsError, match=r"is a backup with \d runs, of which .* knows none"):
        back_up(other, tmp_path / "b", clock.now())
    assert names(tmp_path / "b") == kept


@pytest.mark.parametrize("place_for", ["half the ledger", "the ledger and little more"])
def test_full_disk_is_said(filled: Workspace, clock: Clock, tmp_path: Path, place_for: str) -> None:
    """A disk that fills up while copying ends in a sentence, both ways; what was there before stays."""
    made = back_up(filled, tmp_path / "b", clock.now())
    pages = (tmp_path / "b" / made.ledger).stat().st_size // 4096
    kilobytes = pages * 2 if place_for == "half the ledger" else pages * 4 + 12
    with small_disk_at(tmp_path / "small", f"{kilobytes}k") as small:
        with pytest.raises(DiskFull):
            back_up(filled, small / "b", clock.now())
        shutil.rmtree(small / "b")
        (small / "test").mkdir()
        with pytest.raises(DiskFull):
            restore(tmp_path / "b", Workspace(small / "test"), clock.now)
        assert names(small / "test") == ["run.lock"]


def test_restored_and_not_published(filled: Workspace, clock: Clock, small_disk: Workspace, tmp_path: Path) -> None:
    """Where there is room for the files of a backup and no more, what is said to end it ends it."""
    made = back_up(filled, tmp_path / "b", clock.now())
    room = 4 * (tmp_path / "b" / made.ledger).stat().st_size
    ballast = fill(small_disk.root.parent, room)
    with pytest.raises(DiskFull, match=r"holds the backup.*`python -m pipeline rebuild`, not the restore again"):
        restore(tmp_path / "b", small_disk, clock.now)
    ballast.unlink()
    with closing(Ledger(small_disk.ledger, clock.now)) as ledger:
        rebuild(small_disk, ledger)
    assert answers(small_disk) == answers(filled)
