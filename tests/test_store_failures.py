"""A disk that is full or cannot be written: one clear error, nothing half-written, and the next try succeeds."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from stat import S_ISDIR
from threading import Barrier

import pytest

from pipeline.clock import system_now
from pipeline.errors import DiskFull, StorageError
from pipeline.keeping.recovery import recover
from pipeline.lake.files import place_files, replace_file, write_hidden
from pipeline.lake.store import sweep
from pipeline.published.generations import current_number, open_generation
from pipeline.published.publish import publish
from pipeline.records.ledger import Ledger
from pipeline.records.lock import hold_run_lock
from pipeline.watching.doctor import diagnose
from pipeline.workspace import Workspace
from tests.commands import ROOT
from tests.harm import fill
from tests.payloads import artist, commit, search_line


def files(workspace: Workspace) -> set[str]:
    """Every file of the truth and every generation, hidden ones too."""
    roots = (workspace.raw, workspace.lake, workspace.db)
    found = {path for root in roots for path in root.rglob("*") if path.is_file() and path.name != ".lock"}
    return {path.relative_to(workspace.root).as_posix() for path in found}


def page(number: int) -> object:
    """A page with fifty artists whose names do not compress well."""
    return search_line(*(artist(f"a{number}x{n}", name=os.urandom(300).hex()) for n in range(50)))


def test_commit_on_a_full_disk(small_disk: Workspace):
    """Wherever space runs out, a batch is there whole or not at all; once there is enough it is taken."""
    ledger = Ledger(small_disk.ledger)
    commit(small_disk, ledger, "first", page(1))
    before, failures = files(small_disk), 0
    ledger.begin_task("run-1", "second", 1, "discover")
    for leave in range(0, shutil.disk_usage(small_disk.root).total, 8_192):
        ballast = fill(small_disk.root.parent, leave)
        try:
            commit(small_disk, ledger, "second", page(2), begin=False)
        except DiskFull as error:
            failures += "Free some space" in str(error)
            assert (files(small_disk), len(ledger.parts())) == (before, 4)
        else:
            break
        finally:
            ballast.unlink()
    assert failures > 5
    assert (len(ledger.parts()), sweep(small_disk, ledger), len(files(small_disk))) == (8, 0, 10)
    ledger.close()


def test_publish_on_a_full_disk(small_disk: Workspace):
    """The current generation stays, nothing of the new one is left, and publishing succeeds once there is space."""
    ledger = Ledger(small_disk.ledger)
    commit(small_disk, ledger, "first", page(1))
    publish(small_disk, ledger)
    commit(small_disk, ledger, "second", page(2))
    before = files(small_disk)
    ballast = fill(small_disk.root.parent, 300_000)
    with pytest.raises(DiskFull, match="No space left for"):
        publish(small_disk, ledger)
    assert (files(small_disk), current_number(small_disk)) == (before, 1)
    assert open_generation(small_disk).rows("SELECT count(*) FROM artists") == [(50,)]
    ballast.unlink()
    assert publish(small_disk, ledger).changed
    assert open_generation(small_disk).rows("SELECT count(*) FROM artists") == [(100,)]
    ledger.close()


LIMITED = """
import resource, sys
from pathlib import Path
from pipeline.clock import system_now
from pipeline.errors import DiskFull
from pipeline.lake.files import replace_file
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
try:
    replace_file(Path(sys.argv[1]) / "kept", b"x" * 20_000)
except DiskFull as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits of a process are POSIX")
def test_lock_on_a_full_disk(small_disk: Workspace):
    """Who takes the run lock where not even their name can be noted is told so, and leaves no file and no lock."""
    ballast = fill(small_disk.root.parent, 0)
    now = datetime(2026, 1, 5, tzinfo=UTC)
    with pytest.raises(DiskFull, match="Free some space"), hold_run_lock(small_disk, "first", "recover", now):
        pytest.fail("the lock was given")
    assert [path.name for path in small_disk.root.iterdir() if path.is_file()] == ["run.lock"]
    ballast.unlink()
    with hold_run_lock(small_disk, "second", "recover", now):
        assert (small_disk.root / "run.json").is_file()


@pytest.mark.parametrize("small_disk", [64 * 2**20], indirect=True)
def test_recover_takes_a_full_disk_for_no_damage(small_disk: Workspace):
    """A ledger that cannot be read for want of space is not replaced; with space all is well."""
    with closing(Ledger(small_disk.ledger)) as ledger:
        commit(small_disk, ledger, "b1", search_line(artist("a1")))
        publish(small_disk, ledger)
    ballast = fill(small_disk.root.parent, 8_192)
    with pytest.raises(DiskFull, match="Free some space"):
        recover(small_disk, system_now)
    assert not (small_disk.root / "damaged").exists()
    ballast.unlink()
    assert recover(small_disk, system_now) == ()


@pytest.mark.parametrize("small_disk", [2**20], indirect=True)
def test_doctor_sees_a_full_disk(small_disk: Workspace):
    """The doctor does not call well a disk on which there is too little left to collect."""
    folder = small_disk.root.parent
    (folder / "garimpo.toml").write_text(f'data = "{folder.as_posix()}"\nworkspace = "test"\n', encoding="utf-8")
    disk = next(check for check in diagnose(folder)["checks"] if check["name"] == "data folder")
    assert not disk["ok"]
    assert "0.00 GB are left" in disk["detail"]


def test_file_over_the_limit(tmp_path: Path):
    """A file that the system refuses to grow leaves nothing, and what was there before stays."""
    (tmp_path / "kept").write_bytes(b"before")
    command = [sys.executable, "-c", LIMITED, str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parent.parent)
    assert ended.stdout.startswith(f"No space left for {tmp_path / 'kept'}.")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("kept", b"before")]


@pytest.mark.skipif(sys.platform == "win32", reason="folder modes are POSIX")
def test_read_only_folder(workspace: Workspace, ledger: Ledger):
    """A folder that cannot be written is named, with what to do; nothing is committed."""
    if os.geteuid() == 0:
        workspace.raw.rmdir()
        workspace.raw.symlink_to("/proc/self")  # not even root can make a folder there
    else:
        workspace.raw.chmod(0o500)
    with pytest.raises(StorageError, match=r"day=2026-11-22.*[Rr]un again"):
        commit(workspace, ledger, "first", search_line(artist("a1")))
    assert ledger.parts() == []


def test_files_appear_together(tmp_path: Path):
    """When one of several files cannot be placed, none of them is there."""
    write_hidden(tmp_path / "a" / "one", b"1")
    with pytest.raises(StorageError, match="two"):
        place_files([tmp_path / "a" / "one", tmp_path / "a" / "two"])
    assert list((tmp_path / "a").iterdir()) == []


def test_contents_are_durable_before_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Contents are flushed, then names given, then the folder flushed: no power cut leaves a name of half a file."""
    done: list[str] = []
    flush, rename = os.fsync, os.replace

    def note_flush(descriptor: int) -> None:
        done.append("folder" if S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", note_flush)
    monkeypatch.setattr(os, "replace", lambda *names: done.append("name") or rename(*names))
    paths = [tmp_path / name for name in ("a", "b", "c")]
    for path in paths:
        write_hidden(path, b"1")
    place_files(paths)
    assert done == ["file"] * 3 + ["name"] * 3 + ["folder"]


def test_folders_made_at_once(tmp_path: Path):
    """Writers that make the same folder at the same time all find it; where a file is in its place that is said."""
    folder, together = tmp_path / "a" / "b", Barrier(8)

    def write(number: int) -> None:
        together.wait()
        write_hidden(folder / str(number), b"1")

    for _ in range(40):
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(write, range(8)))
        assert len(list(folder.iterdir())) == 8
        shutil.rmtree(tmp_path / "a")
    (tmp_path / "a").touch()
    with pytest.raises(StorageError, match="Not a directory"):
        write_hidden(folder / "1", b"1")


PLACES = """
import os, sys, threading
from pathlib import Path
from pipeline.lake.files import place_files, write_hidden

def place(folder):
    paths = [Path(sys.argv[1], folder, name) for name in ("one", "two")]
    for path in paths:
        write_hidden(path, b"1")
    place_files(paths)

def place_late():
    threading.main_thread().join()
    place("late")

place("first")
if os.fork() == 0:
    place("forked")
    os._exit(0)
os.wait()
threading.Thread(target=place_late).start()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="nothing forks there")
def test_files_placed_anywhere(tmp_path: Path):
    """A forked process places files, and so does a thread that outlives a program's end."""
    subprocess.run([sys.executable, "-c", PLACES, str(tmp_path)], cwd=ROOT, check=True, timeout=60)
    placed = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file())
    assert placed == [f"{folder}/{name}" for folder in ("first", "forked", "late") for name in ("one", "two")]


def test_replacing_is_whole(tmp_path: Path):
    """A file is replaced in one step, and no hidden one is left."""
    path = tmp_path / "new" / "file"
    replace_file(path, b"one"), replace_file(path, b"two")
    assert [(each.name, each.read_bytes()) for each in path.parent.iterdir()] == [("file", b"two")]
