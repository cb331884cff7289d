"""The simulator as a process: started from code or from the command line, ending with its parent."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import typer
from typer.testing import CliRunner, Result

from pipeline.simulator.cli import simulator
from pipeline.simulator.config import SimulatorConfig
from pipeline.simulator.fault_kinds import FAULT_KINDS
from pipeline.simulator.process import spawn, write_ready_file
from pipeline.simulator.server import running

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "pipeline.simulator"]
posix = pytest.mark.skipif(os.name != "posix", reason="kill -9 is a POSIX matter")


@pytest.fixture
def ready_file(tmp_path: Path) -> Path:
    """Where a simulator tells that it is ready."""
    return tmp_path / "ready.json"


@pytest.fixture
def started(ready_file: Path) -> Iterator[subprocess.Popen[str]]:
    """`python -m pipeline.simulator` on a free port, with standard input open."""
    options = ["--port", "0", "--artists", "30", "--stop-with-stdin", "--ready-file", str(ready_file)]
    with subprocess.Popen(
        [*COMMAND, *options], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        process.kill()


def wait_for(path: Path) -> dict[str, object]:
    """The content of a ready file as soon as it is there."""
    deadline = time.monotonic() + 20
    while not path.exists():
        assert time.monotonic() < deadline, "no ready file"
        time.sleep(0.02)
    found: dict[str, object] = json.loads(path.read_text(encoding="utf-8"))
    return found


def answers(url: str) -> bool:
    """True when a simulator answers at this address."""
    try:
        return requests.get(f"{url}/_simulator/clock", timeout=5).ok
    except requests.ConnectionError:
        return False


def gone(url: str) -> bool:
    """True when nothing answers any more, given a few seconds."""
    deadline = time.monotonic() + 10
    while answers(url):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_spawned_simulator_serves() -> None:
    """A spawned simulator is a process that answers by its config until it is closed.

    The client's secret is in no argument and no repr, and Ctrl-C in our terminal does not reach it.
    """
    config = SimulatorConfig(artists=7, profile="legacy", client_id="me", client_secret="hush-hush")
    with spawn(config) as child:
        found = requests.get(f"{child.url}/_simulator/catalog", timeout=5).json()
        assert (found["artists"], found["profile"], child.is_alive) == (7, "legacy", True)
        assert child.api_url == f"http://127.0.0.1:{child.port}/v1/"
        if os.name == "posix":
            line = ["ps", "-o", "args=", "-p", str(child.pid)]
            listed = subprocess.run(line, capture_output=True, text=True, check=True).stdout
            assert "pipeline.simulator.process" in listed
            assert "hush" not in listed + repr(config)
            assert os.getpgid(child.pid) != os.getpgrp()
    assert not child.is_alive
    assert not answers(child.url)
    child.close()


def test_failed_start_tells_why() -> None:
    """A child that cannot start is an error with the child's own words, at once."""
    with pytest.raises(RuntimeError, match=r"cannot read the catalogue .*no-such-file\.csv"):
        spawn(SimulatorConfig(catalog="/no-such-file.csv"))


def test_slow_start_is_given_up() -> None:
    """A child that is not ready in time is ended, and the error says how long it was waited for."""
    with pytest.raises(RuntimeError, match="waiting 0 s at most"):
        spawn(SimulatorConfig(), timeout_s=0.01)


def test_taken_port_is_an_error() -> None:
    """A port that somebody else listens on is an error, in a thread and in a child alike."""
    with running(SimulatorConfig(artists=1)) as first:
        taken = SimulatorConfig(artists=1, port=first.port)
        with pytest.raises(OSError, match=rf"^port {first.port} of 127.* in use.* by --port, or 0"), running(taken):
            pass
        with pytest.raises(RuntimeError, match="in use"):
            spawn(taken)


@posix
def test_ready_file_is_replaced_whole(tmp_path: Path) -> None:
    """Whoever has opened an older ready file reads that one to its end, and nothing else is left beside the new one."""
    path = tmp_path / "ready.json"
    path.write_text("of another simulator", encoding="utf-8")
    with path.open(encoding="utf-8") as opened:
        write_ready_file(path, 8_808)
        assert opened.read() == "of another simulator"
    assert json.loads(path.read_text(encoding="utf-8"))["port"] == 8_808
    assert list(tmp_path.iterdir()) == [path]


@posix
def test_port_can_be_taken_again() -> None:
    """A simulator restarts on its port at once, though connections it closed itself still linger there."""
    with running(SimulatorConfig(artists=1)) as first:
        kept = socket.create_connection(("127.0.0.1", first.port))
        kept.sendall(b"GET /_simulator/clock HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        while kept.recv(4096):
            pass
        kept.close()
    with running(SimulatorConfig(artists=1, port=first.port)) as second:
        assert answers(second.url)


@posix
def test_killed_parent_takes_the_child_along() -> None:
    """When the parent is killed with -9 the child ends by itself."""
    code = (
        "from pipeline.simulator.process import *; from pipeline.simulator.config import *; import sys\n"
        "child = spawn(SimulatorConfig(artists=5)); print(child.url, child.pid, flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        url, child = parent.stdout.readline().split()
        assert answers(url)
        parent.kill()
    try:
        assert gone(url)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(child), signal.SIGKILL)


def test_command_prints_what_to_paste(started: subprocess.Popen[str], ready_file: Path) -> None:
    """The command prints the four exports for its port and writes the ready file.

    With --stop-with-stdin the end of standard input is the end of the simulator, and a good one.
    """
    ready = wait_for(ready_file)
    assert started.stdout is not None
    port = ready["port"]
    assert [started.stdout.readline().strip() for _ in range(4)] == [
        f"export GARIMPO_API_URL=http://127.0.0.1:{port}/v1/",
        f"export GARIMPO_TOKEN_URL=http://127.0.0.1:{port}/api/token",
        "export SPOTIPY_CLIENT_ID=simulator",
        "export SPOTIPY_CLIENT_SECRET=simulator",
    ]
    assert ready == {
        "port": port,
        "api_url": f"http://127.0.0.1:{port}/v1/",
        "token_url": f"http://127.0.0.1:{port}/api/token",
        "pid": started.pid,
    }
    assert started.stdin is not None
    started.stdin.close()
    assert started.wait(10) == 0


@posix
def test_interrupt_is_a_good_end(started: subprocess.Popen[str], ready_file: Path) -> None:
    """Ctrl-C ends the simulator without a traceback."""
    wait_for(ready_file)
    started.send_signal(signal.SIGINT)
    assert started.wait(10) == 0


def invoked(*options: str) -> Result:
    """The command in this process."""
    app = typer.Typer()
    app.command()(simulator)
    return CliRunner().invoke(app, options, env={"COLUMNS": "100", "NO_COLOR": "1"})


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--profile", "secret"], "profile 'secret' is not one of development, legacy, extended"),
        (["--quota", "search=many"], "'many' is not a number of requests"),
        (["--quota", "serach=5"], "quota bucket 'serach'"),
        (["--fault", "earthquake"], "what = 'earthquake'"),
        (["--scenario", "nowhere.toml"], "cannot read the scenario nowhere.toml"),
        (["--catalog", "nowhere.csv"], "cannot read the catalogue"),
        (["--now", "soon"], "soon"),
    ],
)
def test_bad_options_exit_2(options: list[str], complaint: str) -> None:
    """An option that makes no sense is one line on standard error and exit code 2."""
    done = invoked("--port", "0", *options)
    assert (done.exit_code, done.stdout) == (2, "")
    assert complaint in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_options_reach_the_simulator(tmp_path: Path, ready_file: Path) -> None:
    """Quotas, faults, scenario, clock and profile of the command line are in force."""
    (tmp_path / "bad.toml").write_text('rules = [{what = "not_found", where = "markets"}]', encoding="utf-8")
    options = [
        "--quota",
        "9",
        "--quota",
        "search=1",
        "--fault",
        "server_error@artist",
        "--scenario",
        str(tmp_path / "bad.toml"),
    ]
    more = [
        "--now",
        "2026-01-05",
        "--clock-speed",
        "0",
        "--profile",
        "legacy",
        "--artists",
        "30",
        "--ready-file",
        str(ready_file),
    ]
    with subprocess.Popen(
        [*COMMAND, "--port", "0", "--stop-with-stdin", *options, *more],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    ) as process:
        ready = wait_for(ready_file)
        form = {"grant_type": "client_credentials"}
        token = requests.post(str(ready["token_url"]), form, auth=("a", "b"), timeout=5).json()["access_token"]
        paths = ("search?q=a&type=artist", "search?q=a&type=artist", "markets", "artists?ids=" + "0" * 22)
        found = [
            requests.get(f"{ready['api_url']}{path}", headers={"Authorization": f"Bearer {token}"}, timeout=5)
            for path in paths
        ]
        assert process.stdin is not None
        process.stdin.close()
    assert [answer.status_code for answer in found] == [200, 429, 404, 500]
    assert found[0].headers["x-simulated-now"] == "2026-01-05T00:00:00.000Z"


def test_help_explains_everything() -> None:
    """--help names every fault, every control endpoint, the profiles and how a scenario file looks."""
    done = invoked("--help")
    controls = ("clock", "counts", "catalog", "truth", "reset", "scenario", "profile")
    expected = [
        *FAULT_KINDS,
        *(f"/_simulator/{name}" for name in controls),
        "development",
        "legacy",
        "rules = [",
        "WHAT=SHARE@WHERE",
    ]
    assert [word for word in expected if word not in done.stdout] == []
