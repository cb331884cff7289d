"""Batches on a Ray cluster: `GARIMPO_BACKEND=ray://host:port`, the address of its head; port 10001 means Ray's client.

One collecting actor per CPU, each with several batches under way. An actor that dies is made again, its batches not:
the run tries them again. Actors need this package; they get the access to the source with each batch.
"""

from __future__ import annotations

from concurrent.futures import Future
from itertools import cycle
from typing import Any

import ray

from pipeline.integrations.backends import listens
from pipeline.source.collect import MOST_BYTES

__all__ = ["open_workers"]

AT_ONCE, CLIENT_PORT = 16, 10001  # batches of one actor at once: they wait for answers, not for the CPU


class Collector:  # lives on the cluster
    def perform(self, function: Any, *arguments: Any) -> Any:
        return function(*arguments)


class RayWorkers:
    """Actors in turn."""

    def __init__(self, address: str) -> None:
        actor = ray.remote(num_cpus=1, max_concurrency=AT_ONCE, max_restarts=-1, max_task_retries=0)(Collector)
        many = max(1, int(ray.cluster_resources().get("CPU", 1)))
        self._turns = cycle([actor.remote() for _ in range(many)])
        self.slots, self.most_bytes, self._address = many * AT_ONCE, MOST_BYTES, address

    def submit(self, function: Any, *arguments: Any) -> Future[Any]:
        """The call on its way to the next actor."""
        return next(self._turns).perform.remote(function, *arguments).future()  # type: ignore[no-any-return]

    def has_come(self) -> bool:
        """At once: actors take a second or two."""
        return True

    def is_alive(self) -> bool:
        """Whether the head still listens: Ray's own calls wait a minute for one that is gone, then end the process."""
        return listens(self._address)

    def close(self) -> None:
        """Let go of the cluster; its actors end with this client."""
        ray.shutdown()


def open_workers(address: str) -> RayWorkers:
    """The cluster at an address; raises ConnectionError where there is none."""
    place = address.removeprefix("ray://")
    ray.init(address if place.endswith(f":{CLIENT_PORT}") else place, log_to_driver=False, logging_level="ERROR")
    return RayWorkers(address)
