"""The service in the app: it starts what is due, one run at a time, and sees what other processes changed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import RunInProgress
from pipeline.records.events import EventFilter, read_events
from pipeline.records.ledger import Ledger
from pipeline.records.lock import hold_run_lock
from pipeline.service.scheduler import BEATS_PER_LOOK, Service
from pipeline.settings import Settings
from pipeline.simulator.server import Running
from pipeline.watching.schedules import Schedule, add_schedule
from pipeline.watching.upkeep import resume_newest
from pipeline.workspace import open_workspace
from tests.apps import until
from tests.worlds import settings_for

DAILY = Schedule("daily", "cron", "0 7 * * *", "UTC", max_requests=40)


@pytest.fixture
def idle(world: Running, tmp_path: Path, clock: Any) -> Iterator[Service]:
    """A service that is not started: its beat is what the test does."""
    made = Service(settings_for(world, tmp_path, schedule=""), clock.now)
    yield made
    made.stop()


def test_sleep_leads_to_one_run(idle: Service, clock: Any) -> None:
    """Asleep over three fire times: one run is taken, three events tell what was missed, then nothing is due."""
    idle.add_schedule(DAILY)
    clock.move(days=2, hours=3)
    request, _ = idle.take_due()
    events = [row for row in read_events(idle.ledger, EventFilter()) if row["event"] == "schedule_missed"]
    assert (request.trigger, request.max_requests, request.notes["schedule"], request.notes["missed"]) == (
        "schedule",
        40,
        "daily",
        "2",
    )
    assert [row["fields"]["due_at"][:10] for row in events] == ["2026-11-22", "2026-11-23", "2026-11-24"]
    assert idle.take_due() is None


def test_mended_damage_is_told_no_more(idle: Service) -> None:
    """What a look around found wrong is shown until a look finds it mended."""
    pointer = idle.workspace.db / "CURRENT"
    pointer.write_text("x", encoding="utf-8")
    for _ in range(BEATS_PER_LOOK):
        idle._beat()
    assert "CURRENT does not hold a number" in idle.status().last_error
    pointer.unlink()
    for _ in range(BEATS_PER_LOOK):
        idle._beat()
    assert idle.status().last_error == ""


def test_punctual_run_tells_nothing(idle: Service, clock: Any) -> None:
    """A run in its time leaves no word of a missed one."""
    idle.add_schedule(DAILY)
    clock.move(hours=1, seconds=3)
    assert idle.take_due() is not None
    assert read_events(idle.ledger, EventFilter()) == []


def test_dropped_time_is_told(idle: Service, clock: Any) -> None:
    """A time beyond its grace starts nothing and is told."""
    idle.add_schedule(Schedule("daily", "cron", "0 7 * * *", "UTC", grace_s=600))
    clock.move(hours=5)
    assert idle.take_due() is None
    assert [row["fields"]["action"] for row in read_events(idle.ledger, EventFilter())] == ["dropped"]


def test_locked_workspace_waits(idle: Service, clock: Any) -> None:
    """While another process runs here nothing is claimed; afterwards it is."""
    idle.add_schedule(DAILY)
    clock.move(hours=1)
    with hold_run_lock(idle.workspace, "other", "cli", clock.now()):
        assert idle.take_due() is None
        with pytest.raises(RunInProgress):
            idle.run_now()
        waiting = idle.run_now(wait=True)
    assert idle.take_due()[0].run_id == waiting
    assert idle.take_due()[0].notes["schedule"] == "daily"


def test_change_from_outside_takes_effect(world: Running, tmp_path: Path, clock: Any) -> None:
    """A schedule added by another process while the service goes fires within seconds, and its run is kept."""
    settings = settings_for(world, tmp_path, schedule="", max_requests=40)
    with closing(Ledger(open_workspace(settings).ledger, clock.now)) as other:
        other.begin_run("before", "cli", {}, 1)
        other.finish_run("before", "succeeded")
        running_service = Service(settings, clock.now)
        running_service.start()
        try:
            add_schedule(other, Schedule("soon", "cron", "1 6 * * *", "UTC", max_requests=20))
            assert until(lambda: running_service.status().next_run_at).minute == 1
            clock.move(minutes=2)
            run = until(lambda: [row for row in other.runs() if row["finished_at"] and row["trigger"] == "schedule"])[0]
        finally:
            running_service.stop()
    assert ('"schedule": "soon"' in run["params"], run["requests"] <= 20) == (True, True)


def test_clock_set_back_stops_no_beat(idle: Service) -> None:
    """Where the next beat is hours away, as after the clock was set back, the app beats on all the same."""
    idle.ledger.begin_run("before", "cli", {}, 1)
    idle.start()
    for name in ("beat", "warm"):
        idle._scheduler.modify_job(name, next_run_time=datetime.now(UTC) + timedelta(hours=2))
    before = idle._beats + 1  # one may be under way
    until(lambda: idle._beats > before)
    assert idle._scheduler.get_job("warm").next_run_time < datetime.now(UTC) + timedelta(minutes=1)


def test_service_runs_retries_and_cancels(world: Running, tmp_path: Path, clock: Any) -> None:
    """Run now starts at once and is refused beside another; a run can be cancelled, and asked again where it ended."""
    running_service = Service(settings_for(world, tmp_path, schedule=""), clock.now)
    ledger = running_service.ledger
    ledger.begin_run("before", "cli", {}, 1)
    running_service.start()
    try:
        assert [row["state"] for row in ledger.runs()] == ["crashed"]
        world.set_scenario({"rules": [{"what": "slow", "delay_s": 0.4}]})
        run_id = running_service.run_now()
        with pytest.raises(RunInProgress):
            running_service.run_now()
        until(lambda: ledger.read("SELECT 1 FROM requests WHERE status IS NOT NULL"))
        assert running_service.cancel() is True
        until(lambda: running_service.status().active is None)
        world.set_scenario({})
        again = running_service.retry(run_id)
        until(lambda: running_service.status().active is None)
        states = {row["run_id"]: row["state"] for row in ledger.runs()}
    finally:
        running_service.stop()
    assert (states[run_id], states[again]) == ("cancelled", "succeeded")


def test_run_that_the_end_of_the_app_cut_off_goes_on(world: Running, tmp_path: Path, clock: Any) -> None:
    """Closed in the middle of a run and opened again, the app asks what is left of it, and nothing twice."""
    first = Service(settings_for(world, tmp_path), clock.now)
    first.start()
    world.set_scenario({"rules": [{"what": "slow", "delay_s": 0.4}]})
    run_id = first.run_now()
    until(lambda: first.ledger.read("SELECT 1 FROM parts"))
    first.stop()
    world.set_scenario({})
    second = Service(settings_for(world, tmp_path), clock.now)
    second.start()
    try:
        second._look_around()
        until(lambda: second.ledger.runs(where="r.state = 'succeeded'"))
        states = {row["state"]: json.loads(row["params"]).get("retry_of") for row in second.ledger.runs()}
        assert states == {"cancelled": None, "succeeded": run_id}
        twice = "SELECT item FROM task_runs WHERE state = 'succeeded' AND item <> '' GROUP BY item HAVING count(*) > 1"
        assert second.ledger.read(twice) == []
    finally:
        second.stop()


def test_cancel_before_its_first_task_is_meant(world: Running, tmp_path: Path, clock: Any) -> None:
    """A run that somebody cancels before the ledger knows of it is not gone on with as if it had been cut off."""
    made = Service(settings_for(world, tmp_path), clock.now)
    assert made.cancel(made.run_now()) is True
    made.start()
    try:
        until(lambda: made.status().active is None)
        assert [row["state"] for row in made.ledger.runs()] == ["cancelled"]
        assert resume_newest(made.ledger, made._clock()) is None
    finally:
        made.stop()


def test_mended_credentials_begin_at_the_next_start(world: Running, tmp_path: Path, clock: Any) -> None:
    """Where all runs failed, as with a wrong secret, the app begins another when it is started again."""
    wrong = {"rules": [{"what": "invalid_client", "where": "token"}]}
    for scenario, state in ((wrong, "failed"), ({}, "succeeded")):
        world.set_scenario(scenario)
        made = Service(settings_for(world, tmp_path), clock.now)
        made.start()
        until(lambda made=made, state=state: made.ledger.runs(where=f"r.state = '{state}'"))
        made.stop()
        clock.move(minutes=1)


@pytest.mark.parametrize(("given", "starts"), [({}, False), ({"client_id": "i", "client_secret": "s"}, True)])
def test_without_credentials_nothing_fires(tmp_path: Path, clock: Any, given: dict[str, str], *, starts: bool) -> None:
    """A schedule that is due waits where nobody can be asked, instead of failing daily; with credentials it fires."""
    made = Service(Settings.model_validate({"data": tmp_path, "workspace": "archive", **given}), clock.now)
    add_schedule(made.ledger, DAILY)
    clock.move(days=1)
    assert (made.take_due() is not None) is starts
    made.stop()
