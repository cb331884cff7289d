"""Spark with a master and a worker of its own: same rows, work in executors, a process that dies."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pyspark
import pytest

from pipeline.errors import SettingsError
from pipeline.integrations.backends import open_workers
from pipeline.records.opening import opened_ledger
from pipeline.runs import elsewhere
from pipeline.settings import Settings
from tests.benchmarks.worlds import World
from tests.integrations import far
from tests.recipes import SNAPSHOTS, lake, ran

COLUMNS = ["artist_id", "observed_on", "followers", "popularity"]

CLASS = Path(pyspark.__file__).parent / "bin" / "spark-class"


CORES = "32" if far.MEASURE else "4"


class Cluster:
    """A master and one worker with four cores, or as many as the measured pace needs, or a master that has none."""

    def __init__(self, folder: Path, workers: int = 1) -> None:
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
        self.processes += [self._start(*worker, self.address) for _ in range(workers)]

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


@pytest.fixture(scope="module")
def alone(tmp_path_factory) -> Iterator[Cluster]:
    """A master without a worker."""
    running = Cluster(tmp_path_factory.mktemp("alone"), workers=0)
    yield running
    running.kill()


@pytest.fixture
def only_there(monkeypatch):
    """Runs wait for Spark from the beginning."""
    monkeypatch.setattr(elsewhere, "AWAITED_S", 0.0)


def collectors(data: Path) -> list[bool]:
    """Of each answer of a run's tasks, in order, whether it came from afar: there a batch's requests bear its name."""
    with opened_ledger(Settings(data=data, workspace="simulator")) as (_, ledger):
        rows = ledger.read("SELECT batch_id FROM requests WHERE status = 200 ORDER BY at")
    return [row["batch_id"] != "" for row in rows]


def stands_still(simulated: World) -> None:
    """Wait until a session is open and something was asked, and nothing more for three seconds.

    A session that finds no master while it opens asks for it again, for a minute.
    """
    far.until(lambda: pyspark.SparkContext._active_spark_context.applicationId)
    before = -1
    while (now := simulated.counts()["total"]) == 0 or now != before:
        before = now
        time.sleep(3)


@pytest.mark.usefixtures("only_there")
def test_same_database(cluster, simulated, wanted, tmp_path):
    """A run through Spark publishes what threads publish."""
    far.same_as_threads(simulated, wanted, tmp_path, cluster.address)
    assert sum(collectors(tmp_path)) > 50


def test_listens_to_this_machine(cluster):
    """Started as the page says, nothing of it can be reached from elsewhere: whoever reaches it may run anything."""
    assert [door for process in cluster.processes for door in far.doors(process.pid)] == []


def test_driver_begins(cluster, simulated, wanted, tmp_path):
    """The driver collects until executors have come, and they from then on; the database is the same."""
    far.same_as_threads(simulated, wanted, tmp_path, cluster.address, window_requests=45)
    found = collectors(tmp_path)
    assert (any(found[:8]), found[-1]) == (False, True)  # the first five are the probe's, which is always the driver's


def test_no_executor_ever(simulated, tmp_path, monkeypatch):
    """Where no executor comes the driver stops after its seconds and waits; a master that goes ends the run."""
    monkeypatch.setattr(elsewhere, "AWAITED_S", 4.0)
    doomed = Cluster(tmp_path, workers=0)
    simulated.restart()
    killer = threading.Thread(target=lambda: (stands_still(simulated), doomed.kill()))
    killer.start()
    result = far.collect(simulated, tmp_path, doomed.address, window_requests=60)
    killer.join()
    assert (result.state, doomed.address in result.message, any(collectors(tmp_path))) == ("failed", True, False)


WAITS_FOR_A_JOB = """
import sys, time
from pipeline.integrations.backends import open_workers
workers = open_workers(sys.argv[1])
while not workers._one.done() or not workers._one.result().context.statusTracker().getActiveJobsIds():
    time.sleep(0.1)
workers.first.exception(1)
"""


def test_process_ends_beside_a_job(alone):
    """A process ends though one of its threads waits for a job that never begins, and its Java with it."""
    ended = subprocess.run(
        [sys.executable, "-c", WAITS_FOR_A_JOB, alone.address], capture_output=True, timeout=90, check=False
    )
    assert (ended.returncode, b"TimeoutError" in ended.stderr) == (1, True)


def test_starting_is_not_waited_for(cluster):
    """A session that still opens is closed without waiting for it; the next one of the process is another."""
    leaving = open_workers(cluster.address)
    leaving.close()
    assert not leaving.has_come()
    arriving = open_workers(cluster.address)
    assert arriving.first.result(90) is False
    assert leaving.first.exception(0) is not None
    arriving.close()
    # How to reach Java, with the secret to it, does not stay in the environment that later processes inherit.
    assert pyspark.SparkContext._gateway is not None
    assert [name for name in os.environ if name.startswith("PYSPARK_GATEWAY")] == []


@pytest.mark.parametrize("after_s", [0, 1, 2])
def test_process_ends_while_java_starts(alone, after_s):
    """A process that closes its workers while Java starts, or the session opens, ends without them; Java with it."""
    begins = (
        "workers = open_workers(sys.argv[1]); time.sleep(int(sys.argv[2])); workers.close(); print(workers.has_come())"
    )
    line = f"import sys, time; from pipeline.integrations.backends import open_workers; {begins}"
    ended = subprocess.run(
        [sys.executable, "-c", line, alone.address, str(after_s)],
        capture_output=True,
        timeout=90,
        check=False,
        text=True,
    )
    assert (ended.returncode, ended.stdout, "Traceback" in ended.stderr) == (0, "False\n", False)


HANGS_UP = """
import socket, threading
from py4j.java_gateway import GatewayClient
from pipeline.integrations import spark_session
ending = socket.create_server(("127.0.0.1", 0))
def hang_up():
    while True:
        ending.accept()[0].close()
threading.Thread(target=hang_up, daemon=True).start()
spark_session._end_all()
GatewayClient(port=ending.getsockname()[1]).send_command("x")
"""


def test_ending_java_is_no_news():
    """A thread that still asked Java something when it ended gets an error; nobody else is shown where."""
    ended = subprocess.run([sys.executable, "-c", HANGS_UP], capture_output=True, timeout=60, check=False, text=True)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_nothing_listens(simulated, tmp_path):
    """An address without a master is refused before anything is started."""
    with pytest.raises(SettingsError, match="nothing listens there"):
        far.collect(simulated, tmp_path, "spark://127.0.0.1:9")


def test_work_leaves_driver_at_a_price(cluster, tmp_path):
    """Batches are collected in the executor's Python processes, at a price; one that dies is replaced."""
    workers = open_workers(cluster.address)
    found = far.processes(workers)
    assert (os.getpid() in found, workers.slots) == (False, int(CORES))
    far.told(overhead_ms=round(far.overhead_ms(workers, 10), 2))
    far.dies_each_time(workers)
    assert far.dies_once(workers, tmp_path)
    workers.close()


@far.measured
def test_pace_of_threads(cluster, tmp_path):
    """The same wall time as threads."""
    far.pace(lambda _: cluster.address, tmp_path)


@pytest.mark.usefixtures("only_there")
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
