"""Damage and contention: each is named with the file and the next step, and the current generation stays."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest
from filelock import FileLock

from pipeline.errors import DamagedFile, StorageError, WriterBusy
from pipeline.keeping.recovery import recover
from pipeline.published.compaction import compact
from pipeline.published.generations import current_number, open_generation
from pipeline.published.history_files import FOLDER
from pipeline.published.live import live
from pipeline.published.publish import publish, rebuild
from pipeline.records.ledger import Ledger
from pipeline.workspace import Workspace
from tests.conftest import Clock
from tests.copies import made_once
from tests.harm import flip
from tests.payloads import artist, commit, search_line


@pytest.fixture
def published(workspace: Workspace, ledger: Ledger) -> Path:
    """One published batch, and one that waits; the waiting part of artists."""
    made_once(workspace, ledger, fill)
    return workspace.root / ledger.parts(4)[0].path


def fill(workspace: Workspace, ledger: Ledger) -> None:
    """Two batches, of which the first is published."""
    commit(workspace, ledger, "first", search_line(artist("a1")))
    publish(workspace, ledger)
    commit(workspace, ledger, "second", search_line(artist("a2")))


@pytest.mark.parametrize("damage", ["truncated", "flipped", "gone"])
def test_damaged_part_is_named(workspace: Workspace, ledger: Ledger, published: Path, damage: str):
    """A part that is not what was committed stops the publish by name; mended, it is published."""
    content = published.read_bytes()
    if damage == "gone":
        published.unlink()
    elif damage == "flipped":
        flip(published)
    else:
        published.write_bytes(content[:-9])
    with pytest.raises(DamagedFile, match=rf"{published.name}.*python -m pipeline recover.*nothing was published"):
        publish(workspace, ledger)
    assert (current_number(workspace), sorted(path.suffix for path in workspace.db.iterdir())) == (
        1,
        ["", "", ".duckdb"],
    )
    published.write_bytes(content)
    assert publish(workspace, ledger).rows == 4


def test_damaged_part_in_the_live_view(workspace: Workspace, ledger: Ledger, published: Path):
    """A planner that meets a damaged part is told so, not with an error of the library."""
    published.write_bytes(b"PAR1")
    with pytest.raises(DamagedFile, match=r"second-1\.parquet"), live(workspace, ledger) as view:
        view.sql("FROM live_artists").fetchall()


@pytest.mark.usefixtures("published")
@pytest.mark.parametrize("damage", ["header", "body", "truncated"])
def test_damaged_generation_is_named(workspace: Workspace, damage: str):
    """A generation that cannot be read is named, and deleting the folder mends it."""
    path = workspace.db / "garimpo-00000001.duckdb"
    content = path.read_bytes()
    whole = {
        "header": bytes(4_096) + content[4_096:],
        "body": content[:12_288] + bytes(len(content) - 12_288),
        "truncated": content[: len(content) // 2],
    }
    path.write_bytes(whole[damage])
    with pytest.raises(DamagedFile, match=r"python -m pipeline recover`: .*db is built anew"):
        open_generation(workspace).rows("FROM artists")


def thousands(workspace: Workspace, ledger: Ledger) -> None:
    """Artists enough that their names have blocks of their own, published."""
    commit(workspace, ledger, "first", search_line(*(artist(f"a{n}", name=f"Zezinha {n}") for n in range(3000))))
    publish(workspace, ledger)


def test_flipped_bit_of_a_generation(workspace: Workspace, ledger: Ledger):
    """One bit of the rows of a generation is noticed, and named with the way out."""
    made_once(workspace, ledger, thousands)
    path = workspace.db / "garimpo-00000001.duckdb"
    flip(path, path.read_bytes().rindex(b"Zezinha"))
    with pytest.raises(DamagedFile, match=r"garimpo-00000001\.duckdb cannot be .*python -m pipeline recover"):
        open_generation(workspace).rows("FROM artists")


def test_growth_of_a_damaged_generation(workspace: Workspace, ledger: Ledger, clock: Clock):
    """A publish that meets a flipped bit in the current generation names the command that mends it, which does."""
    made_once(workspace, ledger, thousands)
    path = workspace.db / "garimpo-00000001.duckdb"
    flip(path, path.read_bytes().rindex(b"Zezinha"))
    commit(workspace, ledger, "second", search_line(artist("a2999", name="Maria")))
    with pytest.raises(DamagedFile, match=r"could not be built \(.*\)\. Run `python -m pipeline recover`; nothing was"):
        publish(workspace, ledger)
    ledger.finish_run("run-1", "succeeded")
    recover(workspace, clock.now)
    named = "SELECT count(*) FILTER (name LIKE 'Zezinha%'), count(*) FILTER (name = 'Maria') FROM artists"
    assert open_generation(workspace).rows(named) == [(2999, 1)]


def test_spoilt_footer_of_a_history_file(workspace: Workspace, ledger: Ledger):
    """A history file whose description of itself is damaged is named, not told with an error of the library."""
    commit(workspace, ledger, "first", search_line(artist("a1"), day="2026-09-22"))
    publish(workspace, ledger)
    compact(workspace, ledger, all_months=True)
    moved = Workspace(shutil.copytree(workspace.root, workspace.root.parent / "moved"))  # whose footers nobody has read
    path = next((moved.root / FOLDER).glob("*/*.parquet"))
    content = path.read_bytes()
    path.write_bytes(content[:-6] + b"\xff" + content[-5:])
    with pytest.raises(DamagedFile, match=r"cannot be read .*python -m pipeline recover"):
        open_generation(moved).rows("FROM artist_snapshots")


@pytest.mark.usefixtures("published")
def test_pointer_without_number(workspace: Workspace, ledger: Ledger):
    """A pointer that points nowhere is named with the way out, which then works."""
    (workspace.db / "CURRENT").write_text("garbage", encoding="utf-8")
    with pytest.raises(DamagedFile, match=r"CURRENT does not hold a number\. Run `python -m pipeline recover`"):
        publish(workspace, ledger)
    for path in workspace.db.iterdir():
        path.unlink()
    assert publish(workspace, ledger).rows == 8


@pytest.mark.usefixtures("published")
def test_missing_generation_is_named(workspace: Workspace):
    """A pointer to a file that is gone is named too."""
    (workspace.db / "garimpo-00000001.duckdb").unlink()
    with pytest.raises(DamagedFile, match=r"garimpo-00000001\.duckdb cannot be opened"):
        open_generation(workspace)


@pytest.mark.usefixtures("published")
def test_publish_onto_what_is_gone(workspace: Workspace, ledger: Ledger):
    """A generation that this process still reads, though its file is gone, is not taken for the one to be made."""
    assert open_generation(workspace).rows("SELECT artist_id FROM artists") == [("a1",)]
    (workspace.db / "garimpo-00000001.duckdb").unlink()
    with pytest.raises(DamagedFile, match=r"Nothing is published .* Run `python -m pipeline rebuild`"):
        publish(workspace, ledger)
    assert rebuild(workspace, ledger).rows == 8


@pytest.mark.usefixtures("published")
def test_second_publisher_waits(workspace: Workspace, ledger: Ledger, monkeypatch: pytest.MonkeyPatch):
    """While another process publishes we wait, and say so when it takes too long."""
    monkeypatch.setattr("pipeline.published.placing.LOCK_WAIT_S", 0.01)
    with FileLock(workspace.db / ".lock"), pytest.raises(WriterBusy, match=r"Another process has been publishing"):
        publish(workspace, ledger)
    assert publish(workspace, ledger).changed


@pytest.mark.usefixtures("published")
def test_unsound_engine_publishes_nothing(workspace: Workspace, ledger: Ledger, monkeypatch: pytest.MonkeyPatch):
    """A version of DuckDB that publishes wrong rows at times is refused, with the command that brings another."""
    monkeypatch.setattr(duckdb, "__version__", "2.0.0")
    for build in (publish, rebuild):
        with pytest.raises(StorageError, match=r"DuckDB 2\.0\.0 .*pip install .*nothing was lost"):
            build(workspace, ledger)
    assert current_number(workspace) == 1


@pytest.mark.usefixtures("published")
def test_broken_sql_builds_nothing(workspace: Workspace, ledger: Ledger, monkeypatch: pytest.MonkeyPatch):
    """A statement that fails leaves the current generation and no half-built file."""
    monkeypatch.setattr(
        "pipeline.published.building.merge_statements",
        lambda step, *, ordered: [("", f"FROM nowhere_{step.table}_{ordered}")],
    )
    with pytest.raises(StorageError, match=r"could not be built .*nowhere_artists.*The current generation stays|stays"):
        publish(workspace, ledger)
    assert (current_number(workspace), [path for path in workspace.db.iterdir() if "tmp" in path.name]) == (1, [])
