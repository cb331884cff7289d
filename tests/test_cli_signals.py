"""Headless runs and signals: SIGTERM and SIGINT end them cleanly, kill -9 leaves nothing that is not found again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from pipeline.records.opening import opened_ledger
from pipeline.service.scheduler import Service
from pipeline.simulator.server import Running
from tests.apps import until
from tests.commands import ROOT, answer, command, environment, start
from tests.worlds import database, genre_names, held, running_world, settings_for, stable_tables

WORLD = {"artists": 20, "latency_ms": 60}
Started = subprocess.Popen[str]
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no POSIX signals")


@pytest.fixture
def first(world: Running, settings: dict[str, str], tmp_path: Path) -> Started:
    """A run that has sent some requests."""
    process, sent = start(settings, tmp_path, "run", "--json"), world.counts()["total"]
    end = time.monotonic() + 60
    while world.counts()["total"] < sent + 12:
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.02)
    return process


def test_signal_cancels_cleanly(
    inside: Any, world: Running, settings: dict[str, str], tmp_path: Path, first: Started
) -> None:
    """The run ends as cancelled with exit code 130; what it committed is kept and not asked again."""
    first.send_signal(signal.SIGTERM)
    result = json.loads(first.communicate(timeout=60)[0])
    assert (first.returncode, result["state"]) == (130, "cancelled")
    _, told, _ = inside(settings, tmp_path, "status")
    assert f"last run {result['run_id']}: cancelled: everything committed is kept\n" in told
    assert inside(settings, tmp_path, "retry")[0] == 0
    assert stable_tables(database(tmp_path / "data")) == held(world.truth(genres=genre_names(world)))


def test_hasty_signals_count_once(first: Started) -> None:
    """Ctrl-C, be it pressed thrice or handed on by a wrapper, ends the run as cancelled, too, and nothing faults."""
    for _ in range(3):
        first.send_signal(signal.SIGINT)
        time.sleep(0.05)
    out, err = first.communicate(timeout=60)
    assert (first.returncode, json.loads(out)["state"]) == (130, "cancelled")
    assert "Warning: " not in err


def test_late_signal_ends_at_once(inside: Any, world: Running, settings: dict[str, str], tmp_path: Path) -> None:
    """A signal after the time a cancelled run takes ends the process at once; what it did is found as crashed."""
    script = "import sys; from pipeline.cli import commands; commands.PATIENCE_S = 0; sys.exit(commands.main(['run']))"
    process = subprocess.Popen([sys.executable, "-c", script], cwd=tmp_path, env=settings, stderr=subprocess.PIPE)
    while world.counts()["total"] < 12:
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGINT), process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err.splitlines()[-1][:13]) == (130, b"ended at once")
    assert json.loads(inside(settings, tmp_path, "status", "--json")[1])["last_run"]["state"] == "crashed"


@pytest.mark.parametrize(
    ("loaded", "number"),
    [
        ("typer", signal.SIGINT), ("typer", signal.SIGTERM), ("duckdb", signal.SIGTERM),
        ("pipeline.records.ledger", signal.SIGINT),
    ],
)  # fmt: skip
def test_signal_before_anything_begins(loaded: str, number: signal.Signals, tmp_path: Path) -> None:
    """Whoever changes their mind while the program loads gets exit code 130, without a word."""
    settings = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONVERBOSE": "1"}  # says what is loaded
    with start(settings, tmp_path, "status") as process:
        lines = iter(process.stderr)
        next(line for line in lines if line.startswith(f"import '{loaded}'"))
        process.send_signal(number)
        rest = [line for line in lines if not line.startswith(("import ", "#"))]
    assert (process.wait(timeout=60), rest) == (130, [])


@pytest.mark.slow
def test_killed_run_is_found(
    inside: Any, world: Running, settings: dict[str, str], tmp_path: Path, first: Started
) -> None:
    """After kill -9 the next command sees the run as crashed, and one retry brings everything it left."""

    def answer(*arguments: str) -> tuple[int, Any]:
        code, out, _ = inside(settings, tmp_path, *arguments, "--json")
        return code, json.loads(out)

    first.kill()
    first.communicate()
    with opened_ledger(settings_for(world, tmp_path / "data")) as (_, ledger):
        [run] = ledger.runs()
    assert (run["state"], answer("retry", run["run_id"], "--dry-run")[0]) == ("running", 0)
    _, state = answer("status")
    assert (state["last_run"]["state"], state["running"]) == ("crashed", None)
    code, result = answer("retry", "last")
    assert (code, result["state"]) == (0, "succeeded")
    assert stable_tables(database(tmp_path / "data")) == held(world.truth(genres=genre_names(world)))


@pytest.mark.slow
def test_second_run_waits_its_turn(settings: dict[str, str], tmp_path: Path, first: Started) -> None:
    """Told to wait, a second process begins when the first has ended and finds nothing left to ask.

    Whoever follows the first one's log meanwhile sees its end, and ends with it.
    """
    named = json.loads(command(settings, tmp_path, "status", "--json")[1])["running"]["run_id"]
    following = start(settings, tmp_path, "logs", named, "--follow")
    code, result = answer(settings, tmp_path, "run", "--wait")
    out, _ = first.communicate(timeout=60)
    assert (json.loads(out)["state"], code, result["requests"]) == ("succeeded", 0, 0)
    followed, _ = following.communicate(timeout=60)
    lines = followed.splitlines()
    assert (following.returncode, "run_started" in lines[0]) == (0, True)
    assert "run_finished state=succeeded" in followed


def test_retry_waits_for_the_run(world: Running, settings: dict[str, str], tmp_path: Path, first: Started) -> None:
    """Told to wait, a retry of a run that goes on begins at its end, with what it left by then."""
    second = start(settings, tmp_path, "retry", "--wait", "--json")
    assert "goes on: waiting for its end" in second.stderr.readline()
    first.send_signal(signal.SIGTERM)
    out, _ = second.communicate(timeout=60)
    assert (json.loads(first.communicate()[0])["state"], json.loads(out)["state"]) == ("cancelled", "succeeded")
    assert stable_tables(database(tmp_path / "data")) == held(world.truth(genres=genre_names(world)))


@pytest.mark.slow
def test_app_and_headless_take_turns(tmp_path: Path) -> None:
    """While the app collects, a run of the command line is refused or waits, by choice; then each has had its turn."""
    with running_world(artists=12, now=None) as world:
        world.set_scenario({"rules": [{"what": "slow", "delay_s": 1.0}]})
        headless = environment(world, tmp_path / "data", GARIMPO_SCHEDULE="")
        service = Service(settings_for(world, tmp_path / "data", schedule=""))
        service.start()  # an empty workspace begins its first run by itself
        try:
            until(lambda: service.ledger.read("SELECT 1 FROM requests WHERE status IS NOT NULL"))
            refused, out, _ = command(headless, tmp_path, "run", "--no-wait", "--json")
            waiting = start(headless, tmp_path, "run", "--wait", "--max-requests", "10")
            world.set_scenario({})
            first = until(lambda: [run for run in service.ledger.runs() if run["finished_at"]])
            waiting.communicate(timeout=60)
            runs = service.ledger.runs()
        finally:
            service.stop()
    assert (refused, "run_in_progress" in out.lower() or "schedule" in json.loads(out)["message"]) == (3, True)
    assert (waiting.returncode, [run["state"] for run in runs]) == (0, ["succeeded", "succeeded"])
    assert [run["trigger"] for run in runs] == ["cli", "schedule"]
    assert runs[0]["started_at"] >= first[-1]["finished_at"]
    assert runs[0]["requests"] <= 10
