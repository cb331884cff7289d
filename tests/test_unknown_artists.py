"""Artists whom the source does not know: asked of once a week, so that they take no run's requests from the others."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.moving.importing import import_history
from pipeline.records.events import unknown_artists
from pipeline.records.opening import opened_ledger
from pipeline.runs.preview import plan_run
from pipeline.runs.runner import RunRequest, run_pipeline
from pipeline.settings import Settings
from pipeline.simulator.server import Running
from tests.payloads import artist, commit, search_line
from tests.worlds import settings_for

GONE = tuple(f"{place:022}" for place in range(5))
WORLD = {"profile": "development", "artists": 4}


@pytest.fixture
def settings(world: Running, tmp_path: Path) -> Settings:
    """A workspace that knows five artists whom this source does not have."""
    found = settings_for(world, tmp_path)
    with opened_ledger(found) as (workspace, ledger):
        rows = [artist(each, followers=None, popularity=None) for each in GONE]
        commit(workspace, ledger, "batch-0001", search_line(*rows, day="2026-03-01"))
        ledger.finish_run("run-1", "succeeded")
    return found


def refused(world: Running, settings: Settings, most: int = 40) -> int:
    """How many requests of a run were answered with 404."""
    before = world.counts()["by_status"].get("404", 0)
    run_pipeline(settings, RunRequest("cli", max_requests=most))
    return int(world.counts()["by_status"].get("404", 0) - before)


def test_unknown_are_asked_weekly(world: Running, settings: Settings) -> None:
    """The first run finds out, the next ones ask of the others alone, a week later it is tried again."""
    assert refused(world, settings, 200) == 2 * len(GONE)
    with opened_ledger(settings) as (_, ledger):
        assert unknown_artists(ledger) == GONE
    assert refused(world, settings) == 0
    assert not {each for task in plan_run(settings) for each in task.items if "Artist 0" in each}
    world.advance(8 * 86_400)
    assert refused(world, settings, 200) == 2 * len(GONE)


def test_one_unknown_ends_no_run(settings: Settings, tmp_path: Path) -> None:
    """A dead link of a list that is all there is to ask of is left out by the tasks after it, and the run succeeds."""
    run_pipeline(settings, RunRequest("cli", max_requests=200))
    (tmp_path / "list.txt").write_text(f"{'z' * 22}\n", encoding="utf-8")
    with opened_ledger(settings) as (workspace, ledger):
        import_history(workspace, ledger, tmp_path / "list.txt", "run-2")
    ended = run_pipeline(settings, RunRequest("cli", max_requests=40))
    assert (ended.state, ended.exit_code) == ("succeeded", 0)
    told = {task.name: (task.state, task.missing) for task in ended.tasks}
    assert (told["refresh_artists"], told["refresh_releases"]) == (("partial", 1), ("succeeded", 0))
