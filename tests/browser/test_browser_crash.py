"""The app is killed in the middle of a run and started again: the run is shown as crashed and resumed by one click."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from pipeline.records.ledger import Ledger
from pipeline.records.opening import opened_ledger
from tests.apps import free_port, running_app, until
from tests.commands import environment
from tests.worlds import database, held, running_world, settings_for

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def answered(ledger: Ledger) -> list[tuple[str, str]]:
    """What was asked and answered, by run."""
    rows = ledger.read("SELECT run_id, batch_id FROM raw_files ORDER BY run_id, batch_id")
    return [(row["run_id"], row["batch_id"]) for row in rows]


def test_killed_app_resumes_by_one_click(browser: Browser, tmp_path: Path):
    """Killed in mid-run, restart: crashed, one click, and the data are those of an undisturbed run."""
    with running_world(artists=30, now=None) as simulator:
        simulator.set_scenario({"rules": [{"what": "slow", "delay_s": 0.3}]})
        settings = {**environment(simulator, tmp_path / "data"), "GARIMPO_SCHEDULE": ""}
        port, ours = free_port(), settings_for(simulator, tmp_path / "data")
        with running_app(tmp_path, settings, port=port) as app, opened_ledger(ours) as (_, ledger):
            until(lambda: len(answered(ledger)) >= 3)  # an empty workspace begins its first run by itself
            app.process.kill()
            app.process.wait()
            [killed] = ledger.runs()
        simulator.set_scenario({})
        with running_app(tmp_path, settings, port=port) as app, opened_ledger(ours) as (_, ledger):
            assert [run["state"] for run in ledger.runs()] == ["crashed"]
            page = browser.new_page(locale="en-US")
            page.goto(f"{app.url}/run?id={killed['run_id']}")
            expect(page.get_by_text("crashed").first).to_be_visible()
            page.get_by_role("button", name="Resume").click()
            until(lambda: ledger.runs()[0]["state"] == "succeeded")
            expect(page.get_by_text("succeeded").first).to_be_visible()
            page.close()
            assert len(ledger.runs()) == 2
        truth = held(simulator.truth())
    rows = database(tmp_path / "data")
    assert {table: rows[table] for table in ("artists", "releases", "tracks")} == {
        table: truth[table] for table in ("artists", "releases", "tracks")
    }
