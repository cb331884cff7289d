"""Airflow as it is deployed, and runs of its DAG without services: what is published, tried again, kept to itself."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from airflow.serialization.decoders import decode_timetable
from airflow.serialization.encoders import encode_timetable
from airflow.timetables.base import TimeRestriction

from pipeline.records.opening import opened_ledger
from pipeline.settings import load_settings
from tests.integrations import far
from tests.integrations.airflow import started

ANY_TIME = TimeRestriction(earliest=None, latest=None, catchup=False)
GENRES = 4
LAPSED = {"rules": [{"what": "premium_lapsed", "where": "*", "from_request": 15}]}  # once genres have been searched


@pytest.fixture(scope="module")
def simulated() -> Iterator[far.World]:
    """A small world, in which a task has more than one item."""
    with far.small_world(artists=24) as running:
        running.genres = running.genres[:GENRES]
        yield running


@pytest.fixture(scope="module")
def variables(simulated, tmp_path_factory) -> dict[str, str]:
    """What Airflow's tasks find in their environment: runs begin when a test says so, at whatever hour it is tried."""
    return far.variables(simulated, tmp_path_factory.mktemp("airflow") / "data") | {"GARIMPO_SCHEDULE": ""}


@pytest.fixture(autouse=True)
def same_settings(variables, monkeypatch) -> None:
    """What runs here, and who looks into the ledger, finds them, too."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def data(variables, simulated) -> Path:
    """Where they collect to, with nothing in it yet; of the source nothing was asked yet and nothing is broken."""
    return emptied(variables, simulated)


@pytest.fixture(scope="module")
def deployed(variables, tmp_path_factory) -> Iterator[started.Airflow]:
    """Airflow with all its services."""
    home = tmp_path_factory.mktemp("deployed")
    with started.running(home, variables, Path(os.environ["WORK"]) / "empty.db") as airflow:
        yield airflow


@pytest.fixture(scope="module")
def one_failed(variables, simulated, wanted, deployed) -> str:
    """A run of all its services, in which the source never tells the releases of one artist."""
    emptied(variables, simulated)
    artist = wanted["artists"][0][0]
    simulated.restart({"rules": [{"what": "server_error", "where": f"/v1/artists/{artist}/albums"}]})
    return deployed.run(genres=simulated.genres)


def emptied(variables: Mapping[str, str], simulated: far.World) -> Path:
    """The folder they collect to, with nothing left in it, as if nobody had asked anything."""
    simulated.restart()
    shutil.rmtree(variables["GARIMPO_DATA"], ignore_errors=True)
    return Path(variables["GARIMPO_DATA"])


def ledger_says(query: str) -> list[dict[str, Any]]:
    """Rows of the ledger."""
    with opened_ledger(load_settings()) as (_, ledger):
        return [dict(row) for row in ledger.read(query)]


def one_run() -> tuple[str, dict[str, tuple[int, str]]]:
    """How a run of the DAG without services ended; attempts and state of every task instance."""
    from pipeline.integrations.airflow import garimpo_dag  # reads the settings that a test has made

    run = garimpo_dag().test()
    found = {(each.task_id, each.map_index): (each.try_number, each.state) for each in run.get_task_instances()}
    return str(run.state), {f"{name}[{index}]": (tried, str(state)) for (name, index), (tried, state) in found.items()}


def test_schedule(monkeypatch):
    """The DAG has the settings' schedule and zone, and leaves what was just missed; with none, runs are asked for."""
    from pipeline.integrations.airflow import garimpo_dag

    assert not garimpo_dag().timetable.can_be_scheduled
    monkeypatch.setenv("GARIMPO_SCHEDULE", "* * * * *")
    timetable = decode_timetable(encode_timetable(garimpo_dag().timetable))
    now = datetime.now(UTC)
    first = timetable.next_dagrun_info(last_automated_data_interval=None, restriction=ANY_TIME)
    assert now < first.run_after
    monkeypatch.delenv("GARIMPO_SCHEDULE")
    timetable = garimpo_dag().timetable
    assert (timetable.expression, str(timetable.timezone)) == ("0 6 * * *", "America/Sao_Paulo")


def test_same_database(simulated, wanted, data):
    """A run publishes what threads publish, with as many requests as were sent, each step tried once."""
    state, found = one_run()
    assert (state, {tried for tried, shown in found.values() if shown != "skipped"}) == ("success", {1})
    assert far.published(data) == wanted
    assert ledger_says("SELECT count(*) AS requests FROM requests") == [{"requests": simulated.counts()["total"]}]


def test_runs_go_on_where_others_failed(simulated, wanted, data):
    """What no attempt can mend fails at once, a source that breaks after Airflow's retries, and the run; the next ends.

    It asks what is left, and nothing twice.
    """
    simulated.restart(LAPSED)
    state, found = one_run()
    assert state == "failed"
    assert found["refresh_releases.collect[0]"] == (1, "failed")
    assert (found["publish[-1]"], found["end[-1]"]) == ((0, "upstream_failed"), (1, "failed"))
    assert {tried for tried, _ in found.values()} == {0, 1}
    [run] = ledger_says("SELECT state, message FROM runs")
    assert (run["state"], "Premium" in run["message"]) == ("failed", True)
    simulated.restart({"rules": [{"what": "reset", "where": "*", "from_request": 7}]})
    state, found = one_run()
    assert (state, found["end[-1]"]) == ("failed", (1, "failed"))
    assert found["refresh_releases.collect[0]"] == (3, "failed")
    _, run = ledger_says("SELECT state, message FROM runs ORDER BY started_at")
    assert (run["state"], "refresh_releases: " in run["message"]) == ("failed", True)
    assert "search" not in simulated.counts()["by_bucket"]
    simulated.restart()
    assert one_run()[0] == "success"
    assert "search" not in simulated.counts()["by_bucket"]
    assert far.published(data) == wanted


def test_put_off_shows_as_skipped(simulated, data):
    """What the source puts off is no failure and is not tried again: skipped, in a run that ends well as deferred."""
    simulated.restart({"rules": [{"what": "quota", "where": "search", "from_request": 3}]})
    state, found = one_run()
    collected = Counter(shown for name, shown in found.items() if name.startswith("discover.collect"))
    assert (state, collected) == ("success", {(1, "success"): 1, (1, "skipped"): GENRES - 1})
    assert [run["state"] for run in ledger_says("SELECT state FROM runs")] == ["deferred"]


def test_failed_item_alone_is_retried(simulated, deployed, one_failed):
    """Airflow alone tries a failed item again, and nothing else; instances are named like their genres."""
    found = deployed.instances(one_failed)
    names = [each["rendered_map_index"] for each in found if each["task_id"] == "discover.collect"]
    assert sorted(names) == sorted(simulated.genres)
    tried = Counter((each["task_id"], each["state"], each["try_number"]) for each in found if each["try_number"] != 1)
    assert tried == {("refresh_releases.collect", "failed", 3): 1, ("refresh_artists.collect", "skipped", 0): 1}
    assert ledger_says("SELECT state FROM runs") == [{"state": "succeeded"}]
    tried = ledger_says("SELECT attempts FROM items WHERE task = 'refresh_releases' ORDER BY attempts")
    assert [each["attempts"] for each in tried] == [1, 3]


def test_cleared_item_alone_is_asked(simulated, wanted, variables, deployed, one_failed):
    """An item cleared on Airflow's page is asked what it lacks, its siblings are not; then all is as by threads."""
    simulated.restart()
    items = [each for each in deployed.instances(one_failed) if each["task_id"] == "refresh_releases.collect"]
    [index] = [each["map_index"] for each in items if each["state"] == "failed"]
    deployed.clear(one_failed, "refresh_releases.collect", index)
    assert deployed.ended(one_failed) == "success"
    tried = ledger_says("SELECT attempts FROM items WHERE task IN ('discover', 'refresh_releases')")
    assert Counter(each["attempts"] for each in tried) == {1: GENRES + 1, 4: 1}
    assert "search" not in simulated.counts()["by_bucket"]
    assert ledger_says("SELECT state FROM runs") == [{"state": "succeeded"}]
    assert far.published(Path(variables["GARIMPO_DATA"])) == wanted


def test_no_secret_is_kept(deployed):
    """Airflow's database and its logs never show the client secret."""
    kept = [path for path in deployed.home.rglob("*") if path.is_file()]
    assert {"airflow.db", "scheduler.log"} <= {path.name for path in kept}
    assert [path for path in kept if far.SECRET.encode() in path.read_bytes()] == []
