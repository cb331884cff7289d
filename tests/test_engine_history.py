"""Looking back at runs: each filter narrows them, durations come in order, a slow one is noticed."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from pipeline.history import RunFilter, count_runs, find_runs, is_slow, run_durations, run_of
from pipeline.ledger import Ledger


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
