"""The app and the command line at once on one workspace: one run at a time, nothing lost, one budget."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.service.scheduler import Service
from tests.apps import until
from tests.commands import command, environment, start
from tests.worlds import running_world, settings_for

pytestmark = pytest.mark.slow


def test_app_and_headless_take_turns(tmp_path: Path) -> None:
    """While the app collects, a run of the command line is refused or waits, by choice; then each has had its turn."""
    with running_world(artists=12, now=None) as world:
        world.set_scenario({"rules": [{"what": "slow", "delay_s": 0.2}]})
        headless = environment(world, tmp_path / "data", GARIMPO_SCHEDULE="")
        service = Service(settings_for(world, tmp_path / "data", schedule=""))
        service.start()  # an empty workspace begins its first run by itself
        try:
            until(lambda: service.ledger.read("SELECT 1 FROM requests WHERE status IS NOT NULL"))
            refused, out, _ = command(headless, tmp_path, "run", "--no-wait", "--json")
            waiting = start(headless, tmp_path, "run", "--wait", "--max-requests", "10")
            world.set_scenario({})
            first = until(lambda: [run for run in service.ledger.runs() if run["finished_at"]])
            waiting.communicate(timeout=60)
            runs = service.ledger.runs()
        finally:
            service.stop()
    assert (refused, "run_in_progress" in out.lower() or "schedule" in json.loads(out)["message"]) == (3, True)
    assert (waiting.returncode, [run["state"] for run in runs]) == (0, ["succeeded", "succeeded"])
    assert [run["trigger"] for run in runs] == ["cli", "schedule"]
    assert runs[0]["started_at"] >= first[-1]["finished_at"]
    assert runs[0]["requests"] <= 10
