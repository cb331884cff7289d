"""What the ledger tells about runs, attempts, capabilities and events."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from pipeline.records.capability_rows import capability_rows, set_capability
from pipeline.records.ledger import Ledger, TaskOutcome
from pipeline.records.lock import bury_dead_runs
from pipeline.records.log_context import working_for

AT_SIX = datetime(2026, 11, 22, 6, tzinfo=UTC)
AT_SEVEN = datetime(2026, 11, 22, 7, tzinfo=UTC)


def test_run_is_told_whole(ledger: Ledger, clock: Any) -> None:
    """A run shows its trigger, times in UTC, requests and rows as they are so far."""
    ledger.begin_run("r1", "cli", {"genres": ["forró"]}, pid=77)
    with ledger.write(durable=False) as connection:
        connection.execute("INSERT INTO requests (at, bucket, endpoint, run_id) VALUES (1, 'search', 'search', 'r1')")
    ledger.begin_task("r1", "b1", 1, "discover", "forró")
    ledger.finish_task(TaskOutcome("r1", "b1", 1, "succeeded", 1, 8))
    clock.move(hours=1)
    ledger.finish_run("r1", "deferred", "search is locked", due_at=AT_SEVEN)
    assert ledger.runs() == [
        {
            "run_id": "r1",
            "trigger": "cli",
            "params": '{"genres": ["forró"]}',
            "state": "deferred",
            "pid": 77,
            "started_at": AT_SIX,
            "finished_at": AT_SEVEN,
            "due_at": AT_SEVEN,
            "cancel_requested": 0,
            "message": "search is locked",
            "old_requests": 0,
            "requests": 1,
            "rows": 8,
        }
    ]


def test_newest_run_comes_first(ledger: Ledger, clock: Any) -> None:
    """Runs are listed newest first, a page at a time."""
    for name in ("r1", "r2", "r3"):
        ledger.begin_run(name, "cli", {}, 1)
        clock.move(seconds=1)
    assert [row["run_id"] for row in ledger.runs(limit=2, offset=1)] == ["r2", "r1"]


@pytest.mark.parametrize(
    ("run", "attempt"), [("cancelled", "cancelled"), ("crashed", "crashed"), ("deferred", "failed")]
)
def test_attempts_end_with_their_run(run: str, attempt: str, ledger: Ledger) -> None:
    """An attempt still shown as running ends when its run does; a finished one stays as it was."""
    ledger.begin_run("r1", "cli", {}, 1)
    ledger.begin_task("r1", "b1", 1, "discover")
    ledger.begin_task("r1", "b2", 1, "discover")
    ledger.finish_task(TaskOutcome("r1", "b1", 1, "succeeded"))
    ledger.finish_run("r1", run)
    assert [(row["batch_id"], row["state"]) for row in ledger.task_runs("r1")] == [
        ("b1", "succeeded"),
        ("b2", attempt),
    ]


def test_crashed_run_ends_with_its_last_sign(ledger: Ledger, clock: Any) -> None:
    """A run found dead the next morning ended when it last said something; so did the attempt it was at."""
    ledger.begin_run("r1", "schedule", {}, 1)
    ledger.begin_task("r1", "b1", 1, "discover")
    clock.move(hours=1)
    with working_for(run_id="r1"):
        ledger.add_event("INFO", "item_finished", "the last word")
    clock.move(hours=9)
    assert bury_dead_runs(ledger) == ["r1"]
    [run], [attempt] = ledger.runs(), ledger.task_runs("r1")
    assert (run["state"], run["finished_at"], attempt["finished_at"]) == ("crashed", AT_SEVEN, AT_SEVEN)


def test_cancel_reaches_running_runs_only(ledger: Ledger) -> None:
    """Asking a run to stop works from any process while it runs, and says so when it does not."""
    ledger.begin_run("r1", "schedule", {}, 1)
    assert (ledger.cancel_requested("r1"), ledger.request_cancel("r1"), ledger.cancel_requested("r1")) == (
        False,
        True,
        True,
    )
    ledger.finish_run("r1", "cancelled")
    assert (ledger.request_cancel("r1"), ledger.request_cancel("never")) == (False, False)


def test_capability_remembers_its_evidence(ledger: Ledger) -> None:
    """What was last seen stands, with when and from what; a withdrawal keeps its day."""
    set_capability(ledger, "limit:search", 50, "first probe")
    set_capability(ledger, "limit:search", 10, "400 Invalid limit", withdrawn_since=AT_SIX)
    assert capability_rows(ledger) == {
        "limit:search": {
            "name": "limit:search",
            "value": 10,
            "evidence": "400 Invalid limit",
            "checked_at": AT_SIX,
            "withdrawn_since": AT_SIX,
        }
    }


def test_event_keeps_its_fields(ledger: Ledger) -> None:
    """An event is found again by run, with text beyond ASCII and values that are no JSON as text."""
    with working_for(run_id="r1", batch_id="b1"):
        ledger.add_event("WARNING", "field_unknown", "artist.aura é novo", seen=AT_SIX)
    [row] = ledger.read("SELECT level, event, batch_id, message, fields FROM events WHERE run_id = 'r1'")
    assert row == {
        "level": "WARNING",
        "event": "field_unknown",
        "batch_id": "b1",
        "message": "artist.aura é novo",
        "fields": '{"seen": "2026-11-22 06:00:00+00:00"}',
    }
