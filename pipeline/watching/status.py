"""What there is and whether it works, as plain dictionaries for the command line, the pages and other programs.

Imports the rooms below; changes nothing.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, is_dataclass
from datetime import date, datetime
from typing import Any

from pipeline import __version__
from pipeline.clock import system_now
from pipeline.errors import DamagedFile, SchemaMismatch, SettingsError
from pipeline.lake.store import require_ledger
from pipeline.published.generations import current_number, generation_age_s
from pipeline.published.publish import require_not_lost
from pipeline.published.upgrade import open_todays
from pipeline.records.budget import BUCKETS, Budget
from pipeline.records.database import Row
from pipeline.records.events import EventFilter, read_events
from pipeline.records.ledger import COLLECTING, Ledger
from pipeline.records.lock import run_holder
from pipeline.records.opening import opened_ledger
from pipeline.runs.context import is_idle, planning_limits, unsent
from pipeline.schema import PUBLISHED
from pipeline.settings import Settings
from pipeline.source.capabilities import load_capabilities
from pipeline.watching.freshness import genre_freshness, stale_genres, too_old
from pipeline.watching.notify import bury_crashed
from pipeline.watching.schedules import list_schedules, next_times
from pipeline.workspace import Workspace, first_step, open_workspace

__all__ = [
    "LEAST_FREE",
    "InApp",
    "follow_events",
    "health",
    "newest_run",
    "plain_value",
    "settled_ledger",
    "workspace_status",
]

FOLLOW_S = 0.5
NO_CREDENTIALS = (
    "there are no Spotify credentials, so nothing is collected; what is here stays. "
    "To begin, set SPOTIPY_CLIENT_ID and SPOTIPY_CLIENT_SECRET and start again"
)
BETWEEN_DAYS_S = 20.0  # after a publish the next day of the demo's history begins within one or two
LEAST_FREE = 500e6  # bytes: a run of an hour and two generations fit


@dataclass(frozen=True)
class InApp:
    """What the process of the app alone knows: what is broken in it, and how far the demo's history is."""

    broken: tuple[str, ...] = ()
    filling: str = ""


def workspace_status(settings: Settings) -> dict[str, Any]:
    """What `health` says, and data folder, profile and rows by table."""
    workspace = open_workspace(settings, to_read=True)
    with settled_ledger(settings) as ledger:
        known, how = load_capabilities(ledger), health(settings, workspace, ledger)
        try:
            rows = _row_counts(workspace)
        except SchemaMismatch as error:  # after an update, until something is published
            rows, how["note"] = {}, " ".join(filter(None, [how["note"], str(error)]))
        profile = known.profile if known else None
        return {**how, "data": str(workspace.root), "profile": profile, "rows": rows}


def health(
    settings: Settings,
    workspace: Workspace,
    ledger: Ledger,
    now: Callable[[], datetime] = system_now,
    here: InApp = InApp(),
) -> dict[str, Any]:
    """How things are, for monitors and the health page; asks nobody but the disk, in a few milliseconds.

    `status` is ok; failing: it cannot collect; attention: it works, but somebody should look; filling: the demo
    collects its history; idle: without credentials nothing is collected. The reasons of the first two stand in
    `problems`, a word on the last two in `note`. Keys beside them: version, workspace, generation and its age, disk,
    budget and lock times by bucket, next_run_at, running, last_run, last_error and when, freshness. Times UTC.
    """
    budget, runs = Budget(ledger, planning_limits(settings, ledger)), ledger.runs(limit=1)
    last, usage = (runs[0] if runs else None), shutil.disk_usage(workspace.ground)
    fresh = genre_freshness(workspace, ledger, settings, ledger.now().date())
    idle, plans = is_idle(settings), list_schedules(ledger)
    coming = [times[0] for each in plans if not idle and (times := next_times(each, now(), 1))]
    failed = ledger.runs(1, where="r.state IN ('failed', 'crashed')")
    full = [f"{usage.free / 1e9:.2f} GB are left on the disk"] if usage.free < LEAST_FREE else []
    broken = [*here.broken, *_faults(workspace, ledger), *full]
    filling = here.filling or _filling(workspace, last, now())
    stale = () if filling or idle else stale_genres(fresh)  # it lives in the past
    problems = _problems(settings, last, stale)
    calm = "filling" if filling else "idle" if idle else "ok"
    return {
        "status": "failing" if broken else "attention" if problems else calm,
        "problems": [*broken, *problems],
        "note": filling or (NO_CREDENTIALS if idle else ""),
        "version": __version__,
        "workspace": workspace.name,
        "generation": current_number(workspace),
        "generation_age_s": generation_age_s(workspace, now()),
        "disk": {"free_bytes": usage.free, "total_bytes": usage.total},
        "budget": {
            view.bucket: {
                "used": view.used, "ceiling": view.ceiling, "left": view.left, "locked_until": view.locked_until,
                "reason": view.reason,
            }
            for view in map(budget.view, BUCKETS)
        },
        "next_run_at": min(coming, default=None),
        "running": run_holder(workspace) if last and last["state"] == "running" else None,
        "last_run": last and {**last, "params": json.loads(last["params"])},
        "last_error": failed[0]["message"] if failed else "",
        "last_error_at": failed[0]["finished_at"] if failed else None,
        "freshness": fresh,
    }  # fmt: skip


def _problems(settings: Settings, last: Row | None, stale: Sequence[str]) -> list[str]:
    """What a person should look at."""
    ended = [last] if last and last["state"] in ("failed", "crashed") else []
    told = [f"the last run {run['state']}: {run['message']}" for run in ended]
    return [*told, *unsent(settings), *([too_old(stale)] if stale else [])]


def _filling(workspace: Workspace, last: Row | None, now: datetime) -> str:
    """How far the app, of which this process knows only what is kept, has come with the demo's history; else nothing.

    Its runs have the instants of their days. Between two of them none goes on, and the newest generation is new.
    """
    if last is None or last["trigger"] != "demo":
        return ""
    day, age_s = last["started_at"].date(), generation_age_s(workspace, now)
    goes_on = last["state"] == "succeeded" and day < now.date() and age_s is not None and age_s < BETWEEN_DAYS_S
    return f"the demo is being filled: it has come to {day}" if goes_on or last["state"] == "running" else ""


def _faults(workspace: Workspace, ledger: Ledger) -> list[str]:
    """Whether the ledger or the database was lost."""
    try:
        require_ledger(workspace, ledger)
        require_not_lost(workspace, ledger)
    except DamagedFile as error:
        return [str(error)]
    return []


def plain_value(value: object) -> object:
    """What JSON has no form for, as it has: instants and days in ISO 8601, rows as objects."""
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else str(value)


def newest_run(settings: Settings, *, collecting: bool = False) -> str:
    """Id of the run that began last, or of those that asked the source; SettingsError when there is none.

    DamagedFile for a ledger that was lost: it would know of none.
    """
    with opened_ledger(settings, to_read=True) as (workspace, ledger):
        require_ledger(workspace, ledger)
        bury_crashed(settings, workspace, ledger)
        if runs := ledger.runs(limit=1, where=COLLECTING if collecting else "TRUE"):
            return str(runs[0]["run_id"])
    name = settings.workspace_name
    raise SettingsError(f"No run yet in {name}. To begin: {first_step(name)}. Nothing was started.")


def follow_events(
    settings: Settings, wanted: EventFilter, *, follow: bool, sleep: Callable[[float], object] = time.sleep
) -> Iterator[list[Row]]:
    """Events of a run in portions; with `follow` until it has ended. SettingsError for a run that is not there.

    Its last lines are written up to a fifth of a second after its end: hence one more look.
    """
    seen, had_ended = 0, False
    if follow:
        open_workspace(settings)  # of one that can only be read we look at a copy, to which nothing comes
    with settled_ledger(settings) as ledger:
        while True:
            state = ledger.read("SELECT state FROM runs WHERE run_id = ?", (wanted.run_id,))
            if not state:
                raise SettingsError(
                    f"{wanted.run_id} is not a run of workspace {settings.workspace_name}. "
                    "`python -m pipeline logs last` tells of the newest; the page Runs lists all. Nothing was printed."
                )
            while rows := read_events(ledger, wanted, after_id=seen):
                seen = rows[-1]["id"]
                yield rows
            if not follow or had_ended:
                return
            had_ended = state[0]["state"] != "running"
            sleep(FOLLOW_S)


@contextmanager
def settled_ledger(settings: Settings) -> Iterator[Ledger]:
    """The ledger, in which runs whose process is gone have ended."""
    with opened_ledger(settings, to_read=True) as (workspace, ledger):
        bury_crashed(settings, workspace, ledger)
        yield ledger


def _row_counts(workspace: Workspace) -> dict[str, int]:
    if current_number(workspace) is None:
        return {}
    generation = open_todays(workspace)
    return {table: int(generation.rows(f"SELECT count(*) FROM {table}")[0][0]) for table in PUBLISHED}
