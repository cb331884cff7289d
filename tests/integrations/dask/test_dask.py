"""Dask as it is deployed: a scheduler, workers beside it, and what happens when either goes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.integrations.backends import open_workers
from tests.apps import free_port
from tests.integrations import far
from tests.recipes import SNAPSHOTS, lake, ran

COLUMNS = ["artist_id", "observed_on", "followers", "popularity"]


class Cluster:
    """A scheduler and its workers as processes."""

    def __init__(self, folder: Path, workers: int = 2) -> None:
        port = free_port()
        self.place, self.log = f"127.0.0.1:{port}", (folder / "dask.log").open("wb")
        self.address = f"dask://{self.place}"
        self.scheduler = self._start("scheduler", "--host", "127.0.0.1", "--port", str(port))
        options = ("--host", "127.0.0.1", "--nthreads", "16", "--memory-limit", "0", "--local-directory", str(folder))
        nanny = [self._start("worker", f"tcp://{self.place}", *options) for _ in range(workers)]
        self.processes = [self.scheduler, *nanny]
        self._wait(workers)

    def _start(self, what: str, *options: str) -> subprocess.Popen[bytes]:
        environment = os.environ | {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0"}
        environment.pop("PYTHONPATH", None)  # the page says that to be in the folder is enough
        command = [sys.executable, "-m", "dask", what, "--dashboard-address", "127.0.0.1:0", *options]
        return subprocess.Popen(command, stdout=self.log, stderr=self.log, env=environment)

    def _wait(self, workers: int) -> None:
        for _ in range(120):
            try:
                opened = open_workers(self.address)
            except Exception:  # noqa: BLE001  not yet
                time.sleep(0.5)
                continue
            slots = opened.slots
            opened.close()
            if slots == 16 * workers:
                return
            time.sleep(0.5)
        raise RuntimeError("no cluster")

    def close(self) -> None:
        """End them all."""
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            process.wait(20)
        self.log.close()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory) -> Iterator[Cluster]:
    """Two workers."""
    running = Cluster(tmp_path_factory.mktemp("dask"))
    yield running
    running.close()


def test_same_database(cluster, simulated, wanted, tmp_path):
    """A run through Dask publishes what threads publish."""
    far.same_as_threads(simulated, wanted, tmp_path, cluster.address)


def test_listens_to_this_machine(cluster):
    """Started as the page says, nothing of it can be reached from elsewhere: whoever reaches it may run anything."""
    assert [door for process in cluster.processes for door in far.doors(process.pid)] == []


def test_work_leaves_driver(cluster):
    """Batches are collected in the workers' processes."""
    workers = open_workers(cluster.address)
    found = far.processes(workers)
    workers.close()
    assert os.getpid() not in found
    assert len(found) == 2


def test_price_of_a_batch(cluster):
    """What handing over a batch costs."""
    workers = open_workers(cluster.address)
    far.told(overhead_ms=round(far.overhead_ms(workers), 2))
    workers.close()


@far.measured
def test_pace_of_threads(cluster, tmp_path):
    """The same wall time as threads."""
    far.pace(lambda _: cluster.address, tmp_path)


def test_worker_killed(cluster, tmp_path):
    """A worker that dies under a batch, once or each time, loses it, says so, and is replaced."""
    workers = open_workers(cluster.address)
    far.dies_each_time(workers)
    assert far.dies_once(workers, tmp_path)
    workers.close()


def test_scheduler_gone_mid_run(simulated, tmp_path):
    """A run whose scheduler is killed ends failed and says why; what was committed stays, the next run completes."""
    doomed = Cluster(tmp_path, workers=1)
    with far.while_running(lambda: doomed.scheduler.send_signal(signal.SIGKILL), simulated):
        result = far.collect(simulated, tmp_path, doomed.address, window_requests=150)
    doomed.close()
    assert (result.state, doomed.address in result.message) == ("failed", True)
    assert far.collect(simulated, tmp_path, "threads").state == "succeeded"
    assert far.collect(simulated, tmp_path / "whole", "threads").state == "succeeded"
    assert far.published(tmp_path)["tracks"] == far.published(tmp_path / "whole")["tracks"]


def test_no_secret_in_logs(cluster):
    """The scheduler's and the workers' logs never show the client secret."""
    assert far.SECRET not in Path(cluster.log.name).read_text(encoding="utf-8", errors="replace")


def test_lake_is_read(cluster, tmp_path):
    """The documented code reads what is published from the Parquet files, on the workers."""
    found = ran("Dask", WORKSPACE=str(lake(tmp_path).root), SCHEDULER=f"tcp://{cluster.place}")
    rows = found["snapshots"].reset_index().compute()
    found["client"].close()
    assert sorted(map(tuple, rows[COLUMNS].values.tolist())) == SNAPSHOTS
