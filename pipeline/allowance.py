"""Collect a batch far from the ledger: the worker gets a number of requests and a pace with it, and keeps to them.

The driver has reserved what it hands out, and nobody else talks to the ledger. Imports `clock`, `collect`, `spotify`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Any

from pipeline.calls import Batch, RawBatch
from pipeline.clock import system_now
from pipeline.collect import collect
from pipeline.errors import AllowanceSpent
from pipeline.spotify import Access, SpotifySource

__all__ = ["Allowance", "AllowanceGate", "collect_with_allowance"]


@dataclass(frozen=True)
class Allowance:
    """A worker's share of the budget: requests in all, retries included, and how many of them in a second."""

    requests: int
    per_second: float


class AllowanceGate:
    """A gate without a ledger: counts down, and spaces requests evenly."""

    def __init__(
        self,
        allowance: Allowance,
        now: Callable[[], datetime] = system_now,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._allowance, self.now, self._clock, self.pause = allowance, now, clock, sleep
        self._guard, self._taken, self._next_slot = Lock(), 0, clock()

    def acquire(self, bucket: str, endpoint: str) -> int:  # noqa: ARG002  a gate knows the endpoint, this one does not care
        """The next ticket, when its turn has come; raises AllowanceSpent."""
        with self._guard:
            if self._taken >= self._allowance.requests:
                reason = f"the {self._allowance.requests} requests of this worker are used up"
                raise AllowanceSpent(bucket, self.now(), reason)
            self._taken += 1
            ticket, slot = self._taken, max(self._next_slot, self._clock())
            self._next_slot = slot + 1 / self._allowance.per_second
        self.pause(max(0.0, slot - self._clock()))
        return ticket

    def settle(self, ticket: int, status: int, **ending: Any) -> None:
        """Nothing: the driver learns from the batch what was sent and why it stopped."""


def collect_with_allowance(batch: Batch | Mapping[str, Any], access: Access, allowance: Allowance) -> RawBatch:
    """What `collect` returns, from any process: all of it pickles, and the batch may come as JSON values."""
    whole = batch if isinstance(batch, Batch) else Batch.from_dict(batch)
    with SpotifySource(access, AllowanceGate(allowance), pool_size=1) as source:
        return collect(whole, source)
