"""Where a ledger is: a file of the workspace, or a schema of a PostgreSQL database. Its tables, and their versions.

Imports `sqlite_file`, `database`, `workspace`; what knows PostgreSQL is looked for only where a ledger is kept there.
"""

from __future__ import annotations

import importlib
from importlib.resources import files
from pathlib import Path

from pipeline.records.database import Database
from pipeline.records.sqlite_file import SqliteFile
from pipeline.workspace import LedgerPlace

__all__ = ["LEDGER_SCRIPT", "LEDGER_VERSION", "open_database"]


def _script(name: str) -> str:
    return files("pipeline").joinpath("sql", name).read_text(encoding="utf-8")


LEDGER_VERSION = 10
LEDGER_SCRIPT = _script("ledger.sql")


def open_database(place: LedgerPlace, busy_s: float) -> Database:
    """What keeps the ledger's tables, made or upgraded where they are not of this version.

    Raises SchemaMismatch for those of a newer program; for a server SettingsError when it does not let us in,
    StorageError when it cannot be reached.
    """
    upgrades = {number: _script(f"ledger_{number}.sql") for number in range(2, LEDGER_VERSION + 1)}
    if isinstance(place, Path):
        return SqliteFile(place, LEDGER_SCRIPT, LEDGER_VERSION, busy_s, upgrades)
    elsewhere = importlib.import_module("pipeline.integrations.postgres_ledger")
    database: Database = elsewhere.open_database(place, LEDGER_SCRIPT, LEDGER_VERSION, busy_s, upgrades)
    return database
