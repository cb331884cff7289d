"""What is looked after between runs: genres that grew old, what was put off or cut off, fire times not kept.

Imports `database`, `freshness`, `notify`, `schedules`, `status`, `events`, `ledger`, `context`, `progress`, `runner`.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from pipeline.clock import workspace_clock
from pipeline.records.database import Row
from pipeline.records.events import note
from pipeline.records.ledger import COLLECTING, Ledger
from pipeline.runs.context import is_idle
from pipeline.runs.progress import CatchUp
from pipeline.runs.runner import RunRequest
from pipeline.settings import Settings
from pipeline.watching.freshness import genre_freshness, stale_genres, too_old
from pipeline.watching.notify import notifier
from pipeline.watching.schedules import Due, list_schedules
from pipeline.watching.status import health
from pipeline.workspace import Workspace

__all__ = ["CUT_OFF", "catch_up", "leave_alone", "plan_catch_up", "resume_newest", "tell_missed"]

log = logging.getLogger(__name__)

CATCH_UP_EVERY = timedelta(days=1)
MISSES_TOLD = 20  # one event each; of more each says how many there were
NEVER = "1970-01-01T00:00:00+00:00"
PUT_OFF, CUT_OFF = "put off until now", "cut off before its end"  # why a run goes on with another
CUT_OFF_FOR = timedelta(days=1)  # later the schedules have begun another
_RESUMED = "resumed_run"
OWN_TRIGGERS = ("schedule", "button")  # who starts runs otherwise, starts them again as well


def plan_catch_up(settings: Settings, workspace: Workspace, ledger: Ledger, now: Callable[[], datetime]) -> CatchUp:
    """What would be done about genres that grew old, at this moment; changes nothing."""
    stale = stale_genres(genre_freshness(workspace, ledger, settings, workspace_clock(settings)().date()))
    if is_idle(settings):
        return CatchUp("idle", stale)
    if not _may_run(ledger):
        return CatchUp("paused", stale)
    if not stale:
        return CatchUp("fresh")
    searches = health(settings, workspace, ledger, now)["budget"]["search"]
    if searches["locked_until"] is not None:
        return CatchUp("locked", stale, searches["locked_until"])
    if searches["left"] is not None and searches["left"] < len(stale):
        return CatchUp("spent", stale)
    next_at = datetime.fromisoformat(ledger.meta("caught_up_at") or NEVER) + CATCH_UP_EVERY
    return CatchUp("waiting", stale, next_at) if now() < next_at else CatchUp("due", stale)


def catch_up(
    settings: Settings, workspace: Workspace, ledger: Ledger, now: Callable[[], datetime]
) -> RunRequest | None:
    """A run for genres that grew old: once a day, if some schedule may run and the budget permits."""
    plan = plan_catch_up(settings, workspace, ledger, now)
    notifier(settings, ledger).genres_seen(plan.genres)
    if plan.verdict != "due":
        return None
    ledger.set_meta("caught_up_at", now().isoformat())
    reason = too_old(plan.genres)
    ledger.add_event("WARNING", "genres_stale", reason, genres=plan.genres)
    return RunRequest("schedule", plan.genres, notes={"reason": reason})


def resume_newest(ledger: Ledger, now: datetime) -> RunRequest | None:
    """A run for what the newest run left undone, once, if that one was the app's and some schedule may run.

    That is what it put off and is due; or all that a crash or the end of the app kept it from, for a day. Who cancelled
    a run meant it. One that crashes again is left alone: to go on with it may be what ends the process.
    """
    newest = next(iter(ledger.runs(1, where=COLLECTING)), None)
    why = _undone(newest, now) if newest and newest["trigger"] in OWN_TRIGGERS else ""
    if newest is None or not why or ledger.meta(_RESUMED) == newest["run_id"] or not _may_run(ledger):
        return None
    run_id = str(newest["run_id"])
    leave_alone(ledger, run_id)
    ledger.add_event("INFO", "run_resumed", f"run {run_id} goes on: {why}", retry_of=run_id)
    return RunRequest("schedule", retry_of=run_id, notes={"reason": why})


def leave_alone(ledger: Ledger, run_id: str) -> None:
    """Go on with this run no more: it was gone on with, or cancelled by somebody before the ledger knew of it."""
    ledger.set_meta(_RESUMED, run_id)


def _undone(run: Row, now: datetime) -> str:
    """Why a run has to be gone on with now; empty where nothing is due of it."""
    match run["state"]:
        case "deferred" if run["due_at"] is not None and run["due_at"] <= now:
            return PUT_OFF
        case "crashed" if json.loads(run["params"]).get("reason") == CUT_OFF:
            return ""
        case "crashed" | "cancelled" if not run["cancel_requested"] and now < run["started_at"] + CUT_OFF_FOR:
            return CUT_OFF
    return ""


def _may_run(ledger: Ledger) -> bool:
    """Whether anything is to be collected without being asked: some schedule is not paused."""
    return any(not each.paused for each in list_schedules(ledger))


def tell_missed(ledger: Ledger, due: Due) -> None:
    """One event for each fire time that nobody was there to keep."""
    missed = (*due.missed, due.due_at) if due.is_late or due.is_dropped else due.missed
    action = "dropped" if due.is_dropped else "caught up by one run"
    for instant in missed[-MISSES_TOLD:]:
        facts = {"schedule": due.schedule.name, "due_at": instant.isoformat(), "action": action, "missed": len(missed)}
        note(log, "schedule_missed", level=logging.WARNING, message="", **facts)
        ledger.add_event("WARNING", "schedule_missed", f"{due.schedule.name}: {action}", **facts)
