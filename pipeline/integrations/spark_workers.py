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

OPTIONS = {"spark.task.maxFailures": "1", "spark.ui.enabled": "false", "spark.scheduler.mode": "FAIR"}


class SparkWorkers(Pool):
    """A session, and threads that wait for its jobs."""

    def __init__(self, session: SparkSession) -> None:
        self._session, self._context = session, session.sparkContext
        slots = max(1, self._context.defaultParallelism)
        super().__init__(ThreadPoolExecutor(slots), slots)

    def submit(self, function: Any, *arguments: Any) -> Future[Any]:
        """One job of one task."""
        return self.executor.submit(self._job, function, arguments)

    def is_alive(self) -> bool:
        """Whether the session has executors, or a master that may give it some: without either Spark waits for ever."""
        scala = self._context._jsc.sc()  # noqa: SLF001  Spark asks it this way itself
        executors = 0 if scala.isStopped() else scala.getExecutorMemoryStatus().size() - 1  # less the driver
        return executors > 0 or (not scala.isStopped() and listens(self._context.master))

    def close(self) -> None:
        """End the session and its executors."""
        super().close()
        self._session.stop()

    def _job(self, function: Any, arguments: tuple[Any, ...]) -> Any:
        return self._context.parallelize([arguments], 1).map(lambda each: function(*each)).collect()[0]


def open_workers(address: str) -> SparkWorkers:
    """The cluster at an address; raises RuntimeError where there is none."""
    builder = SparkSession.builder.master(address).appName("garimpo").config("spark.pyspark.python", sys.executable)
    for name, value in OPTIONS.items():
        builder = builder.config(name, value)
    try:
        return SparkWorkers(builder.getOrCreate())
    except Exception as error:  # noqa: BLE001  py4j's own errors are no RuntimeError
        raise RuntimeError(str(error).splitlines()[0]) from None
