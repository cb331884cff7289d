"""What there is and whether it works, as plain dictionaries for the command line, the pages and other programs.

Imports the rooms below; changes nothing.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline.budget import BUCKETS, Budget
from pipeline.capabilities import load as load_capabilities
from pipeline.clock import workspace_clock
from pipeline.context import check_source, planning_limits
from pipeline.errors import GarimpoError, SettingsError
from pipeline.events import EventFilter, read_events
from pipeline.generations import current_number, open_generation
from pipeline.ledger import Ledger
from pipeline.lock import find_crashed, run_holder
from pipeline.schema import PUBLISHED
from pipeline.settings import Settings, describe_settings, load_settings
from pipeline.sqlite_file import Row
from pipeline.workspace import open_workspace

__all__ = ["diagnose", "follow_events", "newest_run", "workspace_status"]

FOLLOW_S = 0.5


def workspace_status(settings: Settings) -> dict[str, Any]:
    """Workspace, profile, generation, rows by table, budget and last run."""
    workspace = open_workspace(settings)
    with _opened(settings) as ledger:
        known = load_capabilities(ledger)
        budget = Budget(ledger, planning_limits(settings, ledger))
        last = ledger.runs(limit=1)
        return {
            "workspace": workspace.name,
            "data": str(workspace.root),
            "profile": known.profile if known else None,
            "generation": current_number(workspace),
            "rows": _row_counts(settings),
            "budget": {
                view.bucket: {"used": view.used, "left": view.left, "locked_until": view.locked_until}
                for view in map(budget.view, BUCKETS)
            },
            "last_run": last[0] if last else None,
            "running": run_holder(workspace) if last and last[0]["state"] == "running" else None,
        }


def newest_run(settings: Settings) -> str:
    """Id of the run that began last; SettingsError when there is none."""
    with _opened(settings) as ledger:
        runs = ledger.runs(limit=1)
    if not runs:
        raise SettingsError(f"No run yet in workspace {settings.workspace_name}: python -m pipeline run.")
    return str(runs[0]["run_id"])


def follow_events(
    settings: Settings, wanted: EventFilter, *, follow: bool, sleep: Callable[[float], object] = time.sleep
) -> Iterator[list[Row]]:
    """Events of a run in portions; with `follow` until it has ended. SettingsError for a run that is not there."""
    seen = 0
    with _opened(settings) as ledger:
        while True:
            state = ledger.read("SELECT state FROM runs WHERE run_id = ?", (wanted.run_id,))
            if not state:
                raise SettingsError(f"{wanted.run_id} is not a run of workspace {settings.workspace_name}.")
            while rows := read_events(ledger, wanted, after_id=seen):
                seen = rows[-1]["id"]
                yield rows
            if not follow or state[0]["state"] != "running":
                return
            sleep(FOLLOW_S)


@contextmanager
def _opened(settings: Settings) -> Iterator[Ledger]:
    """The ledger, in which runs whose process is gone have ended."""
    workspace = open_workspace(settings)
    ledger = Ledger(workspace.ledger, workspace_clock(settings))
    try:
        find_crashed(workspace, ledger)
        yield ledger
    finally:
        ledger.close()


def _row_counts(settings: Settings) -> dict[str, int]:
    workspace = open_workspace(settings)
    if current_number(workspace) is None:
        return {}
    generation = open_generation(workspace)
    return {table: int(generation.rows(f"SELECT count(*) FROM {table}")[0][0]) for table in PUBLISHED}


def diagnose(folder: Path = Path()) -> dict[str, Any]:
    """Every setting with its origin (secrets masked), then checks: name, whether it is well, and what to do."""
    rows = describe_settings(folder)
    settings = load_settings(folder)
    checks = [_check("data folder", lambda: _disk(settings)), _check("source", lambda: check_source(settings))]
    return {
        "workspace": settings.workspace_name,
        "settings": rows,
        "checks": checks,
        "ok": all(check["ok"] for check in checks),
    }


def _check(name: str, probe: Any) -> dict[str, Any]:
    try:
        return {"name": name, "ok": True, "detail": probe()}
    except GarimpoError as error:
        return {"name": name, "ok": False, "detail": str(error), "exit_code": error.exit_code}


def _disk(settings: Settings) -> str:
    workspace = open_workspace(settings)
    free = shutil.disk_usage(workspace.root).free / 1e9
    return f"{workspace.root} can be written, {free:.1f} GB free"
