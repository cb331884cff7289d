"""The zip in AWS's own runtime: same rows, work in other processes, no pickle, deaths and dead letters."""

from __future__ import annotations

import json
import os
import signal
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from local_lambda import LocalLambda

from pipeline.integrations import aws_lambda
from pipeline.integrations.backends import open_workers
from pipeline.integrations.lambda_client import invoker
from pipeline.integrations.wire import question
from tests.integrations import far

HANDLER = "pipeline.integrations.aws_lambda.handler"


@pytest.fixture(scope="module")
def function(simulated, tmp_path_factory) -> Iterator[LocalLambda]:
    """Two workers with credentials of their own."""
    running = LocalLambda(tmp_path_factory.mktemp("lambda"), HANDLER, 2, **far.credentials(simulated))
    yield running
    running.close()


@pytest.fixture(autouse=True)
def caller(function, monkeypatch) -> None:
    """The driver's own AWS settings."""
    for name, value in {
        "AWS_ENDPOINT_URL_LAMBDA": function.endpoint, "AWS_REGION": "local", "AWS_DEFAULT_REGION": "local",
        "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "y",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)


def test_same_database(simulated, wanted, tmp_path):
    """A run through Lambda publishes what threads publish."""
    far.same_as_threads(simulated, wanted, tmp_path, "lambda://garimpo?slots=2")


def test_price_of_a_batch(function):
    """What an invocation costs: AWS's runtime alone, and with boto3's share of it in the driver."""
    batch, _, allowance = far.nothing(calls=0)
    event, spent = json.dumps(question(batch, allowance)).encode(), []
    for _ in range(110):
        began = time.perf_counter()
        assert not function.invoke(event)[1]
        spent.append((time.perf_counter() - began) * 1000)
    workers = open_workers("lambda://garimpo?slots=2")
    far.told(runtime_ms=round(statistics.median(spent[10:]), 2), overhead_ms=round(far.overhead_ms(workers), 2))
    workers.close()
    assert {worker.process.pid for worker in function.workers}.isdisjoint({os.getpid()})


@far.measured
def test_pace_of_threads(tmp_path, monkeypatch):
    """The same wall time as threads."""
    running = []

    def address(simulated: far.World) -> str:
        running.append(LocalLambda(tmp_path, HANDLER, 16, **far.credentials(simulated)))
        monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", running[0].endpoint)
        return "lambda://garimpo?slots=16"

    far.pace(address, tmp_path)
    running[0].close()


def test_worker_killed_mid_batch(function, simulated, wanted, tmp_path):
    """A runtime that dies under a batch is an attempt that failed; the run asks again and completes."""
    with far.while_running(lambda: function.workers[0].process.send_signal(signal.SIGKILL), simulated):
        result = far.collect(simulated, tmp_path / "there", "lambda://garimpo?slots=2", window_requests=300)
    assert result.state == "succeeded", result.message
    assert far.published(tmp_path / "there") == wanted


def test_dead_letter_after_three(function):
    """What is invoked asynchronously and falls over each time ends as a dead letter, and holds no secret."""
    boto3.client("lambda").invoke(FunctionName="garimpo", InvocationType="Event", Payload=b'{"batch": {}}')
    for _ in range(100):
        if function.dead_letters:
            break
        time.sleep(0.1)
    assert function.dead_letters == [b'{"batch": {}}']


def test_orchestrated(simulated):
    """A list of genres becomes one invocation each; their batches come back as JSON, nothing failed."""
    event = {"run_id": "r", "on": "2026-03-10", "genres": list(simulated.genres[:3]), "per_second": 50.0}
    found = aws_lambda.orchestrate(json.loads(json.dumps(event)), None, invoker("garimpo"))
    assert ([each["batch_id"] for each in found["batches"]], found["failed"]) == (
        ["discover-00001", "discover-00002", "discover-00003"],
        {},
    )


def test_refused_call_costs_nothing(simulated, tmp_path, monkeypatch):
    """Where there is no such function that is said, and no request is used up."""
    simulated.restart()
    with far.refusing(404) as place:
        monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", f"http://{place}")
        result = far.collect(simulated, tmp_path, "lambda://garimpo")
    assert (result.state, "did not take the batch" in result.message) == ("failed", True), result.message
    assert result.requests == simulated.counts()["total"]


def test_no_secret_in_logs(function):
    """What the function logged never shows the client secret."""
    log = Path(function.folder / "function.log").read_text(encoding="utf-8", errors="replace")
    assert far.SECRET not in log


def test_function_gone(function, simulated, tmp_path):
    """Where there is no Invoke API any more, the run fails, says so, uses up no request, and the next one completes."""
    function.close()
    simulated.restart()
    result = far.collect(simulated, tmp_path, "lambda://garimpo")
    assert (result.state, "lambda://garimpo" in result.message) == ("failed", True)
    assert result.requests == simulated.counts()["total"]
    assert far.collect(simulated, tmp_path, "threads").state == "succeeded"
