"""Runs that die, are refused or are cancelled: nothing committed is lost, nothing asked twice."""

from __future__ import annotations

import multiprocessing
import random
import sys
import threading
from pathlib import Path

import pytest

from pipeline.records.ledger import Ledger
from pipeline.records.lock import hold_run_lock
from pipeline.records.opening import opened_ledger
from pipeline.runs.progress import Progress
from pipeline.runs.runner import RunRequest, run_pipeline
from pipeline.simulator.server import Running
from pipeline.workspace import open_workspace
from tests.worlds import collect, database, genre_names, held, running_world, settings_for, stable_tables

WORLD = {"artists": 40, "latency_ms": 4}
KILLS = 30
KEPT = "SELECT task, sum(rows) AS rows FROM task_runs WHERE run_id = 'slow' GROUP BY task"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 and forkserver are POSIX")
def test_thirty_kills_change_nothing(world: Running, tmp_path: Path):
    """Thirty runs killed at random instants, then a last one: the database is the truth, every request counted."""
    context, rng = multiprocessing.get_context("forkserver"), random.Random(30)
    context.set_forkserver_preload(["pipeline.runs.runner", "pipeline.simulator.config"])
    settings = settings_for(world, tmp_path)
    killed = 0
    while killed < KILLS:  # on a quick machine some have ended before
        child = context.Process(target=run_pipeline, args=(settings,))
        child.start()
        child.join(rng.uniform(0.05, 0.6))
        killed += child.exitcode is None
        child.kill()
        child.join()
    result = collect(world, tmp_path)
    assert result.state == "succeeded"
    assert stable_tables(database(tmp_path)) == held(world.truth(genres=genre_names(world)))
    with opened_ledger(settings) as (_, ledger):
        asked = [row["status"] for row in ledger.read("SELECT status FROM requests")]
        states = [row["state"] for row in ledger.runs(limit=100)]
    sent = world.counts()["total"]
    assert sent <= len(asked) <= sent + asked.count(None)
    assert set(states) == {"crashed", "succeeded"}
    assert states.count("crashed") > KILLS / 4


def test_second_run_may_wait(world: Running, tmp_path: Path):
    """A run told to wait starts when the lock is free."""
    settings = settings_for(world, tmp_path, max_requests=10)
    workspace = open_workspace(settings)
    results = []
    with hold_run_lock(workspace, "run-1", "schedule", Ledger(workspace.ledger).now()):
        waiting = threading.Thread(target=lambda: results.append(run_pipeline(settings, RunRequest(wait_s=30))))
        waiting.start()
    waiting.join()
    assert [result.state for result in results] == ["succeeded"]


def test_cancel_keeps_what_came(tmp_path: Path):
    """A run cancelled by another process ends while answers still dribble for minutes; the next one completes it."""
    slow = {"rules": [{"what": "dribble", "where": "endpoint:artist_albums", "chunk": 8, "pause_s": 0.2}]}
    with running_world(artists=10, seed=6) as simulator:
        simulator.set_scenario(slow)
        settings, results = settings_for(simulator, tmp_path), []
        run = threading.Thread(target=lambda: results.append(run_pipeline(settings, RunRequest(run_id="slow"))))
        run.start()
        ledger = Ledger(open_workspace(settings).ledger)
        while not ledger.read("SELECT 1 FROM requests WHERE endpoint = 'artist_albums'"):
            run.join(0.02)
        assert ledger.request_cancel("slow")
        run.join(30)
        assert not run.is_alive()
        ledger.close()
        assert (results[0].state, results[0].exit_code) == ("cancelled", 130)
        simulator.set_scenario({})
        assert collect(simulator, tmp_path).state == "succeeded"
        assert stable_tables(database(tmp_path)) == held(simulator.truth(genres=genre_names(simulator)))


def test_cancelled_run_counts_what_it_kept(tmp_path: Path):
    """Rows of the task that a cancel interrupts are counted in the run's result, as the ledger counts them."""
    slow = {"rules": [{"what": "slow", "where": "endpoint:artist_albums", "delay_s": 0.3}]}
    with running_world(artists=30, seed=6) as simulator:
        simulator.set_scenario(slow)
        settings, stop = settings_for(simulator, tmp_path), threading.Event()

        def stop_early(progress: Progress) -> None:
            if progress.task == "refresh_releases" and progress.done:
                stop.set()

        result = run_pipeline(settings, RunRequest(run_id="slow"), stop=stop, report=stop_early)
        with opened_ledger(settings) as (_, ledger):
            kept = {row["task"]: row["rows"] for row in ledger.read(KEPT)}
    assert (result.state, kept["refresh_releases"] > 0, result.rows) == ("cancelled", True, sum(kept.values()))
