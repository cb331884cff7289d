"""Looking back at runs: each filter narrows them, durations come in order, a slow one is noticed."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from pipeline.records.budget import Budget, Limits
from pipeline.records.ledger import Ledger
from pipeline.watching.history import (
    RunFilter,
    count_runs,
    find_runs,
    is_slow,
    requests_of,
    retries_of,
    run_days,
    run_durations,
    run_genres,
    run_of,
    running_run,
)


@pytest.fixture
def past(ledger: Ledger, clock: Any) -> Ledger:
    """Four runs of ten seconds, a day apart, from 22 November on; the last one failed."""
    for number, (trigger, genre) in enumerate((("cli", "axé"), ("cli", "forró"), ("schedule", "axé"), ("cli", "axé"))):
        ledger.begin_run(f"r{number}", trigger, {"genres": [genre]}, 1)
        clock.move(seconds=10)
        ledger.finish_run(f"r{number}", "failed" if number == 3 else "succeeded")
        clock.move(days=1)
    return ledger


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (RunFilter(), ["r3", "r2", "r1", "r0"]),
        (RunFilter(state="failed"), ["r3"]),
        (RunFilter(trigger="schedule"), ["r2"]),
        (RunFilter(genre="axé"), ["r3", "r2", "r0"]),
        (RunFilter(first_on=date(2026, 11, 23), last_on=date(2026, 11, 24)), ["r2", "r1"]),
        (RunFilter(state="succeeded", genre="forró"), ["r1"]),
    ],
)
def test_runs_are_found(wanted: RunFilter, found: list[str], past: Ledger) -> None:
    """State, trigger, genre and days each narrow the list, newest first, and the count."""
    assert [row["run_id"] for row in find_runs(past, wanted)] == found
    assert count_runs(past, wanted) == len(found)


def test_pages_follow_one_another(past: Ledger) -> None:
    """A page of the list goes on where the one before ended."""
    assert [row["run_id"] for row in find_runs(past, RunFilter(genre="axé"), limit=2, offset=1)] == ["r2", "r0"]


def test_durations_come_in_order(past: Ledger) -> None:
    """Durations of the last runs come oldest first."""
    assert [(row["run_id"], row["seconds"]) for row in run_durations(past, last=2)] == [("r2", 10.0), ("r3", 10.0)]


def test_slow_run_is_noticed(past: Ledger, clock: Any) -> None:
    """A run twice as long as usual is slow, while it goes and afterwards; the others are not."""
    past.begin_run("r4", "cli", {}, 1)
    assert is_slow(past, "r4", clock.now()) is False
    assert is_slow(past, "r4", clock.move(seconds=21)) is True
    past.finish_run("r4", "succeeded")
    assert is_slow(past, "r4", clock.move(days=3)) is True
    assert (is_slow(past, "r2", clock.now()), is_slow(past, "never", clock.now())) == (False, False)
    assert (run_of(past, "never"), run_of(past, "r4")["state"]) == (None, "succeeded")


def test_days_count_outcomes(past: Ledger) -> None:
    """Each day says how its runs ended; earlier days are left out."""
    assert run_days(past, date(2026, 11, 24)) == [
        {"day": "2026-11-24", "state": "succeeded", "runs": 1},
        {"day": "2026-11-25", "state": "failed", "runs": 1},
    ]


def test_running_run_is_found(past: Ledger) -> None:
    """The run that goes on is found, whoever began it; none is when all have ended."""
    assert running_run(past) is None
    past.begin_run("r9", "external", {"genres": ["samba"]}, 1)
    found = running_run(past)
    assert (found["run_id"], found["trigger"]) == ("r9", "external")


def test_genres_and_retries_are_known(past: Ledger) -> None:
    """Genres of all runs come in order; a run knows the runs that asked again what it left."""
    past.begin_run("r4", "cli", {"genres": ["axé"], "retry_of": "r3"}, 1)
    assert run_genres(past) == ["axé", "forró"]
    assert (retries_of(past, "r3"), retries_of(past, "r0")) == (["r4"], [])


def test_requests_stand_by_bucket(past: Ledger) -> None:
    """Requests of a run are counted bucket by bucket, its own alone."""
    budget = Budget(past, Limits(90, None))
    for bucket, run in (("search", "r0"), ("search", "r0"), ("artist", "r0"), ("artist", "r1")):
        budget.reserve(bucket, "any", run)
    assert requests_of(past, "r0") == {"search": 2, "artist": 1}


def test_few_seconds_are_not_slow(ledger: Ledger, clock: Any) -> None:
    """Where runs take a second, one of nine is none to look at; one that takes ten more than they do is."""
    for number in range(3):
        ledger.begin_run(f"r{number}", "cli", {}, 1)
        clock.move(seconds=1)
        ledger.finish_run(f"r{number}", "succeeded")
    ledger.begin_run("r3", "cli", {}, 1)
    assert is_slow(ledger, "r3", clock.move(seconds=9)) is False
    assert is_slow(ledger, "r3", clock.move(seconds=3)) is True
