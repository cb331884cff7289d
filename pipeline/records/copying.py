"""All rows of a ledger put in the place of another's: a ledger on a server and one in a file become each other.

Imports `database`, `errors`, `ledger`, `places`, `sqlite_file` and `workspace`.
"""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

from pipeline.errors import StorageError, WriterBusy
from pipeline.records.database import Connection
from pipeline.records.ledger import Ledger
from pipeline.records.places import LEDGER_SCRIPT
from pipeline.records.sqlite_file import DAMAGES
from pipeline.workspace import ServerLedger, Workspace

__all__ = ["FILES", "LEDGER_TABLES", "copy_rows", "empty_tables", "from_file", "into_file", "require_unused"]

FILES = "files"  # the name in the ledger under which one on a server keeps whose files it lists
# Columns of each table with their types, in order.
LEDGER_TABLES = {
    name: dict(re.findall(r"^    ([a-z]\w*) (TEXT|REAL|INTEGER)", body, re.MULTILINE))
    for name, body in re.findall(r"CREATE TABLE IF NOT EXISTS (\w+) \(\n(.*?)\n\)", LEDGER_SCRIPT, re.DOTALL)
}
_WHICH = {"meta": f" WHERE key <> '{FILES}'", "items": " ORDER BY rowid"}


def copy_rows(source: Ledger, target: Ledger) -> None:
    """Make `target` hold what `source` holds as of one instant, and nothing else; all or nothing."""
    with source.write() as read, target.write() as write:
        empty_tables(write)
        for table, columns in LEDGER_TABLES.items():
            names = ", ".join(columns)
            rows = read.execute(f"SELECT {names} FROM {table}{_WHICH.get(table, '')}").fetchall()
            marks = ", ".join("?" for _ in columns)
            write.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", rows)
        if isinstance(target.place, ServerLedger):
            write.execute("SELECT count_on()")  # numbers given from here on are new ones


def into_file(place: ServerLedger, path: Path) -> None:
    """Make a new file of a ledger on a server, as of one instant, without a log beside it."""
    with closing(Ledger(place)) as there, closing(Ledger(path)) as here:
        copy_rows(there, here)
    with closing(sqlite3.connect(path)) as copy:
        copy.execute("PRAGMA journal_mode=DELETE")


def from_file(path: Path, place: ServerLedger) -> None:
    """Put what a file holds in the place of a ledger on a server; the file goes."""
    with closing(Ledger(path)) as here, closing(Ledger(place)) as there:
        copy_rows(here, there)
    for end in ("", "-wal", "-shm"):
        path.with_name(f"{path.name}{end}").unlink(missing_ok=True)


def require_unused(workspace: Workspace) -> None:
    """Raise WriterBusy while another process, or this one, has the ledger open: it would write on in the old one."""
    if isinstance(workspace.ledger, ServerLedger) or not workspace.ledger.exists():
        return  # rows on a server are exchanged in one transaction: nobody goes on in old ones
    if not workspace.ledger.is_file():
        raise StorageError(f"{workspace.ledger} is no file. Move it away and try again; nothing was changed.")
    with closing(sqlite3.connect(workspace.ledger, timeout=1, isolation_level=None)) as connection:
        try:
            connection.execute("PRAGMA locking_mode=EXCLUSIVE")
            connection.execute("PRAGMA journal_mode=DELETE")
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                message = f"{workspace.root} is open in the app or another program. Stop it"
                raise WriterBusy(f"{message} and try again; nothing was changed.") from None
        except DAMAGES:
            return  # damaged: that is why somebody restores


def empty_tables(connection: Connection) -> None:
    """Remove every row of a ledger but whose files it lists, within a transaction."""
    for table in LEDGER_TABLES:
        connection.execute(f"DELETE FROM {table}{_WHICH['meta'] if table == 'meta' else ''}")
