"""Writers killed at random instants: nothing committed is lost, nothing is there twice, no orphan is seen."""

from __future__ import annotations

import multiprocessing
import random
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from pipeline.lake.store import sweep
from pipeline.published.publish import publish
from pipeline.records.ledger import Ledger
from pipeline.schema import PUBLISHED, STATE
from pipeline.settings import Settings
from pipeline.workspace import open_workspace
from tests.payloads import album, albums_line, artist, commit, search_line
from tests.published import every_row

BATCHES, KILLS = 20, 6
OF_THE_RUN = {"runs", "task_runs", "state_parts", "state_meta"}


def collect(data: Path, run_id: str) -> None:
    """Commit what is still missing, publishing now and then, as a run does."""
    workspace = open_workspace(Settings(data=data, workspace="test"))
    ledger = Ledger(workspace.ledger)
    sweep(workspace, ledger)
    ledger.begin_run(run_id, "cli", {}, 1)
    for number in range(BATCHES):
        if not ledger.read("SELECT 1 FROM raw_files WHERE batch_id = ?", (f"b{number:03d}",)):
            lines = (
                search_line(artist(f"a{number}"), artist("a0", name=f"Name {number}")),
                albums_line(album(f"b{number}")),
            )
            commit(workspace, ledger, f"b{number:03d}", *lines, run_id=run_id)
        if number % 4 == 3:
            publish(workspace, ledger)
    ledger.close()


def committed(ledger: Ledger) -> int:
    """Batches in the ledger."""
    return int(ledger.read("SELECT count(*) AS n FROM raw_files")[0]["n"])


def tables(data: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Every published table but what tells by which run."""
    workspace = open_workspace(Settings(data=data, workspace="test"))
    return every_row(workspace, {*PUBLISHED, *STATE} - OF_THE_RUN)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 and forkserver are POSIX")
def test_kills_change_nothing(tmp_path: Path):
    """Six writers killed, then one undisturbed: the database and the files are those of a single run."""
    context, rng = multiprocessing.get_context("forkserver"), random.Random(12)
    context.set_forkserver_preload(["tests.payloads", "pipeline.published.publish"])
    workspace = open_workspace(Settings(data=tmp_path / "killed", workspace="test"))
    for number in range(KILLS):
        with closing(Ledger(workspace.ledger)) as watched:  # only the writer has it open when that is killed
            target = committed(watched) + rng.randint(1, 3)
            child = context.Process(target=collect, args=(tmp_path / "killed", f"run-{number:02d}"))
            child.start()
            while child.is_alive() and committed(watched) < target:
                child.join(0.005)
        child.join(rng.uniform(0, 0.1))
        child.kill()
        child.join()
    collect(tmp_path / "killed", "last"), collect(tmp_path / "calm", "only")
    assert tables(tmp_path / "killed") == tables(tmp_path / "calm")
    ledger = Ledger(workspace.ledger)
    listed = {row["path"] for row in ledger.read("SELECT path FROM parts UNION ALL SELECT path FROM raw_files")}
    found = [path for root in (workspace.raw, workspace.lake) for path in root.rglob("*") if path.is_file()]
    assert {path.relative_to(workspace.root).as_posix() for path in found} == listed
    assert len(ledger.read("SELECT DISTINCT run_id FROM raw_files")) > 2
    ledger.close()
