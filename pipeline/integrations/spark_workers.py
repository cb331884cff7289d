"""Batches on a Spark cluster: `GARIMPO_BACKEND=spark://host:port`, the address of its master.

A thread pool over jobs of one element: Spark has no futures. Executors need this package (installed, or
`spark.executorEnv.PYTHONPATH`); they get the access to the source with each batch. The run repeats a batch, not Spark.
"""

from __future__ import annotations

import sys
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from pyspark.sql import SparkSession

from pipeline.integrations.backends import Pool, listens

__all__ = ["open_workers"]

MOST_AT_ONCE = 64
PLAINLY = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"  # executors only hand over: compiling well costs three seconds
OPTIONS = {
    "spark.executor.defaultJavaOptions": PLAINLY, "spark.pyspark.python": sys.executable,
    "spark.python.daemon.module": "pipeline.integrations.spark_daemon", "spark.scheduler.mode": "FAIR",
    "spark.task.maxFailures": "1", "spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false",
}  # fmt: skip


class SparkWorkers(Pool):
    """A session, and threads that wait for its jobs; as many slots as its executors have cores, once one has come."""

    def __init__(self, session: SparkSession) -> None:
        self._session, self._one = session, session.sparkContext.parallelize([None], 1)
        super().__init__(ThreadPoolExecutor(MOST_AT_ONCE), MOST_AT_ONCE)

    def submit(self, function: Any, *arguments: Any) -> Future[Any]:
        """One job of one task."""
        return self.executor.submit(self._job, function, arguments)

    def is_alive(self) -> bool:
        """Whether the session has executors, or a master that may give it some: without either Spark waits for ever."""
        scala = self._one.context._jsc.sc()  # noqa: SLF001  Spark asks it so itself; the driver counts as an executor
        return not scala.isStopped() and (scala.getExecutorMemoryStatus().size() > 1 or listens(scala.master()))

    def close(self) -> None:
        """End the session and its executors."""
        super().close()
        self._session.stop()

    def _job(self, function: Any, arguments: tuple[Any, ...]) -> Any:
        found = self._one.map(lambda _: function(*arguments)).collect()[0]
        self.slots = int(self._one.context.defaultParallelism)  # now: before any executor has come Spark says two
        return found


def open_workers(address: str) -> SparkWorkers:
    """The cluster at an address; raises RuntimeError where there is none."""
    try:
        return SparkWorkers(SparkSession.builder.master(address).appName("garimpo").config(map=OPTIONS).getOrCreate())
    except Exception as error:  # noqa: BLE001  py4j's own errors are no RuntimeError
        raise RuntimeError(str(error).splitlines()[0]) from None
