"""How each mapped item of a run fares: seen from its planning on, tried again on its own, ended with a reason."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import QuotaExceeded, SourceUnavailable
from pipeline.records.ledger import Ledger, TaskOutcome
from pipeline.records.opening import opened_ledger
from pipeline.runs import runner
from pipeline.runs.dag import DAG, Retry
from pipeline.runs.items import (
    ItemFilter,
    attempts_of,
    count_items,
    find_items,
    left_items,
    plan_items,
    run_attempts,
    run_tasks,
)
from pipeline.runs.planner import Item
from pipeline.runs.reckoning import Reckoning
from pipeline.runs.runner import run_pipeline
from pipeline.simulator.server import Running
from pipeline.source.calls import Batch, Call, RawBatch
from tests.worlds import collect, database, genre_names, held, settings_for, stable_tables

WORLD = {"artists": 12, "clock_speed": 60}
PAGE = Call("search", {"genre": "forró", "offset": 0, "limit": 50, "sweep_on": "2026-11-22", "follow": True})


def victim(simulator: Running) -> str:
    """Id of the artist whose releases cannot be read."""
    return str(simulator.truth(genres=genre_names(simulator))["artists"][0]["artist_id"])


def broken(simulator: Running, times: int) -> dict[str, Any]:
    """A scenario in which one artist's releases answer 503, so many times."""
    return {"rules": [{"what": "server_error", "where": f"/v1/artists/{victim(simulator)}/albums", "times": times}]}


def test_planned_item_is_pending(ledger: Ledger) -> None:
    """An item that no worker has begun is seen as pending, with its name and no attempt."""
    ledger.begin_run("r1", "cli", {}, 1)
    plan_items(ledger, "r1", "discover", {"discover-00001": Item("forró", (PAGE,), 10)})
    [row] = find_items(ledger, "r1")
    assert (row["item"], row["state"], row["attempts"], row["started_at"]) == ("forró", "pending", 0, None)


def test_item_follows_its_attempt(ledger: Ledger) -> None:
    """Beginning and ending an attempt moves its item from pending over running to how it ended."""
    ledger.begin_run("r1", "cli", {}, 1)
    plan_items(ledger, "r1", "discover", {"discover-00001": Item("forró", (PAGE,), 10)})
    ledger.begin_task("r1", "discover-00001", 1, "discover", "forró")
    assert count_items(ledger, "r1") == {"discover": {"running": 1}}
    ledger.finish_task(TaskOutcome("r1", "discover-00001", 1, "succeeded", requests=3, rows=30))
    [row] = find_items(ledger, "r1", ItemFilter(task="discover", state="succeeded", text="FORR"))
    assert (row["attempts"], row["requests"], row["rows"], left_items(ledger, {"r1": ()})) == (1, 3, 30, [])


@pytest.mark.parametrize(
    ("run", "begun", "waiting"),
    [("crashed", "crashed", "crashed"), ("cancelled", "cancelled", "cancelled"), ("failed", "failed", "skipped")],
)
def test_items_end_with_their_run(run: str, begun: str, waiting: str, ledger: Ledger) -> None:
    """What was under way when a run ended ends as it did; what was never begun is told apart, its calls kept."""
    ledger.begin_run("r1", "cli", {}, 1)
    plan_items(ledger, "r1", "discover", {f"discover-{n}": Item(f"genre {n}", (PAGE,), 10) for n in (1, 2)})
    ledger.begin_task("r1", "discover-1", 1, "discover", "genre 1")
    ledger.finish_run("r1", run)
    assert [row["state"] for row in find_items(ledger, "r1")] == [begun, waiting]
    assert [item.calls for item in left_items(ledger, {"r1": ()})] == [(PAGE,), (PAGE,)]


def test_refused_call_is_asked_last(ledger: Ledger) -> None:
    """What stopped an item comes last at its next attempt, so that it does not stop the others again."""
    calls = tuple(Call("artist", {"id": each}) for each in "abc")
    batch = Batch("r1", "b1", "refresh_artists", "three", 1, calls, 3)
    down = SourceUnavailable("503")
    raw = RawBatch("b1", b"", 0, 2, ((calls[0], down),), down, calls[1:])
    verdict = Reckoning(ledger, 2).judge(batch, raw)
    assert (verdict.retry, verdict.unanswered) == (True, (calls[2], calls[0], calls[1]))


def test_latest_lock_says_when(ledger: Ledger) -> None:
    """Of items that are put off for different times the longest says when the rest of the task is due."""
    reckoning, batch = Reckoning(ledger, 1), Batch("r1", "b1", "discover", "forró", 1, (PAGE,), 1)
    ends = [ledger.now() + timedelta(hours=hours) for hours in (2, 5, 3)]
    for end in ends:
        reckoning.judge(batch, RawBatch("b1", b"", 0, 1, (), QuotaExceeded("search", end, "locked"), (PAGE,)))
    assert reckoning.result("discover", 1, 0).due_at == ends[1]


def test_cancel_begins_no_item(world: Running, tmp_path: Path) -> None:
    """Once a run is to stop its other items are not begun: they keep their calls, and the run ends without them."""
    stop, many = threading.Event(), 200
    genres = tuple(f"genre {number}" for number in range(many))
    settings = settings_for(world, tmp_path, genres=genres, window_requests=90)
    run = run_pipeline(settings, stop=stop, report=lambda progress: stop.set() if progress.done else None)
    with opened_ledger(settings) as (_, ledger):
        begun = len(ledger.read("SELECT 1 FROM task_runs WHERE task = 'discover'"))
        states, left = count_items(ledger, run.run_id)["discover"], left_items(ledger, {run.run_id: ()})
    assert (run.state, begun < 40) == ("cancelled", True)
    assert states["cancelled"] == len(left) >= many - begun
    assert sum(states.values()) == many


@pytest.mark.usefixtures("impatient")
def test_failed_item_is_tried_alone(world: Running, tmp_path: Path) -> None:
    """An item whose source is down is asked again by its name after a wait; its siblings are asked once."""
    world.set_scenario(broken(world, times=8))
    result = collect(world, tmp_path)
    with opened_ledger(settings_for(world, tmp_path)) as (_, ledger):
        rows = find_items(ledger, result.run_id, ItemFilter(task="refresh_releases"))
        again = [row for row in rows if row["attempts"] > 1]
        (attempts,) = attempts_of(ledger, result.run_id, again).values()
    assert {row["state"] for row in rows} == {"succeeded"}
    assert [(row["attempt"], row["state"], row["wait_s"] > 0) for row in attempts] == [
        (1, "failed", False),
        (2, "succeeded", True),
    ]
    assert stable_tables(database(tmp_path)) == held(world.truth(genres=genre_names(world)))


@pytest.mark.slow
@pytest.mark.usefixtures("impatient")
def test_endless_failure_is_left(world: Running, tmp_path: Path) -> None:
    """An item that fails three times ends failed and keeps the failing calls alone; later tasks run on the rest."""
    world.set_scenario(broken(world, times=1_000))
    result = collect(world, tmp_path)
    with opened_ledger(settings_for(world, tmp_path)) as (_, ledger):
        left = left_items(ledger, {result.run_id: ()})
        tasks = {row["task"]: row["state"] for row in run_tasks(ledger, result.run_id)}
    assert [(item.state, {call.params["artist_id"] for call in item.calls}) for item in left] == [
        ("failed", {victim(world)})
    ]
    assert (tasks["refresh_releases"], tasks["refresh_tracks"], tasks["publish"]) == ("partial", *["succeeded"] * 2)
    assert left[0].item in result.message


def test_attempts_are_apart(world: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A task whose source is gone, and an item whose source is down, begin again after the wait that is told of."""
    monkeypatch.setattr(runner, "DAG", tuple(replace(task, retry=Retry(2, 0.2, 0.2)) for task in DAG))
    away = settings_for(world, tmp_path / "away", api_url="http://127.0.0.1:9/v1/", token_url="http://127.0.0.1:9/")
    world.set_scenario(broken(world, times=4))
    for settings, task in ((settings_for(world, tmp_path), "refresh_releases"), (away, "probe")):
        run = run_pipeline(settings)
        with opened_ledger(settings) as (_, ledger):
            rows = run_attempts(ledger, run.run_id, [task])
        [second] = [row for row in rows if row["attempt"] == 2]
        [first] = [row for row in rows if (row["item"], row["attempt"]) == (second["item"], 1)]
        assert (second["started_at"] - first["finished_at"]).total_seconds() >= second["wait_s"] > 0


def test_slow_attempt_is_bounded(world: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An attempt that outlasts its time limit sends nothing more, keeps what came and is asked again."""
    brief = tuple(replace(task, retry=Retry(2, 0.001, 0.002), timeout_s=-1.0) for task in DAG)
    monkeypatch.setattr(runner, "DAG", brief)
    result: Any = collect(world, tmp_path)
    assert result.state == "failed"
    assert "took longer than" in next(task.message for task in result.tasks if task.name == "discover")
