"""Quotas and locks: a locked bucket is never asked, the others go on, and the rest arrives when the lock ends."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.lake.normalize import Normalizer
from pipeline.records.ledger import Ledger
from pipeline.records.opening import opened_ledger
from pipeline.runs.context import open_context
from pipeline.runs.dag import DAG
from pipeline.runs.fanout import MappedTask
from pipeline.runs.planner import Item, Outlook
from pipeline.settings import Settings
from pipeline.simulator.server import Running
from tests.conftest import Clock
from tests.worlds import collect, database, genre_names, held, running_world, settings_for, stable_tables


@pytest.fixture(params=[24])
def world(request: pytest.FixtureRequest) -> Iterator[Running]:
    """Serve so many synthetic artists under a quota that a run exceeds in two buckets."""
    quotas = {"search": 12, "albums": 40}
    with running_world(artists=request.param, quotas=quotas, lock_s=7_200) as simulator:
        yield simulator


def test_lock_defers_the_rest(world: Running, tmp_path: Path):
    """A run into two quotas ends deferred with exit code 4 and says when the rest is due; what it got is published."""
    result = collect(world, tmp_path)
    assert (result.state, result.exit_code) == ("deferred", 4)
    assert result.due_at.replace(second=0, microsecond=0) == datetime(2026, 3, 10, 14, 0, tzinfo=UTC)
    assert {task.name: task.state for task in result.tasks if task.state == "deferred"} == {
        "discover": "deferred", "refresh_releases": "deferred", "refresh_tracks": "deferred",
    }  # fmt: skip
    assert len(database(tmp_path)["artists"]) > 0


@pytest.mark.parametrize(
    ("simulated", "own", "told"),
    [({"search": 12}, None, "daily quota exceeded"), ({}, 12, "12 of 12 requests in 24 hours are spent")],
)
def test_a_closed_bucket_asks_no_source(tmp_path: Path, simulated: dict[str, int], own: int | None, told: str):
    """Where the budget forbids all that is left, a run is deferred, not failed, also while the source is gone."""
    with running_world(artists=16, now=None, quotas=simulated, lock_s=7_200) as simulator:
        ends = [collect(simulator, tmp_path, quota_requests=own) for _ in range(2)]
    gone = collect(simulator, tmp_path, quota_requests=own)
    assert (gone.state, gone.exit_code, gone.requests) == ("deferred", 4, 0)
    assert (gone.message, gone.due_at) == (ends[-1].message, ends[-1].due_at)
    assert told in gone.message


def test_first_task_leaves_some_of_a_bucket(tmp_path: Path):
    """Of a quota that two tasks draw on the first leaves some, while there is something for the second to ask."""
    with running_world(profile="development") as simulator:
        collect(simulator, tmp_path, max_requests=40)
        simulator.advance(2 * 86_400)
        tasks = {task.name: task for task in collect(simulator, tmp_path, quota_requests=10).tasks}
    assert "kept for the tasks after this one" in tasks["refresh_releases"].message
    assert tasks["refresh_tracks"].rows > 0


def test_yesterdays_requests_are_shared_as_they_leave(tmp_path: Path, ledger: Ledger, clock: Clock):
    """At the time of yesterday's run all is spent, and leaves the 24 hours while this one waits: it is planned with.

    Else the last of two tasks on a bucket, which waits for what the first did not plan, takes all of it each day.
    """
    there = {"api_url": "http://127.0.0.1:9/v1/", "token_url": "http://127.0.0.1:9/token", "workspace": "test"}
    settings = Settings(data=tmp_path / "data", quota_requests=30, genres=(), **there)
    with ledger.write() as connection:
        at = clock.now().timestamp() - 86_400
        rows = [(at + second, "albums", "album", 200) for second in range(30)]
        connection.executemany("INSERT INTO requests (at, bucket, endpoint, status) VALUES (?, ?, ?, ?)", rows)
    allowed = list[int]()
    task = next(task for task in DAG if task.name == "refresh_releases")

    def expand(outlook: Outlook) -> list[Item]:
        allowed.append(outlook.allowance)
        return []

    with open_context(settings, ledger, "r") as context:
        MappedTask(context, task, Normalizer(), lambda *_: None).run(expand)
        assert (allowed, context.budget.view("albums").left) == ([30], 1)


def test_a_probe_that_leaves_nothing_is_told(world: Running, tmp_path: Path):
    """A run whose limit goes into asking what the source offers says so, not that all went well with no row."""
    result = collect(world, tmp_path, max_requests=3)
    assert (result.state, result.requests, result.rows) == ("succeeded", 3, 0)
    assert result.message == "probe: warning: it took all 3 requests that this run may send; allow more"


def test_nothing_is_sent_into_a_lock(world: Running, tmp_path: Path):
    """Runs during the lock send nothing to the locked buckets; the simulator's count agrees with the ledger's."""
    collect(world, tmp_path), collect(world, tmp_path), collect(world, tmp_path)
    assert world.counts()["into_lock"] == {}
    with opened_ledger(settings_for(world, tmp_path)) as (_, ledger):
        sent = ledger.read("SELECT count(*) AS n FROM requests WHERE status IS NOT NULL")[0]["n"]
    assert sent == world.counts()["total"]


@pytest.mark.slow
@pytest.mark.parametrize("world", [10], indirect=True)  # with more artists it takes many more runs
def test_the_rest_arrives_after_the_locks(world: Running, tmp_path: Path):
    """Lock after lock on the simulated clock, every row arrives in the end and never a request into a lock."""
    truth = held(world.truth(on="2026-03-10", genres=genre_names(world)))
    missing = {"releases", "release_artists", "tracks", "track_artists"}
    for _ in range(120):
        result = collect(world, tmp_path)
        found = stable_tables(database(tmp_path))
        missing = {table for table in missing if not set(truth[table]) <= set(found[table])}
        if not missing:
            break
        world.advance(7_201 if result.state == "deferred" else 60)
    assert missing == set()
    refused = world.counts()["answers_429"]["quota"]  # 1 to 6 times, by which task is refused first
    assert (refused > 0, world.counts()["into_lock"]) == (True, {})
