"""What pages draw of a run: attempts by task, by span of time and by item; what is left; the urgent first."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.records.ledger import Ledger, TaskOutcome
from pipeline.runs.items import (
    ItemFilter,
    attempt_bins,
    attempts_of,
    count_attempts,
    find_items,
    left_items,
    plan_items,
    run_attempts,
    set_retrying,
)
from pipeline.runs.planner import Item
from pipeline.source.calls import Call

CALLS = tuple(Call("artist", {"id": each}) for each in ("a", "b"))


@pytest.fixture
def run(ledger: Ledger, clock: Any) -> Ledger:
    """Three items: one ended, one tried twice and failed, one pending; ten seconds between attempts."""
    ledger.begin_run("r1", "cli", {}, 1)
    names = ("axé", "forró", "samba")
    plan_items(ledger, "r1", "discover", {f"discover-{n}": Item(name, CALLS, 2) for n, name in enumerate(names)})
    ledger.begin_task("r1", "discover-0", 1, "discover", "axé")
    ledger.finish_task(TaskOutcome("r1", "discover-0", 1, "succeeded", requests=2, rows=20))
    for attempt, batch_id in ((1, "discover-1"), (2, "discover-1-2")):
        clock.move(seconds=10)
        ledger.begin_task("r1", batch_id, attempt, "discover", "forró")
        ledger.finish_task(TaskOutcome("r1", batch_id, attempt, "failed", requests=1, message="503"))
        if attempt == 1:
            set_retrying(ledger, "r1", "discover-1", "discover-1-2", CALLS[:1], wait_s=5)
    return ledger


def test_urgent_items_come_first(run: Ledger) -> None:
    """What failed and what waits stands before what went well, whatever the order of planning."""
    assert [row["item"] for row in find_items(run, "r1", urgent_first=True)] == ["forró", "samba", "axé"]
    assert [row["item"] for row in find_items(run, "r1")] == ["axé", "forró", "samba"]


def test_attempts_stand_by_item(run: Ledger) -> None:
    """Each item has all its attempts, first to last; one not begun has none."""
    found = attempts_of(run, "r1", find_items(run, "r1"))
    assert {item: [(row["attempt"], row["state"]) for row in rows] for item, rows in found.items()} == {
        "discover-0": [(1, "succeeded")],
        "discover-1": [(1, "failed"), (2, "failed")],
    }


def test_attempts_stand_by_time(run: Ledger) -> None:
    """Attempts are counted by the span in which they began, and come one by one in that order."""
    since = find_items(run, "r1", ItemFilter(text="axé"))[0]["started_at"]
    assert [tuple(row.values()) for row in attempt_bins(run, "r1", since, 15.0)] == [
        ("discover", 0, "failed", 1),
        ("discover", 0, "succeeded", 1),
        ("discover", 1, "failed", 1),
    ]
    assert count_attempts(run, "r1") == {"discover": 3}
    assert [row["item"] for row in run_attempts(run, "r1", ["discover"])] == ["axé", "forró", "forró"]
    assert run_attempts(run, "r1", ["probe"]) == []


def test_rest_is_counted(run: Ledger) -> None:
    """What is left is named with its calls; what succeeded is not in it."""
    assert [(item.item, len(item.calls)) for item in left_items(run, {"r1": ()})] == [("forró", 1), ("samba", 2)]
    assert left_items(run, {"r2": ()}) == []
