"""The budget of workers that cannot ask the ledger: reserved by the batch, kept in every window, settled as it was."""

from __future__ import annotations

import pytest

from pipeline.errors import BudgetSpent
from pipeline.records.budget import Budget, Limits
from pipeline.source.calls import Batch, Call, Exchange
from pipeline.source.grants import Grants

BATCH = Batch("run", "discover-00001", "discover", "x", 1, (Call("search", {"genre": "x"}),), 10)
NINE_A_SECOND = Limits(303, None)  # less a hundredth and one: 298.97 in 30 s


def held(ledger):
    """Bucket and status of every request in the books."""
    return [(row["bucket"], row["status"]) for row in ledger.read("SELECT bucket, status FROM requests ORDER BY id")]


def test_batch_is_reserved_whole(ledger, clock):
    """Every request a batch may send stands in the books before it leaves."""
    grant = Grants(ledger, NINE_A_SECOND).grant(BATCH, 10, workers=3)
    assert (len(grant.tickets), grant.wait_s, held(ledger)) == (10, 0.0, [("search", None)] * 10)
    assert grant.per_second * 3 == pytest.approx((298.97 - 3) / 30, rel=0.02)


def test_batches_take_turns(ledger, clock):
    """The next batch starts when the pace has room for it, and earlier when one sent less than it might."""
    grants = Grants(ledger, NINE_A_SECOND)
    waits = [grants.grant(BATCH, 30, workers=3) for _ in range(4)]
    assert [round(grant.wait_s) for grant in waits] == [0, 0, 1, 4]
    grants.settle_batch(waits[0], [Exchange("search", "search", 0.0, 200)], clock.now().timestamp())
    assert round(grants.grant(BATCH, 30, workers=3).wait_s, 1) == pytest.approx(4.2, abs=0.2)


def test_window_is_never_overdrawn(ledger, clock):
    """Whatever batches came before, no 30 seconds hold more than the window permits."""
    grants, ends = Grants(ledger, Limits(60, None)), []
    for many in (25, 1, 25, 3, 25, 1, 1, 25, 8, 25):
        grant = grants.grant(BATCH, many, workers=5)
        clock.move(seconds=grant.wait_s)
        ends.append(grant)
    times = [row["at"] for row in ledger.read("SELECT at FROM requests ORDER BY at")]
    assert max(sum(start <= at < start + 30 for at in times) for start in times) <= 60


def test_quota_ends_grants(ledger, clock):
    """A batch gets what is left of its bucket, and the next is refused before anything is sent."""
    grants = Grants(ledger, Limits(3_000, 12))
    assert [len(grants.grant(BATCH, 10, workers=2).tickets) for _ in range(2)] == [10, 2]
    with pytest.raises(BudgetSpent):
        grants.grant(BATCH, 10, workers=2)


def test_refusal_far_away_locks(ledger, clock):
    """A 429 that a worker met locks the bucket for everybody, as one met here does."""
    grants, budget = Grants(ledger, NINE_A_SECOND), Budget(ledger, NINE_A_SECOND)
    grant = grants.grant(BATCH, 5, workers=2)
    sent = [Exchange("search", "search", 0.0, 200), Exchange("search", "search", 1.0, 429, 3_600.0, "QUOTA_EXCEEDED")]
    grants.settle_batch(grant, sent, clock.now().timestamp())
    assert held(ledger) == [("search", 200), ("search", 429)]
    assert (budget.view("search").locked_until - clock.now()).total_seconds() == 3_600.0
