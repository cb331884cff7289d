"""What the books cost: a request's reservation and settlement, measured against the time that the pace allows it."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pipeline.records.budget import BUCKETS, Budget, Limits
from pipeline.records.ledger import Ledger
from tests.benchmarks.figures import Figure, load, say

__all__ = ["measure_ledger"]

GOAL = 0.02
REQUESTS, RATE = 10_000, 100
ROUNDS = 3  # the cheapest counts: other processes only add
WINDOW_S = 30


class _Clock:
    """Stands where the pace would be."""

    def __init__(self) -> None:
        self.instant = datetime(2026, 11, 22, 6, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.instant


def measure_ledger(*, quick: bool = False) -> Iterator[Figure]:
    """CPU and elapsed time of reserving and settling 10,000 requests, as a share of their time at 100 requests/s."""
    requests = REQUESTS // 4 if quick else REQUESTS
    say(f"ledger: {requests} requests reserved and settled …")
    with tempfile.TemporaryDirectory() as folder:
        cpu, elapsed = min(_books(Path(folder) / f"{number}.sqlite", requests) for number in range(ROUNDS))
    wall = requests / RATE
    note = (
        f"best of {ROUNDS}: {cpu / requests * 1e6:.0f} µs CPU a request; elapsed {elapsed / wall:.2%} of it; {load()}"
    )
    what = f"CPU of {requests:,} requests through the ledger ÷ their wall time at {RATE}/s"
    yield Figure(what, f"{cpu / wall:.2%}", f"< {GOAL:.0%}", cpu / wall < GOAL, note)


def _books(path: Path, requests: int) -> tuple[float, float]:
    """Seconds of CPU and of elapsed time; an app with 100 requests/s to spend has no daily quota."""
    clock = _Clock()
    ledger = Ledger(path, clock)
    budget = Budget(ledger, Limits(RATE * WINDOW_S, None))
    cpu, began = time.process_time(), time.perf_counter()
    for number in range(requests):
        ticket, wait_s = budget.reserve(BUCKETS[number % 3], "search", "run")
        clock.instant += timedelta(seconds=max(wait_s, 1 / RATE))
        budget.settle(ticket, 200, duration_ms=100.0, size=20_000)
    spent = time.process_time() - cpu, time.perf_counter() - began
    ledger.close()
    return spent
