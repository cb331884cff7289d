"""A compaction or rebuild that ends at any step loses nothing and doubles nothing; the next one goes on."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.errors import StorageError
from pipeline.published.compaction import compact
from pipeline.published.generations import open_generation
from pipeline.published.history_files import FOLDER
from pipeline.published.publish import rebuild
from pipeline.records.ledger import Ledger
from pipeline.workspace import Workspace
from tests.published import answers
from tests.test_compaction import collect

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


def stop(*_: Any, **__: Any) -> None:
    """What a killed process does at that step: nothing any more."""
    raise KeyboardInterrupt


@pytest.mark.parametrize("step", STEPS)
def test_stopped_at_any_step(workspace: Workspace, ledger: Ledger, monkeypatch: pytest.MonkeyPatch, step: str):
    """Every answer is the same after the stop, after going on, and after a rebuild; no file is left over."""
    collect(workspace, ledger, "2026-09-01", "2026-10-01", "2026-11-01")
    before = answers(workspace)
    with monkeypatch.context() as patched:
        patched.setattr(step, stop)
        with pytest.raises(KeyboardInterrupt):
            compact(workspace, ledger)
    assert answers(workspace) == before
    compact(workspace, ledger)
    assert answers(workspace) == before
    rebuild(workspace, ledger)
    assert answers(workspace) == before
    assert len([path for path in (workspace.root / FOLDER).rglob("*") if path.is_file()]) == 2


def test_lost_file_is_named(workspace: Workspace, ledger: Ledger):
    """Without one of its files the database is told to be damaged, and the way out works."""
    collect(workspace, ledger, "2026-10-01", "2026-11-01")
    compact(workspace, ledger)
    before = answers(workspace)
    next((workspace.root / FOLDER).glob("*/*.parquet")).unlink()
    with pytest.raises(StorageError, match="cannot be read"):
        open_generation(workspace).rows("FROM artist_snapshots")
    rebuild(workspace, ledger)
    assert answers(workspace) == before
