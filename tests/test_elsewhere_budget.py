"""The budget of workers that cannot ask the ledger: reserved by the batch, kept in every window, settled as it was."""

from __future__ import annotations

import random

import pytest

from pipeline.errors import BudgetSpent
from pipeline.records.budget import Budget, Limits
from pipeline.source.calls import Batch, Call, SentRequest
from pipeline.source.grants import Grants

BATCH = Batch("run", "discover-00001", "discover", "x", 1, (Call("search", {"genre": "x"}),), 10)
NINE_A_SECOND = Limits(303, None)  # less a hundredth and one: 298.97 in 30 s


def held(ledger):
    """Bucket and status of every request in the books."""
    return [(row["bucket"], row["status"]) for row in ledger.read("SELECT bucket, status FROM requests ORDER BY id")]


def test_batch_is_reserved_whole(ledger, clock):
    """Every request a batch may send stands in the books before it leaves."""
    grant = Grants(ledger, NINE_A_SECOND).grant(BATCH, 10, 10, workers=3)
    assert (len(grant.tickets), grant.wait_s, held(ledger)) == (10, 0.0, [("search", None)] * 10)
    assert grant.per_second * 3 == pytest.approx(2 * 298.97 / 30)


def test_batches_take_turns(ledger, clock):
    """The next batch starts when the pace has room for it, and earlier when one sent less than it might."""
    grants = Grants(ledger, NINE_A_SECOND)
    waits = [grants.grant(BATCH, 30, 30, workers=3) for _ in range(4)]
    assert [round(grant.wait_s) for grant in waits] == [0, 0, 1, 4]
    grants.settle_batch(waits[0], [SentRequest("search", "search", 0.0, 200)], clock.now().timestamp())
    assert round(grants.grant(BATCH, 30, 30, workers=3).wait_s, 1) == pytest.approx(4.2, abs=0.2)


def test_reserve_holds_nobody_up(ledger, clock):
    """The next batch starts by what those before are likely to send, and is put off once they have sent more."""
    grants = Grants(ledger, NINE_A_SECOND)
    waits = [grants.grant(BATCH, 60, 30, workers=3) for _ in range(3)]
    assert [round(grant.wait_s) for grant in waits] == [0, 0, 1]
    grants.settle_batch(waits[0], [SentRequest("search", "search", 0.0, 200)] * 50, clock.now().timestamp())
    assert round(grants.grant(BATCH, 30, 30, workers=3).wait_s) == 6


@pytest.mark.parametrize(("late_s", "wanted"), [(0, [0, 0, 1, 4]), (4, [0, 0, 0, 0])], ids=["there", "late"])
def test_late_start_is_made_up(ledger, clock, late_s, wanted):
    """The slots that passed while workers came are taken late, beside those of five seconds that anybody may."""
    grants = Grants(ledger, NINE_A_SECOND)
    grants.catch_up_s += late_s
    assert [round(grants.grant(BATCH, 30, 30, workers=3).wait_s) for _ in range(4)] == wanted


@pytest.mark.parametrize("seed", range(3))
def test_late_workers_overdraw_nothing(ledger, clock, seed):
    """However late workers send, no 30 seconds hold more requests than the window permits, nor many fewer."""
    grants, rng, away, sent = Grants(ledger, Limits(60, None)), random.Random(seed), [], []
    while len(sent) < 400:
        grant = grants.grant(BATCH, rng.choice((1, 3, 8, 25)), rng.choice((1, 20)), workers=5)
        at, began = clock.now().timestamp() + grant.wait_s, clock.now().timestamp()
        times = [at := at + rng.choice((0.0, 0.0, 0.1, 3.0)) + 1 / grant.per_second for _ in grant.tickets]
        away.append((grant, began, [at - 1 / grant.per_second for at in times]))
        while len(away) == 5 or (away and not grant.tickets):
            clock.move(seconds=0.2)
            for each in [each for each in away if not each[2] or each[2][-1] < clock.now().timestamp()]:
                away.remove(each)
                grants.settle_batch(
                    each[0], [SentRequest("search", "search", at - each[1], 200) for at in each[2]], each[1]
                )
                sent += each[2]
            if not grant.tickets:
                break
    most = max(sum(start <= at < start + 30 for at in sent) for start in sent)
    assert 45 <= most <= 60


def test_quota_ends_grants(ledger, clock):
    """A batch gets what is left of its bucket, and the next is refused before anything is sent."""
    grants = Grants(ledger, Limits(3_000, 12))
    assert [len(grants.grant(BATCH, 10, 10, workers=2).tickets) for _ in range(2)] == [10, 2]
    with pytest.raises(BudgetSpent):
        grants.grant(BATCH, 10, 10, workers=2)


def test_refusal_far_away_locks(ledger, clock):
    """A 429 that a worker met locks the bucket for everybody, as one met here does."""
    grants, budget = Grants(ledger, NINE_A_SECOND), Budget(ledger, NINE_A_SECOND)
    grant = grants.grant(BATCH, 5, 5, workers=2)
    sent = [
        SentRequest("search", "search", 0.0, 200),
        SentRequest("search", "search", 1.0, 429, 3_600.0, "QUOTA_EXCEEDED"),
    ]
    grants.settle_batch(grant, sent, clock.now().timestamp())
    assert held(ledger) == [("search", 200), ("search", 429)]
    assert (budget.view("search").locked_until - clock.now()).total_seconds() == 3_600.0


def test_ceiling_grows_by_what_was_sent(ledger, clock):
    """What a refusal taught grows by what workers send, as by what is sent from here; not by what they were granted."""
    grants, ok = Grants(ledger, Limits(3_000, 600)), SentRequest("search", "search", 0.0, 200)
    grant = grants.grant(BATCH, 100, 100, workers=1)
    refused = SentRequest("search", "search", 0.0, 429, 60.0, "QUOTA_EXCEEDED")
    grants.settle_batch(grant, [*[ok] * 50, refused], clock.now().timestamp())
    ceilings = []
    for sent in (0, 0, 45, 48):
        clock.move(days=1, seconds=1)
        grant = grants.grant(BATCH, 100, 100, workers=1)
        ceilings.append(len(grant.tickets))
        grants.settle_batch(grant, [ok] * sent, clock.now().timestamp())
    clock.move(days=1, seconds=1)
    assert [*ceilings, grants.view("search").ceiling] == [47, 47, 47, 49, 52]


def test_clock_set_back_holds_no_batch_up(ledger, clock):
    """Requests written while the clock was a day or more ahead neither fill a window nor the quota of today."""
    ahead = Grants(ledger, Limits(3_000, 40))
    clock.move(days=2)
    sent = [SentRequest("search", "search", 0.0, 200)] * 40
    for _ in range(4):
        grant = ahead.grant(BATCH, 10, 10, workers=1)
        ahead.settle_batch(grant, sent[: len(grant.tickets)], clock.now().timestamp())
    clock.move(days=-2)
    grant = Grants(ledger, Limits(60, 50)).grant(BATCH, 20, 20, workers=2)
    assert (len(grant.tickets), grant.wait_s) == (20, 0.0)
