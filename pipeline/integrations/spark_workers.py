"""Batches on a Spark cluster: `GARIMPO_BACKEND=spark://host:port`, the address of its master.

A thread pool over jobs of one element: Spark has no futures. Executors need this package (installed, or
`spark.executorEnv.PYTHONPATH`); they get the access to the source with each batch. The run repeats a batch, not Spark.
"""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from pipeline.integrations.backends import Pool, listens
from pipeline.integrations.spark_session import open_session

__all__ = ["open_workers"]

MOST_AT_ONCE = 64

_one_at_a_time = threading.Lock()


class SparkWorkers(Pool):
    """Threads that open a session and wait for its jobs; as many slots as executors have cores, once one has come."""

    def __init__(self, address: str) -> None:
        super().__init__(ThreadPoolExecutor(MOST_AT_ONCE), MOST_AT_ONCE)
        self._is_wanted = True
        self._one = self.executor.submit(self._open, address)
        self.first = self.submit(bool)

    def _open(self, address: str) -> Any:
        """What jobs are made of; a session that nobody wants by then ends before another is opened."""
        with _one_at_a_time:
            session = open_session(address)
            if not self._is_wanted:
                session.stop()
            return session.parallelize([None], 1)

    def perform(self, function: Any, *arguments: Any) -> Any:
        """One job of one task, once the session is open."""
        found = self._one.result().map(lambda _: function(*arguments)).collect()[0]
        self.slots = int(self._one.result().context.defaultParallelism)  # now: before any executor came Spark says two
        return found

    def is_alive(self) -> bool:
        """Whether the session has executors, or a master that may give it some: without either Spark waits for ever."""
        with suppress(Exception):  # there is no session yet, or none any more, or its Java process is gone
            context = self._one.result(0).context
            return context._jsc.sc().getExecutorMemoryStatus().size() > 1 or listens(context.master)  # noqa: SLF001
        return not self._one.done()

    def close(self) -> None:
        """End the session and its executors; one that is not open yet ends once it is, and is not waited for."""
        super().close()
        self._is_wanted = False
        self._one.add_done_callback(_stop)


def _stop(one: Future[Any]) -> None:
    with suppress(Exception):  # it could not be opened, or is stopped already
        one.result().context.stop()


def open_workers(address: str) -> SparkWorkers:
    """The cluster at an address; its session opens while the run begins."""
    return SparkWorkers(address)
