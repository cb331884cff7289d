"""A workspace that can only be read: a copy on a medium that cannot be written, or a folder of somebody else's."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.cli.commands import main
from pipeline.errors import StorageError
from pipeline.published.publish import publish
from pipeline.records.ledger import Ledger
from pipeline.workspace import Workspace
from tests import duckdb_warehouse
from tests.copies import made_once
from tests.payloads import artist, commit, search_line

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="folder modes and mounts of Linux")
LOOKING = [
    "status",
    "logs last",
    "checks",
    "checks --history parts_agree",
    "purge --dry-run",
    "purge --artist a1 --dry-run",
    "purge --all --dry-run",
    "trace artist a1",
    "export artists",
    "export followed",
    "freshness",
    "schedule list",
    "run --dry-run",
    "retry --dry-run",
]


NOTHING_THERE = {
    "logs last": 2, "retry --dry-run": 2, "evict --dry-run": 2, "backup kept": 2, "checks": 1, "trace artist a1": 1,
    "export artists": 1, "export followed": 1, "purge --artist a1 --dry-run": 2,
}  # fmt: skip


@pytest.fixture
def used(at_hand: Workspace) -> Workspace:
    """A workspace with one run of two artists, which the commands find by the environment."""
    with closing(Ledger(at_hand.ledger)) as ledger:
        return made_once(at_hand, ledger, use)


def use(workspace: Workspace, ledger: Ledger) -> None:
    """The run."""
    commit(workspace, ledger, "b1", search_line(artist("a1"), artist("a2")))
    publish(workspace, ledger)
    ledger.finish_run("run-1", "succeeded")


@pytest.fixture(params=["closed", "open elsewhere"])
def sealed(request: pytest.FixtureRequest, used: Workspace) -> Iterator[Workspace]:
    """The same, where nothing can be written."""
    with ExitStack() as stack:
        if request.param == "open elsewhere":
            stack.enter_context(closing(Ledger(used.ledger))).read("SELECT 1 FROM runs")
        stack.callback(unseal, used)
        seal(used)
        yield used


def seal(workspace: Workspace) -> None:
    """Nothing can be written below the workspace; root, whom no mode stops, needs a mount."""
    if os.geteuid():
        for folder in (workspace.root, *workspace.root.rglob("*/")):
            folder.chmod(0o500)
        return
    place = str(workspace.root)
    for options in (["--bind", place, place], ["-o", "remount,ro,bind", place]):
        if subprocess.run(["mount", *options], capture_output=True, check=False).returncode:
            pytest.skip("root may not mount here")


def unseal(workspace: Workspace) -> None:
    """Take it back, so that the folder can be removed."""
    if not os.geteuid():
        subprocess.run(["umount", "-l", str(workspace.root)], capture_output=True, check=False)
        return
    for folder in (workspace.root, *workspace.root.rglob("*/")):
        folder.chmod(0o700)


def test_looking_writes_nothing(sealed: Workspace, capfd: pytest.CaptureFixture[str]) -> None:
    """Every command that only looks answers from a folder that cannot be written, and leaves no file there."""
    before = sorted(sealed.root.rglob("*"))
    for line in LOOKING:
        assert (main([*line.split()]), line) == (0, line), capfd.readouterr()
    assert "artist_snapshots" in capfd.readouterr().out
    assert sorted(sealed.root.rglob("*")) == before


@pytest.mark.parametrize("line", [*LOOKING, "import ids.txt --dry-run", "evict --dry-run", "backup kept"])
def test_looking_makes_no_workspace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Where there is no workspace yet, who only looks leaves none behind, nor a folder of any kind."""
    monkeypatch.setenv("GARIMPO_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("GARIMPO_WORKSPACE", "test")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ids.txt").write_text("4Z8W4fKeB5YxbusRsdQVPb\n", encoding="utf-8")
    assert main(line.split()) == NOTHING_THERE.get(line, 0), capfd.readouterr()
    assert [path.name for path in tmp_path.iterdir()] == ["ids.txt"]


@pytest.mark.parametrize("missing", ["nothing", "db", "ledger.sqlite", "everything"])
def test_looking_leaves_no_file(used: Workspace, missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a folder that could be written neither files nor folders come or go, whatever of it is there."""
    for path in used.root.iterdir():
        if missing in (path.name, "everything"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    duckdb_warehouse.register()
    monkeypatch.setenv("GARIMPO_WAREHOUSES", f"mine=duckdb://{used.root.parent.as_posix()}/there.duckdb")
    Path("ids.txt").write_text("4Z8W4fKeB5YxbusRsdQVPb\n", encoding="utf-8")
    before = sorted(used.root.rglob("*"))
    for line in (*LOOKING, "import ids.txt --dry-run", "evict --dry-run", "publish-to mine --dry-run"):
        main(line.split())
        assert (line, sorted(used.root.rglob("*"))) == (line, before)


def test_file_in_the_way_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """A data folder that cannot be made is an error for who looks, too: it may be misspelt."""
    (tmp_path / "data").write_text("", encoding="utf-8")
    monkeypatch.setenv("GARIMPO_DATA", str(tmp_path / "data"))
    assert main(["status"]) == 2
    assert "cannot be written (Not a directory)" in " ".join(capsys.readouterr().err.split())


def test_backup_of_a_read_only_folder(
    sealed: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It can be backed up, and what was is brought back elsewhere."""
    assert main(["backup", str(tmp_path / "kept")]) == 0
    monkeypatch.setenv("GARIMPO_DATA", str(tmp_path / "other"))
    assert main(["restore", str(tmp_path / "kept")]) == 0
    capsys.readouterr()
    assert main(["export", "SELECT artist_id FROM artists ORDER BY 1"]) == 0
    assert capsys.readouterr().out.split() == ["artist_id", "a1", "a2"]


@pytest.mark.parametrize("line", ["purge", "purge --all --yes", "recover", "rebuild", "schedule pause default",
                                  "logs last --follow"])  # fmt: skip
def test_changes_are_refused(sealed: Workspace, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A command that would write names the folder and what to do, and ends with 2."""
    assert main(line.split()) == 2
    told = capsys.readouterr().err.replace("\n", " ")
    assert f"The data folder {sealed.root.parent} cannot be written" in told


def test_nobody_is_taken_for_dead(sealed: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever can only read cannot ask for the run lock: a run that goes on elsewhere stays running."""
    unseal(sealed)
    with closing(Ledger(sealed.ledger)) as ledger:
        ledger.begin_run("r2", "cli", {}, 1)
    seal(sealed)
    assert main(["status", "--json"]) == 0
    assert '"state": "running"' in capsys.readouterr().out


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda ledger: ledger.write_bytes(b"x" * 5000), "is damaged (file is not a database)"),
        (lambda ledger: (ledger.unlink(), ledger.mkdir()), "is no file. Move it away"),
    ],
    ids=["damaged", "folder"],
)
def test_damage_is_told_by_its_own_name(used: Workspace, harm: Callable[[Path], object], said: str) -> None:
    """A ledger that is read in a copy is called by the name it has, not by that of the copy."""
    harm(used.ledger_file)
    read_in_copy = replace(used, read_only=True)
    with pytest.raises(StorageError, match=re.escape(f"{used.root / 'ledger.sqlite'} {said}")):
        Ledger(read_in_copy.ledger)
