"""The request budget: one count for everybody, kept over kills, taught by the API; slots left out are made up for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pipeline.errors import AllowanceSpent, BudgetSpent, RunCancelled
from pipeline.records.budget import Budget, Limits
from pipeline.records.gate import LedgerGate
from pipeline.records.ledger import Ledger

START = datetime(2026, 11, 22, 6, tzinfo=UTC)


@pytest.fixture
def gate(ledger, clock):
    """A gate that permits 90 requests in 30 s and waits by moving the clock."""
    return LedgerGate(Budget(ledger, Limits(90, None)), "run", wait=clock.wait)


def send(gate, many: int) -> None:
    """Send so many requests, one after the other."""
    for _ in range(many):
        gate.settle(gate.acquire("search", "search"), 200)


def most_in_a_window(ledger) -> int:
    """The most requests that any 30 s hold."""
    sent = [row["at"] for row in ledger.read("SELECT at FROM requests ORDER BY at")]
    return max(sum(at <= other < at + 30 for other in sent) for at in sent)


def test_reservation_precedes_request(ledger, clock):
    """A ticket is a row of the ledger before anything is sent."""
    Budget(ledger, Limits(90, 600)).reserve("search", "search", "run")
    rows = ledger.read("SELECT at, bucket, endpoint, run_id, status FROM requests")
    assert rows == [
        {
            "at": START.timestamp(),
            "bucket": "search",
            "endpoint": "search",
            "run_id": "run",
            "status": None,
        }
    ]


def test_clock_set_back_locks_nothing(ledger, clock):
    """What was spent and locked while the clock was a year ahead does not hold up requests until that year is over."""
    budget = Budget(ledger, Limits(9_000, 2))
    clock.move(days=365)
    budget.settle(budget.reserve("search", "search")[0], 200)
    budget.settle(budget.reserve("search", "search")[0], 429, retry_after_s=3_600)
    assert budget.view("search").locked_until == clock.now() + timedelta(hours=1)
    clock.move(days=-365)
    view = budget.view("search")
    assert (view.used, view.locked_until) == (0, None)
    budget.reserve("search", "search")


def test_window_spaces_requests(ledger, clock, gate):
    """However many ask at once, no 30 s see more than the window permits."""
    send(gate, 200)
    assert most_in_a_window(ledger) <= 90
    assert clock.now() - START < timedelta(seconds=200 / 3 * 1.05)


def test_day_has_a_ceiling(ledger, clock):
    """The ceiling of one bucket refuses before sending and says when a request leaves the day; others go on."""
    budget = Budget(ledger, Limits(9_000, 3))
    for _ in range(3):
        budget.reserve("search", "search")
    with pytest.raises(BudgetSpent) as refusal:
        budget.reserve("search", "search")
    assert refusal.value.due_at == START + timedelta(days=1)
    assert budget.view("search").left == 0
    assert budget.reserve("albums", "album")[0] == 4


def test_day_rolls_over(ledger, clock):
    """After 24 hours the oldest requests no longer count."""
    budget = Budget(ledger, Limits(9_000, 1))
    budget.reserve("search", "search")
    clock.move(hours=24, seconds=1)
    assert budget.reserve("search", "search")[0] == 2


def test_quota_answer_locks_and_teaches(ledger, clock):
    """QUOTA_EXCEEDED locks its bucket until Retry-After; its ceiling becomes 0.9 of the successes."""
    budget = Budget(ledger, Limits(9_000, 600))
    for _ in range(100):
        budget.settle(budget.reserve("albums", "album")[0], 200)
    budget.settle(budget.reserve("albums", "album")[0], 429, retry_after_s=48_925, reason="QUOTA_EXCEEDED")
    with pytest.raises(BudgetSpent, match="daily quota exceeded"):
        budget.reserve("albums", "album")
    assert budget.view("albums").ceiling == 90
    assert budget.view("albums").locked_until == START + timedelta(seconds=48_925)
    assert budget.view("search").locked_until is None


def taught(ledger, clock, planned=600):
    """A budget that a refusal taught a day ago that a bucket has 90 requests."""
    budget = Budget(ledger, Limits(9_000, planned))
    for _ in range(100):
        budget.settle(budget.reserve("albums", "album")[0], 200)
    budget.settle(budget.reserve("albums", "album")[0], 429, retry_after_s=60, reason="QUOTA_EXCEEDED")
    clock.move(days=1)
    return budget


def ask(budget, most=10_000):
    """Ask for as much as a bucket permits, or so much; its ceiling then."""
    for _ in range(min(most, budget.view("albums").left)):
        budget.reserve("albums", "album")
    return budget.view("albums").ceiling


def test_ceiling_grows_as_it_is_used(ledger, clock):
    """A ceiling that a refusal taught grows by 5 % on each day on which it is asked up to, as far as is planned."""
    budget = taught(ledger, clock, planned=110)
    ceilings = []
    for _ in range(6):
        ceilings.append(ask(budget))
        clock.move(days=1)
    assert ceilings == [94, 99, 104, 109, 110, 110]


@pytest.mark.parametrize("asked", [0, 1, 80])
def test_pause_teaches_nothing(ledger, clock, asked):
    """Days on which less is asked, or nothing, add no more than the first of them: nobody has seen it answered."""
    budget = taught(ledger, clock)
    for _ in range(14):
        ask(budget, asked)
        clock.move(days=1)
    assert (budget.view("albums").ceiling, ask(budget)) == (94, 94)


def test_clock_once_ahead_stops_no_growth(ledger, clock):
    """What was asked while the clock was weeks ahead grows the ceiling for a day, and later days grow it on."""
    budget, ceilings = taught(ledger, clock), []
    for days in (30, -30, 1, 1):
        clock.move(days=days)
        ceilings.append(ask(budget))
    assert ceilings == [94, 94, 99, 104]


def test_rate_answer_holds_the_app(ledger, clock, gate):
    """A plain 429 holds every bucket for its Retry-After; the gate refuses none for that, waits it out and goes on."""
    gate.settle(gate.acquire("search", "search"), 429, retry_after_s=7)
    assert Budget(ledger, Limits(90, None)).view("albums").locked_until == START + timedelta(seconds=7)
    gate.refuse("albums")
    gate.acquire("albums", "album")
    assert clock.now() >= START + timedelta(seconds=7)


def test_long_rate_answer_is_a_quota(ledger, clock):
    """A 429 that asks for hours is a quota even when it gives no reason."""
    budget = Budget(ledger, Limits(90, 600))
    budget.settle(budget.reserve("search", "search")[0], 429, retry_after_s=79_892)
    assert budget.view("search").locked_until == START + timedelta(seconds=79_892)
    assert budget.view("albums").locked_until is None


def test_two_processes_share_the_count(ledger, clock, workspace):
    """A second opener of the same ledger sees and respects what the first one reserved."""
    Budget(ledger, Limits(9_000, 1)).reserve("search", "search")
    other = Ledger(workspace.ledger, clock.now)
    with pytest.raises(BudgetSpent):
        Budget(other, Limits(9_000, 1)).reserve("search", "search")
    other.close()


def test_allowance_ends_a_run(ledger, clock):
    """A run's own limit refuses the next request and leaves the shared budget alone."""
    gate = LedgerGate(Budget(ledger, Limits(9_000, None)), "run", allowance=2, wait=clock.wait)
    gate.acquire("search", "search"), gate.acquire("search", "search")
    with pytest.raises(AllowanceSpent, match="limit of 2 requests"):
        gate.acquire("search", "search")
    assert ledger.read("SELECT count(*) AS n FROM requests") == [{"n": 2}]


def test_cancel_gives_the_ticket_back(ledger, clock):
    """A run cancelled while it waits for its slot sends nothing and counts nothing."""
    budget = Budget(ledger, Limits(3, None))
    budget.reserve("search", "search")
    gate = LedgerGate(budget, "run", wait=lambda seconds: seconds > 0)
    with pytest.raises(RunCancelled):
        gate.acquire("search", "search")
    assert ledger.read("SELECT count(*) AS n FROM requests") == [{"n": 1}]


def test_clock_set_back_does_not_block(ledger, clock):
    """Slots written by a clock that was ahead do not make anybody wait for hours."""
    budget = Budget(ledger, Limits(90, None))
    budget.reserve("search", "search")
    clock.move(hours=-5)
    assert budget.reserve("search", "search")[1] == 0


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
    assert most_in_a_window(ledger) <= 90


def test_refusal_is_not_made_up(gate, clock):
    """After a 429 was waited out requests come at the usual pace, not in a burst."""
    send(gate, 10)
    gate.settle(gate.acquire("search", "search"), 429, retry_after_s=20)
    gate.acquire("search", "search")
    after_lock = clock.now()
    send(gate, 9)
    assert clock.now() - after_lock >= timedelta(seconds=8 / 3)
