"""Recovery of the budget: what a ledger that is written anew does not know of counts as spent, and nothing twice."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta

import pytest

from pipeline.keeping.recovery import recover
from pipeline.published.publish import publish
from pipeline.records.budget import Budget, Limits
from pipeline.records.ledger import Ledger, TaskOutcome
from pipeline.workspace import Workspace
from tests.conftest import Clock
from tests.payloads import album, albums_line, artist, commit, search_line

RUN = "20261122T060000-abc123"


@pytest.fixture
def kept(workspace: Workspace, clock: Clock) -> Workspace:
    """Two searches of four requests each that are published, and a third batch of two, of which only its files tell."""
    with closing(Ledger(workspace.ledger, clock.now)) as ledger:
        for place in range(2):
            rows = commit(workspace, ledger, f"discover-{place}", search_line(artist(f"a{place}")), run_id=RUN)
            ledger.finish_task(TaskOutcome(RUN, f"discover-{place}", 1, "succeeded", requests=4, rows=rows))
        publish(workspace, ledger)
        commit(workspace, ledger, "albums-1", albums_line(album("c1")), albums_line(album("c2")), run_id=RUN)
        ledger.finish_run(RUN, "succeeded")
    return workspace


def used(workspace: Workspace, clock: Clock) -> dict[str, int]:
    """What counts as used in two buckets, once everything was recovered."""
    (finding,) = recover(workspace, clock.now)
    assert "requests of the last day count as spent" in finding.done
    with closing(Ledger(workspace.ledger, clock.now)) as ledger:
        assert {row["requests"] for row in ledger.runs()} <= {0, 5}
        return {bucket: Budget(ledger, Limits(90, 600)).view(bucket).used for bucket in ("search", "albums")}


def test_spent_requests_stay_spent(kept: Workspace, clock: Clock) -> None:
    """Requests of the last day count against the bucket of their task; those of unknown tasks against each."""
    for path in kept.root.glob("ledger.sqlite*"):
        path.unlink()
    assert used(kept, clock) == {"search": 10, "albums": 2}


def test_requests_told_count_once(kept: Workspace, clock: Clock) -> None:
    """Requests of which the old ledger still has rows are not counted again by what their tasks sent."""
    with closing(Ledger(kept.ledger, clock.now)) as ledger:
        budget = Budget(ledger, Limits(9_000, 600))
        for _ in range(5):  # of ten
            budget.settle(budget.reserve("search", "search", RUN)[0], 200)
        with ledger.write() as connection:
            connection.execute("DELETE FROM parts WHERE batch_id = 'discover-1'")
    assert used(kept, clock) == {"search": 10, "albums": 0}


def test_deferred_bucket_stays_closed(workspace: Workspace, clock: Clock) -> None:
    """What was put off when the ledger was lost is asked a day later at the soonest; other buckets are open."""
    with closing(Ledger(workspace.ledger, clock.now)) as ledger:
        commit(workspace, ledger, "discover-0", search_line(artist("a1")), run_id=RUN)
        ledger.finish_task(TaskOutcome(RUN, "discover-0", 1, "deferred", requests=4))
        publish(workspace, ledger)
    for path in workspace.root.glob("ledger.sqlite*"):
        path.unlink()
    recover(workspace, clock.now)
    with closing(Ledger(workspace.ledger, clock.now)) as ledger:
        shut, open_ = (Budget(ledger, Limits(90, 600)).view(bucket) for bucket in ("search", "albums"))
    assert (shut.locked_until, shut.reason) == (clock.now() + timedelta(days=1), "the ledger was lost")
    assert open_.locked_until is None
