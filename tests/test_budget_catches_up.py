"""Slots of the 30 s window that nobody took are made up for, and never at the window's expense."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pipeline.records.budget import Budget, Limits
from pipeline.records.gate import LedgerGate


@pytest.fixture
def gate(ledger, clock):
    """A gate that permits 90 requests in 30 s and waits by moving the clock."""

    def wait(seconds: float) -> bool:
        clock.move(seconds=seconds)
        return False

    return LedgerGate(Budget(ledger, Limits(90, None)), "run", wait=wait)


def send(gate, many: int) -> None:
    """Send so many requests, one after the other."""
    for _ in range(many):
        gate.settle(gate.acquire("search", "search"), 200)


def test_pause_is_made_up(gate, clock):
    """Four seconds without a request do not make the next forty later than without the pause."""
    send(gate, 200)
    began = clock.now()
    clock.move(seconds=4)
    send(gate, 40)
    assert clock.now() - began <= timedelta(seconds=40 / 90 * 30 * 1.05)


@pytest.mark.parametrize("pause_s", [1, 4, 29, 300])
def test_window_is_kept_after_a_pause(gate, clock, ledger, pause_s):
    """Whenever the pauses are, no 30 s hold more than 90 requests."""
    for many in (20, 70, 5, 200):
        send(gate, many)
        clock.move(seconds=pause_s)
    sent = [row["at"] for row in ledger.read("SELECT at FROM requests ORDER BY at")]
    assert max(sum(at <= other < at + 30 for other in sent) for at in sent) <= 90


def test_refusal_is_not_made_up(gate, clock):
    """After a 429 was waited out requests come at the usual pace, not in a burst."""
    send(gate, 10)
    gate.settle(gate.acquire("search", "search"), 429, retry_after_s=20)
    gate.acquire("search", "search")
    after_lock = clock.now()
    send(gate, 9)
    assert clock.now() - after_lock >= timedelta(seconds=8 / 3)
