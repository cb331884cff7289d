"""Spark with a master and a worker of its own: same rows, work in executors, a process that dies."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pyspark
import pytest

from pipeline.integrations.backends import open_workers
from tests.integrations import far
from tests.recipes import SNAPSHOTS, lake, ran

COLUMNS = ["artist_id", "observed_on", "followers", "popularity"]

CLASS = Path(pyspark.__file__).parent / "bin" / "spark-class"


CORES = "32" if far.MEASURE else "4"


class Cluster:
    """A master and one worker with four cores, or as many as the measured pace needs: they wait for answers."""

    def __init__(self, folder: Path) -> None:
        opened = [socket.socket() for _ in range(3)]
        for each in opened:
            each.bind(("127.0.0.1", 0))
        port, *pages = [str(each.getsockname()[1]) for each in opened]
        for each in opened:
            each.close()
        self.address, self.log = f"spark://127.0.0.1:{port}", (folder / "spark.log").open("wb")
        master = ("master.Master", "--host", "127.0.0.1", "--port", port, "--webui-port", pages[0])
        worker = ("worker.Worker", "--host", "127.0.0.1", "--webui-port", pages[1], "--cores", CORES, "--memory", "1g")
        self.processes = [self._start(*master)]
        self._reach(int(port))
        self.processes.append(self._start(*worker, self.address))

    def _start(self, name: str, *options: str) -> subprocess.Popen[bytes]:
        command = [str(CLASS), f"org.apache.spark.deploy.{name}", *options]
        return subprocess.Popen(command, stdout=self.log, stderr=self.log)

    def _reach(self, port: int) -> None:
        far.until(lambda: socket.create_connection(("127.0.0.1", port), 1).close())

    def kill(self) -> None:
        """Both, at once."""
        for process in self.processes:
            process.kill()
            process.wait()
        self.log.close()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory) -> Iterator[Cluster]:
    """One that runs."""
    running = Cluster(tmp_path_factory.mktemp("spark"))
    yield running
    running.kill()


def test_same_database(cluster, simulated, tmp_path):
    """A run through Spark publishes what threads publish."""
    far.same_as_threads(simulated, tmp_path, cluster.address)


def test_work_leaves_driver(cluster, tmp_path):
    """Batches are collected in the executor's Python processes; one that dies loses its batch and is replaced."""
    workers = open_workers(cluster.address)
    found = far.processes(workers)
    assert (os.getpid() in found, workers.slots) == (False, int(CORES))
    far.dies_each_time(workers)
    assert far.dies_once(workers, tmp_path)
    workers.close()


def test_price_of_a_batch(cluster):
    """What handing over a batch costs."""
    workers = open_workers(cluster.address)
    far.told(overhead_ms=round(far.overhead_ms(workers, 10), 2))
    workers.close()


@far.measured
def test_pace_of_threads(cluster, tmp_path):
    """The same wall time as threads."""
    far.pace(lambda _: cluster.address, tmp_path)


def test_cluster_gone_mid_run(simulated, tmp_path):
    """A run whose master and worker are killed ends failed and says why; the next run completes."""
    doomed = Cluster(tmp_path)
    with far.while_running(doomed.kill, simulated):
        result = far.collect(simulated, tmp_path, doomed.address, window_requests=60)
    assert (result.state, doomed.address in result.message) == ("failed", True)
    assert far.collect(simulated, tmp_path, "threads").state == "succeeded"


def test_no_secret_in_logs(cluster):
    """The master's and the worker's logs never show the client secret."""
    assert far.SECRET not in Path(cluster.log.name).read_text(encoding="utf-8", errors="replace")


def test_lake_is_read(cluster, tmp_path):
    """The documented code reads what is published from the Parquet files, in the executors."""
    found = ran("Spark", WORKSPACE=str(lake(tmp_path).root), MASTER=cluster.address)
    rows = found["snapshots"].select(*COLUMNS).collect()
    found["spark"].stop()
    assert sorted(map(tuple, rows)) == SNAPSHOTS
