"""What is looked after between runs: processes that died, genres that grew old, fire times that nobody kept.

Imports `freshness`, `lock`, `notify`, `schedules`, `status`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from pipeline.clock import workspace_clock
from pipeline.events import note
from pipeline.freshness import genre_freshness, stale_genres
from pipeline.ledger import Ledger
from pipeline.lock import find_crashed
from pipeline.notify import notifier
from pipeline.runner import RunRequest
from pipeline.schedules import Due, list_schedules
from pipeline.settings import Settings
from pipeline.status import health
from pipeline.workspace import Workspace

__all__ = ["bury_crashed", "catch_up", "tell_missed"]

log = logging.getLogger(__name__)

CATCH_UP_EVERY = timedelta(days=1)
MISSES_TOLD = 20  # one event each; of more each says how many there were
NEVER = "1970-01-01T00:00:00+00:00"


def bury_crashed(settings: Settings, workspace: Workspace, ledger: Ledger) -> None:
    """End runs whose process is gone, and tell of them."""
    for run_id in find_crashed(workspace, ledger):
        notifier(settings, ledger).run_crashed(run_id)


def catch_up(
    settings: Settings, workspace: Workspace, ledger: Ledger, now: Callable[[], datetime]
) -> RunRequest | None:
    """A run for genres that grew old: once a day, if some schedule may run and the budget permits."""
    rows = genre_freshness(workspace, ledger, settings, workspace_clock(settings)().date())
    stale = stale_genres(rows)
    if rows:
        notifier(settings, ledger).genres_seen(stale, rows[0].target_days)
    if not stale or all(each.paused for each in list_schedules(ledger)):
        return None
    last = datetime.fromisoformat(ledger.meta("caught_up_at") or NEVER)
    searches = health(settings, workspace, ledger, now)["budget"]["search"]
    if searches["locked_until"] is not None or (searches["left"] is not None and searches["left"] < len(stale)):
        return None
    if now() - last < CATCH_UP_EVERY:
        return None
    ledger.set_meta("caught_up_at", now().isoformat())
    reason = f"{len(stale)} genres are older than {rows[0].target_days} days"
    ledger.add_event("WARNING", "genres_stale", reason, genres=stale)
    return RunRequest("schedule", stale, notes={"reason": reason})


def tell_missed(ledger: Ledger, due: Due) -> None:
    """One event for each fire time that nobody was there to keep."""
    missed = (*due.missed, due.due_at) if due.is_late or due.is_dropped else due.missed
    action = "dropped" if due.is_dropped else "caught up by one run"
    for instant in missed[-MISSES_TOLD:]:
        facts = {"schedule": due.schedule.name, "due_at": instant.isoformat(), "action": action, "missed": len(missed)}
        note(log, "schedule_missed", level=logging.WARNING, message="", **facts)
        ledger.add_event("WARNING", "schedule_missed", f"{due.schedule.name}: {action}", **facts)
