"""Collect a batch far from the ledger: the worker gets a number of requests and a pace with it, and keeps to them.

The driver has reserved what it hands out, and nobody else talks to the ledger: what was sent travels back with the
batch. Imports `clock`, `collect`, `deadline`, `spotify`, `calls`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from pipeline.clock import system_now
from pipeline.errors import AllowanceSpent, CredentialsRejected
from pipeline.source.calls import Batch, RawBatch, SentRequest
from pipeline.source.collect import MOST_BYTES, collect
from pipeline.source.deadline import TimedSource
from pipeline.source.spotify import Access, SpotifySource

__all__ = ["Allowance", "AllowanceGate", "NotTaken", "Workers", "collect_with_allowance"]

Collecting = Callable[[Batch, Access, "Allowance"], RawBatch]


@dataclass(frozen=True)
class Allowance:
    """A worker's share of the budget: requests in all, retries included, and how many of them in a second.

    `seconds`: no request is sent after it; `most_bytes`: lines held, before compression, when the batch hands the rest
    back; `clock_ahead_s`: the workspace's clock against this world's, for a simulator that lives on another day.
    """

    requests: int
    per_second: float
    seconds: float = 600.0
    most_bytes: int = MOST_BYTES
    clock_ahead_s: float = 0.0


class NotTaken(Exception):
    """A batch that no worker began: none of its requests was sent."""


class Workers(Protocol):
    """Another system's workers: `slots` batches at once, each holding `most_bytes` lines at most."""

    slots: int
    most_bytes: int

    def submit(self, function: Collecting, batch: Batch, access: Access, allowance: Allowance) -> Future[RawBatch]:
        """The batch on its way; the access stays here where workers have their own."""
        ...

    def has_come(self) -> bool:
        """Whether to hand it batches yet: some systems take seconds to begin, and the driver collects meanwhile."""
        ...

    def is_alive(self) -> bool:
        """Whether the system as a whole still answers."""
        ...

    def close(self) -> None:
        """Let go of the system; what it still works on is forgotten."""
        ...


class AllowanceGate:
    """A gate without a ledger: counts down, spaces requests evenly, and keeps what was sent for the driver's books."""

    def __init__(
        self,
        allowance: Allowance,
        now: Callable[[], datetime] = system_now,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._allowance, self._now, self._clock, self.pause = allowance, now, clock, sleep
        self._began = self._next_slot = clock()
        self._open: dict[int, SentRequest] = {}
        self._guard = threading.Lock()
        self.sent: list[SentRequest] = []

    def now(self) -> datetime:
        """The workspace's clock, UTC."""
        return self._now() + timedelta(seconds=self._allowance.clock_ahead_s)

    def acquire(self, bucket: str, endpoint: str) -> int:
        """The next ticket, when its turn has come; raises AllowanceSpent."""
        with self._guard:
            ticket = len(self._open) + len(self.sent) + 1
            if ticket > self._allowance.requests:
                reason = f"the {self._allowance.requests} requests of this worker are used up"
                raise AllowanceSpent(bucket, self.now(), reason)
            slot = max(self._next_slot, self._clock())
            self._next_slot = slot + 1 / self._allowance.per_second
            self._open[ticket] = SentRequest(bucket, endpoint, slot - self._began, 0)
        self.pause(max(0.0, slot - self._clock()))
        return ticket

    def refuse(self, bucket: str) -> None:
        """Refuses nothing: the driver has reserved what is sent here."""

    def settle(self, ticket: int, status: int, **ending: Any) -> None:
        """Keep how the request ended."""
        with self._guard:
            self.sent.append(replace(self._open.pop(ticket), status=status, **ending))


def collect_with_allowance(batch: Batch | Mapping[str, Any], access: Access, allowance: Allowance) -> RawBatch:
    """What `collect` returns, from any process: all of it pickles, and the batch may come as JSON values."""
    whole = batch if isinstance(batch, Batch) else Batch.from_dict(batch)
    _present.gate = gate = AllowanceGate(allowance)
    source = _source(access)
    raw = collect(whole, TimedSource(source, allowance.seconds, whole.item), allowance.most_bytes)
    if isinstance(raw.error, CredentialsRejected):
        _forget(access)  # a rejection is kept by the source, and this process may live for days
    return replace(raw, sent=tuple(gate.sent))


class _Present(threading.local):
    """The gate of the batch that this thread collects."""

    gate: AllowanceGate


class _PresentGate:
    """The gate of a source that outlives its batches: each thread's requests pass the gate of its own batch."""

    def now(self) -> datetime:
        return _present.gate.now()

    def acquire(self, bucket: str, endpoint: str) -> int:
        return _present.gate.acquire(bucket, endpoint)

    def refuse(self, bucket: str) -> None:
        _present.gate.refuse(bucket)

    def settle(self, ticket: int, status: int, **ending: Any) -> None:
        _present.gate.settle(ticket, status, **ending)

    def pause(self, seconds: float) -> None:
        _present.gate.pause(seconds)


_present = _Present()
_sources: dict[Access, SpotifySource] = {}  # one per process: its token and connections serve batch after batch
_guard = threading.Lock()


def _source(access: Access) -> SpotifySource:
    with _guard:
        if access not in _sources:
            _sources[access] = SpotifySource(access, _PresentGate())
        return _sources[access]


def _forget(access: Access) -> None:
    with _guard:
        _sources.pop(access, None)
