"""What people said and no file tells of: whom they follow, schedules, targets of genres; back from a backup once lost.

Of a ledger that had to be written anew they are lost, unless they could be read in the one before. What was said since
stays as it is: a backup only adds. Imports `findings`, `store`, `backup_files`, `ledger`, `copying`, `sqlite_file`,
`workspace`.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from pipeline.errors import GarimpoError
from pipeline.keeping.findings import Finding
from pipeline.lake.store import known_runs
from pipeline.moving.backup_files import Backup, find_backup, hash_of, runs_of
from pipeline.records.copying import LEDGER_TABLES
from pipeline.records.database import Connection
from pipeline.records.ledger import SET_META, Ledger
from pipeline.records.sqlite_file import DAMAGES, read_only
from pipeline.workspace import Workspace

__all__ = ["LISTS_LOST", "WHAT", "are_readable", "bring_lists"]

LISTS_LOST = "lists_lost"  # meta of the ledger: "1" while they may be in a backup alone
WHAT = "whom you follow, schedules, targets of genres"
_TABLES = ("followed", "schedules")
_TARGETS, _DEFAULT = "fresh_days", "default_schedule"  # meta: genres with their days; the setting as it was last seen


def are_readable(old: Path) -> bool:
    """Whether a damaged ledger still tells all of it."""
    try:
        _read(old)
    except DAMAGES:
        return False
    return True


def bring_lists(workspace: Workspace, ledger: Ledger, backup: Path | None) -> list[Finding]:
    """Add what a backup of the workspace knows of it to a ledger that has lost it; nothing where that is not so."""
    if backup is None or ledger.meta(LISTS_LOST) != "1":
        return []
    place, what = str(ledger.place), f"has lost {WHAT}"
    try:
        said = find_backup(backup, workspace.name)
        if said is None:
            return [Finding(place, what, f"{backup} has no ledger that knows them: they have to be said again")]
        if not _is_of(workspace, ledger, said, backup):
            told = f"{backup} is a backup of another workspace: nothing of it was taken; name one of this workspace"
            return [Finding(place, what, told)]
        tables, meta = _read(backup / said.ledger)
    except (GarimpoError, *DAMAGES) as error:
        return [Finding(place, what, f"the ledger in {backup} cannot be read ({error}): they have to be said again")]
    now = ledger.now().timestamp()
    with ledger.write() as connection:
        # What a schedule missed is not caught up: a run that nobody expects would begin.
        brought = [_add(connection, "followed", tables["followed"])]
        brought.append(_add(connection, "schedules", [{**row, "dealt_until": now} for row in tables["schedules"]]))
        brought.append(_add_meta(connection, meta))
        connection.execute(SET_META, (LISTS_LOST, "0"))
    told = f"followed artists {brought[0]:,}, schedules {brought[1]:,}, targets {brought[2]:,}"
    if hash_of(backup / said.ledger) != said.ledger_sha256:
        told += f" (look through them: {said.ledger} is damaged)"
    return [Finding(place, what, f"brought back as of {said.made_at}: {told}; what was said since stays as it is")]


def _is_of(workspace: Workspace, ledger: Ledger, said: Backup, backup: Path) -> bool:
    """Whether a backup is of this workspace: they have runs in common, or their names where one of them has no run."""
    before, mine = runs_of(backup / said.ledger), known_runs(ledger)
    return bool(before & mine) if before and mine else said.workspace == workspace.name


def _read(path: Path) -> tuple[dict[str, list[dict[str, Any]]], dict[str, str]]:
    """Rows of its tables, and values by name; none of tables that it does not have, as ledgers of long ago."""
    with closing(read_only(path)) as connection:
        connection.row_factory = sqlite3.Row
        there = {row["name"] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        rows = {
            name: [dict(row) for row in connection.execute(f"SELECT * FROM {name}")] if name in there else []
            for name in _TABLES
        }
        meta = {row["key"]: row["value"] for row in connection.execute("SELECT key, value FROM meta")}
    return rows, meta


def _add(connection: Connection, table: str, rows: list[dict[str, Any]]) -> int:
    """Rows that are not there yet; how many."""
    added = 0
    for row in rows:
        values = {name: value for name, value in row.items() if name in LEDGER_TABLES[table]}
        names, marks = ", ".join(values), ", ".join("?" for _ in values)
        insert = f"INSERT INTO {table} ({names}) VALUES ({marks}) ON CONFLICT DO NOTHING"
        added += connection.execute(insert, list(values.values())).rowcount
    return added


def _add_meta(connection: Connection, theirs: dict[str, str]) -> int:
    """Targets of genres that have none, and how the setting was seen last; how many targets."""
    mine = dict(connection.execute(f"SELECT key, value FROM meta WHERE key IN ('{_TARGETS}', '{_DEFAULT}')").fetchall())
    if _DEFAULT in theirs and _DEFAULT not in mine:
        connection.execute(SET_META, (_DEFAULT, theirs[_DEFAULT]))
    ours, others = (json.loads(each.get(_TARGETS) or "{}") for each in (mine, theirs))
    connection.execute(SET_META, (_TARGETS, json.dumps(others | ours, ensure_ascii=False)))
    return len(others.keys() - ours.keys())
