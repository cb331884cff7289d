"""Prefect as it is deployed: a server, flows by name under it, and a process that serves them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from prefect import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.states import Cancelling, Scheduled

from pipeline.integrations.prefect import garimpo
from tests.apps import free_port
from tests.integrations import far

GENRES = 5
LAPSED = {"rules": [{"what": "premium_lapsed", "where": "*", "from_request": 12}]}  # once genres have been searched
pytestmark = pytest.mark.usefixtures("server")
SERVE = "from pipeline.integrations.prefect import serve; serve()"


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[str]:
    """The address of a server's API."""
    port = free_port()
    log = (tmp_path_factory.mktemp("prefect") / "server.log").open("wb")
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen(command, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}/api"
    try:
        far.until(lambda: urlopen(f"{url}/health", timeout=2).close(), 120)  # noqa: S310  our own child's
        with temporary_settings({PREFECT_API_URL: url}):
            yield url
    finally:
        process.terminate()
        process.wait(30)
        log.close()


def has_ended(run: Any, how: str) -> None:
    """Fails while a flow run is not in such a state."""
    with get_client(sync_client=True) as client:
        state = client.read_flow_run(run.id).state
    assert state.name == how, state


def attempts(flow_run_id: Any) -> dict[str, tuple[int, str]]:
    """How often each task run of a flow run was begun and how it ended, by name, once the server has heard of all."""
    wanted = FlowRunFilter(id=FlowRunFilterId(any_=[flow_run_id]))
    found: dict[str, tuple[int, str]] = {}

    def read() -> None:
        with get_client(sync_client=True) as client:
            runs = client.read_task_runs(flow_run_filter=wanted)
        found.clear()
        found.update({run.name: (run.run_count, run.state_name) for run in runs})
        assert "end" in found
        assert all(run.state.is_final() for run in runs)

    far.until(read)
    return found


def test_same_database(simulated, wanted, data):
    """A flow run publishes what threads publish, with as many requests; genres are names of task runs."""
    state = garimpo(return_state=True)
    assert (state.name, state.is_completed()) == ("Succeeded", True)
    assert far.published(data) == wanted
    assert far.last_run()["requests"] == simulated.counts()["total"]
    found = attempts(state.state_details.flow_run_id)
    assert {f"discover: {genre}" for genre in simulated.genres} <= found.keys()
    assert {count for count, _ in found.values()} == {1}


def test_failed_item_alone_is_retried(simulated, wanted, data):
    """An item that fails is tried again by Prefect, which asks what it was not answered; its siblings are not."""
    artist = next(artist_id for artist_id, *_ in wanted["artists"])
    # Four answers to one call are what a source is given before an attempt has failed.
    simulated.restart({"rules": [{"what": "server_error", "where": f"/v1/artists/{artist}/albums", "times": 4}]})
    state = garimpo(return_state=True)
    found = attempts(state.state_details.flow_run_id)
    tried = {name: count for name, (count, _) in found.items() if count > 1}
    assert list(tried.values()) == [2]
    assert next(iter(tried)).startswith("refresh_releases: ")
    assert far.published(data) == wanted
    assert (state.name, far.last_run()["requests"]) == ("Succeeded", simulated.counts()["total"])


def test_runs_go_on_where_others_failed(simulated, wanted, data):
    """What no attempt can mend ends a run at once, a source that breaks after Prefect's retries; the next completes.

    It asks what is left, and nothing twice.
    """
    simulated.restart(LAPSED)
    state = garimpo(return_state=True)
    found = attempts(state.state_details.flow_run_id)
    assert state.is_failed()
    assert {count for count, _ in found.values()} == {1}
    assert "refresh_tracks: expand" not in found
    assert (far.last_run()["state"], "Premium" in far.last_run()["message"]) == ("failed", True)
    assert simulated.counts()["by_bucket"]["search"] >= len(simulated.genres)
    simulated.restart({"rules": [{"what": "reset", "where": "*", "from_request": 12}]})
    state = garimpo(return_state=True)
    assert (state.is_failed(), far.last_run()["state"]) == (True, "failed")
    assert max(count for count, _ in attempts(state.state_details.flow_run_id).values()) == 3
    assert "search" not in simulated.counts()["by_bucket"]
    simulated.restart()
    assert garimpo(return_state=True).name == "Succeeded"
    assert "search" not in simulated.counts()["by_bucket"]
    assert far.published(data) == wanted


@contextmanager
def serving(server: str, log: Path) -> Iterator[Any]:
    """The deployment that a process serves, once it does."""
    environment = os.environ | {"PREFECT_API_URL": server, "PREFECT_RUNNER_POLL_FREQUENCY": "1"}
    with log.open("wb") as told:
        process = subprocess.Popen([sys.executable, "-c", SERVE], stdout=told, stderr=told, env=environment)
    try:
        with get_client(sync_client=True) as client:
            far.until(lambda: client.read_deployment_by_name("garimpo/garimpo"))
            yield client.read_deployment_by_name("garimpo/garimpo")
    finally:
        process.terminate()
        process.wait(30)


def test_served_run_is_retried(server, simulated, wanted, data):
    """The served flow has the settings' schedule; a failed run that is retried in the UI goes on with what is left."""
    simulated.restart(LAPSED)
    with serving(server, data / "serve.log") as deployed, get_client(sync_client=True) as client:
        assert [each.schedule.cron for each in deployed.schedules] == ["0 6 * * *"]
        run = client.create_flow_run_from_deployment(deployed.id, parameters={"max_requests": 5_000})
        far.until(lambda: has_ended(run, "Failed"))
        simulated.restart()
        client.set_flow_run_state(run.id, Scheduled(name="AwaitingRetry"), force=True)
        far.until(lambda: has_ended(run, "Succeeded"))
    assert "search" not in simulated.counts()["by_bucket"]
    assert far.published(data) == wanted
    assert far.SECRET not in (data / "serve.log").read_text(encoding="utf-8")


def test_cancelled_run_is_cancelled(server, simulated, data):
    """A flow run that somebody cancels in the UI ends ours as cancelled, and the workspace is free."""
    simulated.restart({"rules": [{"what": "slow", "delay_s": 1.0}]})
    with serving(server, data / "serve.log") as deployed, get_client(sync_client=True) as client:
        run = client.create_flow_run_from_deployment(deployed.id)

        def asked() -> None:
            assert simulated.counts()["total"] >= GENRES

        far.until(asked)
        client.set_flow_run_state(run.id, Cancelling(), force=True)
        far.until(lambda: has_ended(run, "Cancelled"))
    assert far.last_run()["state"] == "cancelled"
