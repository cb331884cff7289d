"""The packed source under Google's functions-framework: same rows, work in another process, deaths, bad questions."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
import requests

from pipeline.integrations.backends import open_workers
from pipeline.integrations.functions_client import poster
from tests.apps import free_port
from tests.integrations import far


class Function:
    """functions-framework serving one function."""

    def __init__(self, folder: Path, target: str, **environment: str) -> None:
        self.port = free_port()
        self.place, self._target = f"127.0.0.1:{self.port}", target
        self.log, self._environment = folder / f"{target}.log", {"PATH": os.environ["PATH"], **environment}
        self.start()

    def start(self) -> None:
        """Serve, from nothing but the packed source."""
        command = [f"{os.environ['RUNTIME']}/functions-framework", "--target", self._target, "--source", "main.py"]
        command += ["--host", "127.0.0.1", "--port", str(self.port)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=os.environ["FUNCTION"], env=self._environment, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        for _ in range(150):
            try:
                requests.post(f"http://{self.place}", json={}, timeout=5)
            except requests.ConnectionError:
                time.sleep(0.2)
            else:
                return
        raise RuntimeError(self.log.read_text())

    def kill(self) -> None:
        """The server and its workers, at once."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@pytest.fixture(scope="module")
def serve(simulated, tmp_path_factory):
    """Functions with credentials of their own."""
    started = {}

    def function(target: str) -> Function:
        if target not in started:
            started[target] = Function(tmp_path_factory.mktemp(target), target, **far.credentials(simulated))
        return started[target]

    yield function
    for each in started.values():
        each.kill()


def test_same_database(serve, simulated, wanted, tmp_path):
    """A run through functions publishes what threads publish."""
    far.same_as_threads(simulated, wanted, tmp_path, f"gcf://{serve('collect').place}?slots=4")


def test_price_of_a_batch(serve):
    """What a call over HTTP costs, in a process that is not the driver's."""
    workers = open_workers(f"gcf://{serve('collect').place}")
    far.told(overhead_ms=round(far.overhead_ms(workers), 2))
    workers.close()
    assert serve("collect").process.pid != os.getpid()


@far.measured
def test_pace_of_threads(tmp_path):
    """The same wall time as threads."""
    running = []

    def address(simulated: far.World) -> str:
        running.append(
            Function(tmp_path, "collect", THREADS="32", **far.credentials(simulated))
        )  # of its own, four for each core
        return f"gcf://{running[0].place}?slots=32"

    far.pace(address, tmp_path)
    running[0].kill()


def test_bad_question(serve):
    """What is no batch is refused with 400."""
    answer = requests.post(f"http://{serve('collect').place}", json={"batch": {}}, timeout=10)
    assert (answer.status_code, answer.json()) == (400, {"error": "not a batch with its allowance"})


def test_orchestrated(serve, simulated):
    """A list of genres becomes one call each; their batches come back, nothing failed."""
    event = {
        "worker": f"http://{serve('collect').place}", "run_id": "r", "on": "2026-03-10",
        "genres": list(simulated.genres[:3]), "per_second": 50.0,
    }  # fmt: skip
    found = poster(f"http://{serve('orchestrate').place}")(event)
    assert (len(found["batches"]), found["failed"]) == (3, {})


def test_server_killed_and_back(serve, simulated, wanted, tmp_path):
    """While the function is away batches are tried again; when it is back the run completes."""
    function = serve("collect")

    def again() -> None:
        function.kill()
        function.start()

    with far.while_running(again, simulated):
        result = far.collect(simulated, tmp_path / "there", f"gcf://{function.place}?slots=4", window_requests=300)
    assert result.state == "succeeded" or "the batch (" in result.message
    # For what it was away longer than three attempts, of some items or of all: the next run completes.
    assert far.collect(simulated, tmp_path / "there", f"gcf://{function.place}").state == "succeeded"
    assert far.published(tmp_path / "there") == wanted


def test_refused_call_costs_nothing(simulated, tmp_path):
    """A caller without the right to call is told so, and no request is used up."""
    simulated.restart()
    with far.refusing(403) as place:
        result = far.collect(simulated, tmp_path, f"gcf://{place}")
    assert (result.state, "did not take the batch (NotTaken: it answered 403)" in result.message) == ("failed", True)
    assert result.requests == simulated.counts()["total"]


def test_no_secret_in_logs(serve):
    """What the functions logged never shows the client secret."""
    assert far.SECRET not in serve("collect").log.read_text(encoding="utf-8", errors="replace")


def test_function_gone(serve, simulated, tmp_path):
    """Where nobody answers any more, the run fails, says so, uses up no request, and the next one completes."""
    serve("collect").kill()
    simulated.restart()
    result = far.collect(simulated, tmp_path, f"gcf://{serve('collect').place}")
    serve("collect").start()
    assert (result.state, "did not take the batch" in result.message) == ("failed", True)
    assert result.requests == simulated.counts()["total"]
    assert far.collect(simulated, tmp_path, "threads").state == "succeeded"
