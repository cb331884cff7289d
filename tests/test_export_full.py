"""A disk that fills up while data move: one sentence, nothing half-written, and with space again it goes on."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from pipeline.errors import DiskFull
from pipeline.moving.bundles import write_bundle
from pipeline.moving.exporting import export_file
from pipeline.moving.importing import import_history
from pipeline.published.generations import Generation, open_generation
from pipeline.records.ledger import Ledger
from pipeline.settings import Settings
from pipeline.workspace import Workspace, open_workspace
from tests.conftest import Clock
from tests.harm import resize, small_disk_at
from tests.published import publish_many

NOW = datetime(2026, 11, 22, 6, tzinfo=UTC)
EXPORTS: dict[str, Callable[[Generation, Path], object]] = {
    "csv": lambda generation, folder: export_file(generation, "artist_snapshots", folder / "a.csv"),
    "jsonl": lambda generation, folder: export_file(generation, "artist_snapshots", folder / "a.jsonl"),
    "parquet": lambda generation, folder: export_file(
        generation, "SELECT *, uuid()::VARCHAR AS u FROM artist_snapshots", folder / "a.parquet"
    ),
    "folder": lambda generation, folder: write_bundle(generation, folder / "b", NOW),
    "zip": lambda generation, folder: write_bundle(generation, folder / "b.zip", NOW),
}


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of 40 kB."""
    with small_disk_at(tmp_path / "small", "40k") as disk:
        yield disk


@pytest.mark.parametrize("kind", EXPORTS)
def test_nothing_half_written_stays(workspace: Workspace, small: Path, kind: str) -> None:
    """Whatever is written, the disk that fills up is named and left as it was."""
    generation = publish_many(workspace, 60, 100)
    with pytest.raises(DiskFull, match="No space left for"):
        EXPORTS[kind](generation, small)
    assert list(small.iterdir()) == []


def test_import_goes_on(small: Path, tmp_path: Path, clock: Clock) -> None:
    """An import that finds no space ends as a failed run; with space the same command completes it."""
    resize(small, "600k")
    workspace = open_workspace(Settings(data=small, workspace="test"))
    entries = [
        {"id": f"{number:022d}", "name": f"Banda {number}", "followers": number, "data": f"2024-05-{day:02d}"}
        for day in range(1, 31)
        for number in range(40)
    ]
    (tmp_path / "old.json").write_text(json.dumps(entries), encoding="utf-8")
    ledger = Ledger(workspace.ledger, clock.now)
    try:
        with pytest.raises(DiskFull):
            import_history(workspace, ledger, tmp_path / "old.json", "run-1")
        resize(small, "64m")
        assert [run["state"] for run in ledger.runs() if run["state"] != "running"] in (["failed"], [])
        report = import_history(workspace, ledger, tmp_path / "old.json", "run-2", on=date(2024, 5, 1))
    finally:
        ledger.close()
    assert report.observations + report.known == 1200
    assert open_generation(workspace).rows("SELECT count(*) FROM artist_snapshots") == [(1200,)]
