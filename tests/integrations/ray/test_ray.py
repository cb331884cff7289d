"""Ray with a head of its own: same rows, work in actors, an actor that dies, a head that goes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.integrations.backends import listens, open_workers
from tests.apps import free_port
from tests.integrations import far


class Head:
    """A cluster of one node."""

    def __init__(self, folder: Path) -> None:
        port = str(free_port())
        self.address, self.log = f"ray://127.0.0.1:{port}", folder / "ray.log"
        command = [sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block", "--num-cpus", "2"]
        command += ["--node-ip-address", "127.0.0.1", "--port", port, "--include-dashboard", "false"]
        command += ["--object-store-memory", "100000000"]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)

    def reach(self) -> None:
        """Wait until it answers; what it said, where it ended instead."""
        while not listens(self.address):
            assert self.process.poll() is None, self.log.read_text(encoding="utf-8")[-2000:]
            time.sleep(0.2)
        far.until(lambda: open_workers(self.address).close())

    def kill(self) -> None:
        """All of it, at once."""
        if self.process.poll() is None:
            for child in self._children():
                os.kill(child, signal.SIGKILL)
            self.process.kill()
            self.process.wait()

    def _children(self) -> list[int]:
        told = subprocess.run(["ps", "-o", "pid=", "--ppid", str(self.process.pid)], capture_output=True, text=True)  # noqa: PLW1510
        return [int(line) for line in told.stdout.split()]


@pytest.fixture(scope="module")
def head(tmp_path_factory) -> Iterator[Head]:
    """One that runs."""
    running = Head(tmp_path_factory.mktemp("ray"))
    running.reach()
    yield running
    running.kill()


def test_stranger_is_refused(head, monkeypatch):
    """Ray listens on every interface; without the token nobody may run anything there."""
    monkeypatch.setenv("RAY_AUTH_TOKEN", "0" * 64)
    line = f"from pipeline.integrations.backends import open_workers; open_workers({head.address!r})"
    told = subprocess.run([sys.executable, "-c", line], capture_output=True, text=True, timeout=90, check=False)
    assert (told.returncode, "InvalidAuthToken" in told.stderr) == (1, True), told.stderr


def test_same_database(head, simulated, wanted, tmp_path):
    """A run through Ray publishes what threads publish."""
    far.same_as_threads(simulated, wanted, tmp_path, head.address)


def test_work_leaves_driver_at_a_price(head, tmp_path):
    """Batches are collected in the actors' processes, at a price; one that dies loses its batch and is made again."""
    workers = open_workers(head.address)
    found = far.processes(workers)
    assert (os.getpid() in found, len(found)) == (False, 2)
    far.told(overhead_ms=round(far.overhead_ms(workers), 2))
    far.dies_each_time(workers)
    assert far.dies_once(workers, tmp_path)
    workers.close()


@far.measured
def test_pace_of_threads(head, tmp_path):
    """The same wall time as threads."""
    far.pace(lambda _: head.address, tmp_path)


def test_no_secret_in_logs(head):
    """Neither the head's output nor its session's logs show the client secret."""
    session = Path(os.environ["RAY_TMPDIR"])
    logs = [head.log, *session.glob("session_*/logs/**/*.*")]
    assert not [path for path in logs if path.is_file() and far.SECRET.encode() in path.read_bytes()]


def test_head_gone_mid_run(simulated, tmp_path):
    """A run whose head is killed ends failed and says why; the next run completes."""
    doomed = Head(tmp_path)
    doomed.reach()
    script = Path(__file__).with_name("one_run.py")
    command = [sys.executable, str(script), simulated.api_url, simulated.token_url, str(tmp_path), doomed.address]
    with far.while_running(doomed.kill, simulated):
        ended = subprocess.run(command, capture_output=True, text=True, timeout=110, check=False)
    assert "failed" in ended.stdout, ended.stderr[-2000:]
    assert far.collect(simulated, tmp_path, "threads").state == "succeeded"
