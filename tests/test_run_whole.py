"""A whole run against a simulated Spotify: everything it holds is in the database, exactly once."""

from __future__ import annotations

import threading

import pytest

from pipeline.runs.runner import run_pipeline
from pipeline.simulator.config import SimulatorConfig
from pipeline.simulator.server import running
from tests.worlds import collect, database, genre_names, held, settings_for, stable_tables

NOON = "2026-03-10T12:00:00Z"


@pytest.fixture
def small_world():
    """Serve sixty synthetic artists on a fixed day."""
    with running(SimulatorConfig(profile="extended", artists=60, seed=3, now=NOON)) as simulator:
        yield simulator


def test_everything_arrives_once(small_world, tmp_path):
    """Artists, numbers, genres, releases, credits and tracks equal the simulator's truth, row for row."""
    result = collect(small_world, tmp_path)
    assert (result.state, result.message) == ("succeeded", "")
    assert stable_tables(database(tmp_path)) == held(small_world.truth(genres=genre_names(small_world)))


def test_second_run_asks_nothing(small_world, tmp_path):
    """The same day again adds no row and sends no request."""
    collect(small_world, tmp_path)
    before = database(tmp_path)
    assert collect(small_world, tmp_path).requests == 0
    assert database(tmp_path) == before


def test_next_day_adds_one_snapshot(small_world, tmp_path):
    """A run on the next simulated day adds exactly one snapshot to each artist."""
    collect(small_world, tmp_path)
    first = len(database(tmp_path)["artist_snapshots"])
    small_world.advance(86_400)
    collect(small_world, tmp_path)
    rows = database(tmp_path)
    assert len(rows["artist_snapshots"]) == 2 * first
    assert {row[1] for row in rows["artist_snapshots"]} == {"2026-03-10", "2026-03-11"}


@pytest.mark.parametrize("profile", ["development", pytest.param("legacy", marks=pytest.mark.slow)])
def test_every_profile_gives_the_same(profile, tmp_path):
    """The reduced profile brings the same rows through other endpoints, with followers and popularity NULL."""
    with running(SimulatorConfig(profile=profile, artists=30, seed=4, now=NOON)) as simulator:
        assert collect(simulator, tmp_path).state == "succeeded"
        truth = simulator.truth(genres=genre_names(simulator))
    assert stable_tables(database(tmp_path)) == held(truth, numbers=profile != "development")


def test_cancel_while_publishing_is_kept(small_world, tmp_path):
    """Who cancels while a run publishes finds it cancelled, with everything published."""
    stop, settings = threading.Event(), settings_for(small_world, tmp_path)
    asked = {"publish": stop.set}
    result = run_pipeline(settings, stop=stop, report=lambda progress: asked.get(progress.task, int)())
    assert (result.state, result.exit_code) == ("cancelled", 130)
    assert stable_tables(database(tmp_path)) == held(small_world.truth(genres=genre_names(small_world)))
