"""After a crash: files nobody committed go, committed ones stay, and a lost ledger never costs a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import DamagedFile
from pipeline.lake.store import sweep
from pipeline.records.ledger import Ledger
from pipeline.workspace import Workspace
from tests.payloads import artist, commit, search_line


def leave(workspace: Workspace, name: str) -> Path:
    """A file that a killed writer left."""
    path = workspace.root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    return path


def test_orphans_are_removed(workspace: Workspace, ledger: Ledger):
    """Hidden files and files of known runs without a ledger row are removed; committed files are not."""
    commit(workspace, ledger, "discover-0001", search_line(artist("a1")))
    orphans = [
        leave(workspace, "raw/day=2026-11-22/run-1/.tmp-discover-0002.jsonl.zst"),
        leave(workspace, "raw/day=2026-11-22/run-1/discover-0002.jsonl.zst"),
        leave(workspace, "lake/artists/day=2026-11-22/run-1-discover-0002-1.parquet"),
    ]
    assert sweep(workspace, ledger) == 3
    assert [path for path in orphans if path.exists()] == []
    assert all((workspace.root / part.path).exists() for part in ledger.parts())
    assert sweep(workspace, ledger) == 0


def test_first_run_killed(workspace: Workspace, ledger: Ledger):
    """A run killed before its first commit leaves orphans that the next start removes."""
    ledger.begin_run("run-1", "cli", {}, 1)
    leave(workspace, "lake/artists/day=2026-11-22/run-1-discover-0001-1.parquet")
    assert sweep(workspace, ledger) == 1


def test_lost_ledger_costs_nothing(workspace: Workspace, ledger: Ledger):
    """Files of runs the ledger never heard of are the truth of a lost ledger: refused by name, all kept."""
    commit(workspace, ledger, "discover-0001", search_line(artist("a1")))
    paths = [workspace.root / part.path for part in ledger.parts()]
    ledger.close()
    workspace.ledger.unlink()
    leave(workspace, "raw/day=2026-11-22/run-1/.tmp-discover-0002.jsonl.zst")
    with pytest.raises(DamagedFile, match=r"knows nothing of 5 files .* nothing was removed"):
        sweep(workspace, Ledger(workspace.ledger))
    assert all(path.exists() for path in paths)


def test_empty_workspace(workspace: Workspace, ledger: Ledger):
    """Nothing there, nothing to do."""
    assert sweep(workspace, ledger) == 0
