"""What a run would ask now and what it would cost, without a request. Imports `dag` and the rooms below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pipeline.lake.store import require_ledger
from pipeline.published.live import live
from pipeline.records.budget import Budget
from pipeline.records.events import unknown_artists
from pipeline.records.followed import followed_names
from pipeline.records.ledger import Ledger
from pipeline.records.opening import opened_ledger
from pipeline.runs.context import planning_limits
from pipeline.runs.dag import DAG
from pipeline.runs.planner import Outlook
from pipeline.runs.retries import Leftovers, asked_of, find_leftovers, find_rest
from pipeline.settings import Settings
from pipeline.source.capabilities import Capabilities, load_capabilities
from pipeline.workspace import Workspace

__all__ = ["PlannedTask", "leaves_nothing", "plan_retry", "plan_run", "sum_costs"]


@dataclass(frozen=True)
class PlannedTask:
    """One mapped task: labels of its items, requests that are certain, and the most with pages that may follow.

    `limit`: the most that all tasks together may ask; `locked_until`: until then the bucket is asked nothing. Of a
    bucket that is locked or spent the items are what waits.
    """

    task: str
    items: tuple[str, ...]
    requests: int
    at_most: int
    bucket: str
    left: int | None
    limit: int
    locked_until: datetime | None

    @property
    def waits(self) -> bool:
        """Whether nothing of it can be asked now: its bucket is locked, or spent."""
        return self.locked_until is not None or self.left == 0


def sum_costs(rows: Sequence[PlannedTask]) -> tuple[int, int]:
    """Requests that are certain now of all tasks together, and the most: no more than the run may send."""
    most = sum(row.at_most for row in rows if not row.waits)
    return sum(row.requests for row in rows if not row.waits), min([most, *(row.limit for row in rows)])


def plan_run(settings: Settings, genres: tuple[str, ...] = (), max_requests: int | None = None) -> list[PlannedTask]:
    """One row per mapped task, from what is known now; what earlier tasks will find is not known yet.

    DamagedFile for a ledger that was lost: it would plan to ask everything again.
    """
    with opened_ledger(settings, to_read=True) as (workspace, ledger):
        require_ledger(workspace, ledger)
        most = max_requests or settings.max_requests
        return _planned(settings, workspace, ledger, genres or settings.genres, most)


def plan_retry(settings: Settings, run_id: str, items: Sequence[str] = ()) -> list[PlannedTask]:
    """One row per mapped task: what `run_id` left and nobody was answered since, at what cost.

    SettingsError for a run or an item that is not there, DamagedFile for a ledger that was lost.
    """
    with opened_ledger(settings, to_read=True) as (workspace, ledger):
        require_ledger(workspace, ledger)
        genres, most = asked_of(settings, ledger, run_id)
        return _planned(settings, workspace, ledger, genres, most, find_leftovers(ledger, run_id, items))


def leaves_nothing(settings: Settings, run_id: str) -> bool:
    """Whether nothing of a run is left, also since others asked for it; SettingsError for a run that is not there."""
    with opened_ledger(settings, to_read=True) as (workspace, ledger):
        return not (find_leftovers(ledger, run_id).unreached or find_rest(workspace, ledger, run_id).items)


def _planned(
    settings: Settings,
    workspace: Workspace,
    ledger: Ledger,
    genres: tuple[str, ...],
    most: int,
    leftovers: Leftovers | None = None,
) -> list[PlannedTask]:
    planned = list[PlannedTask]()
    budget, known = Budget(ledger, planning_limits(settings, ledger)), load_capabilities(ledger) or Capabilities()
    mine, unknown, today = followed_names(ledger), unknown_artists(ledger), ledger.now().date()
    for task in DAG:
        if task.expand is None:
            continue
        bucket = budget.view(task.bucket)
        left = bucket.left
        allowance = int(most * (1.0 if leftovers else task.share)) - sum_costs(planned)[0]
        if left and not bucket.locked_until:  # of what waits all that waits is told, and takes nothing from others
            allowance = min(allowance, left)
        expand = leftovers.expansion(task) if leftovers else task.expand
        with live(workspace, ledger) as view:
            items = expand(Outlook(view, today, known, genres, allowance, followed=mine, unknown=unknown))
        certain, at_most = sum(len(item.calls) for item in items), sum(item.max_requests for item in items)
        labels = tuple(item.label for item in items)
        cost = (certain, min(at_most, most))
        planned.append(PlannedTask(task.name, labels, *cost, task.bucket, left, most, bucket.locked_until))
    return planned
