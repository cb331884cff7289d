"""What keeps an installation from working, probe by probe: settings, disk, ledger, database, source, named systems.

Imports `status`, `notify` and the rooms below; changes nothing.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipeline.errors import DiskFull, GarimpoError
from pipeline.lake.store import require_ledger
from pipeline.lake.truth import check_store
from pipeline.published.generations import current_number, open_generation
from pipeline.published.publish import require_not_lost
from pipeline.records.capability_rows import capability_rows
from pipeline.records.opening import opened_ledger
from pipeline.runs.context import check_source, is_idle, lacks_credentials, named_systems
from pipeline.settings import Settings, describe_settings, load_settings
from pipeline.watching.notify import check_notifications, try_notifications
from pipeline.watching.status import LEAST_FREE, settled_ledger
from pipeline.workspace import open_workspace

__all__ = ["diagnose"]


def diagnose(folder: Path = Path(), *, notify: bool = False) -> dict[str, Any]:
    """Every setting with its origin (secrets masked), then checks: name, whether it is well, and what to do.

    With `notify` a word is sent to whoever is notified.
    """
    tell = try_notifications if notify else check_notifications
    rows, settings = describe_settings(folder), load_settings(folder)
    checks = [
        _check("data folder", lambda: _disk(settings)),
        _check("ledger", lambda: _ledger(settings)),
        _check("database", lambda: _published(settings)),
        *([_check("object store", lambda: _store(settings))] if settings.store else []),
        _check("source", lambda: _source(settings)),
        _check("notifications", lambda: tell(settings)),
        *(_check(name, probe) for name, probe in named_systems(settings)),
    ]
    return {
        "workspace": settings.workspace_name,
        "settings": rows,
        "capabilities": _seen(settings),
        "checks": checks,
        "ok": all(check["ok"] for check in checks),
    }


def _seen(settings: Settings) -> dict[str, Any]:
    """What the source was seen to offer this app, with date and evidence; empty before the first run."""
    try:
        with settled_ledger(settings) as ledger:
            return capability_rows(ledger)
    except GarimpoError:
        return {}  # the check of the data folder says what is wrong with it


def _check(name: str, probe: Callable[[], str]) -> dict[str, Any]:
    try:
        return {"name": name, "ok": True, "detail": probe()}
    except GarimpoError as error:
        return {"name": name, "ok": False, "detail": str(error), "exit_code": error.exit_code}


def _store(settings: Settings) -> str:
    with settled_ledger(settings) as ledger:
        return check_store(open_workspace(settings), ledger)


def _source(settings: Settings) -> str:
    if lacks_credentials(settings):
        app = "nothing is collected here" if is_idle(settings) else "the app shows its demo"
        need = "SPOTIPY_CLIENT_ID and SPOTIPY_CLIENT_SECRET, spelled with PY"
        return f"no credentials, so {app}; `python -m pipeline run` needs {need}"
    return check_source(settings)


def _ledger(settings: Settings) -> str:
    with opened_ledger(settings, to_read=True) as (workspace, ledger):
        require_ledger(workspace, ledger)
        if not settings.ledger.get_secret_value():
            return f"{workspace.ledger_kept} {'can be read' if workspace.ledger_kept.is_file() else 'is not there yet'}"
        version = ledger.read("SELECT current_setting('server_version') AS said")[0]["said"]
        return f"{ledger.place} answers, PostgreSQL {version}"


def _published(settings: Settings) -> str:
    with settled_ledger(settings) as ledger:
        workspace = open_workspace(settings, to_read=True)
        require_not_lost(workspace, ledger)
        if current_number(workspace) is None:
            return "nothing is published yet"
        generation = open_generation(workspace)
        generation.meta("applied_seq")
        return f"{generation.path} can be read"


def _disk(settings: Settings) -> str:
    workspace = open_workspace(settings)
    free = shutil.disk_usage(workspace.root).free
    if free < LEAST_FREE:
        raise DiskFull(f"{free / 1e9:.2f} GB are left for {workspace.root}. Free some space; nothing was changed.")
    return f"{workspace.root} can be written, {free / 1e9:.1f} GB free"
