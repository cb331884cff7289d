"""One SQLite file that several threads and processes write: connections, transactions, versions, failures explained.

WAL, so readers and the writer do not block each other. A durable transaction outlives a power cut (synchronous=FULL), a
quick one outlives the process (NORMAL: 30 µs instead of an fsync). Imports `errors`, `ledger_copy`, `database`.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from pipeline.errors import DamagedFile, DiskFull, SchemaMismatch, StorageError, WriterBusy
from pipeline.ledger_copy import original
from pipeline.records.database import Row

__all__ = ["DAMAGES", "SqliteFile", "explained", "read_only"]

# What reading a damaged file raises: where its tables' own description is, Python cannot even say what SQLite said.
DAMAGES = (sqlite3.DatabaseError, UnicodeDecodeError)


class SqliteFile:
    """An open file; usable from any thread, each with its own connections, which end with the thread.

    A writer waits `busy_s` for another one before it gives up with WriterBusy.
    """

    def __init__(
        self, path: Path, script: str, version: int, busy_s: float, upgrades: Mapping[int, str] | None = None
    ) -> None:
        """`script` makes an empty file; `upgrades[n]` turns a file of version n - 1 into one of version n."""
        self.path, self.busy_s = path, busy_s
        self._local, self._open, self._guard = threading.local(), weakref.WeakSet[_Handle](), threading.Lock()
        self._number = 0  # of the file, by which the system tells it from another that takes its name
        with explained(path):
            connection = self._connect(durable=True)
            self._number = path.stat().st_ino
            found = _version(connection)
            if found < version:
                self._create(script, version, upgrades or {})
        if found > version:
            self.close()
            raise SchemaMismatch(
                f"{original(path)} was written by a newer version of this program (its format is {found}, known is "
                f"{version}). Update the program; nothing was changed."
            )

    def close(self) -> None:
        """Close every thread's connections."""
        with self._guard:
            for handle in list(self._open):
                handle.connection.close()
            self._open.clear()
            self._local = threading.local()

    def read(self, query: str, params: Sequence[object] = ()) -> list[Row]:
        """Rows of a SELECT as dictionaries."""
        with explained(self.path):
            cursor = self._connect(durable=True).execute(query, params)
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    @contextmanager
    def write(self, *, durable: bool = True) -> Iterator[sqlite3.Connection]:
        """One write transaction: committed at the end of the block, rolled back when it raises."""
        with explained(self.path):
            connection = self._connect(durable=durable)
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def scrub(self) -> None:
        """Write the file anew without its free pages, and empty its log."""
        with closing(sqlite3.connect(self.path, timeout=self.busy_s, isolation_level=None)) as connection:
            try:
                connection.execute("VACUUM")
                busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            except sqlite3.OperationalError as error:
                if isinstance(said := _explanation(self.path, busy := str(error)), DiskFull):
                    raise said from error
        if busy:
            message = (
                f"{self.path} is being read by another process ({busy}): what was removed may still lie in its log."
            )
            raise WriterBusy(f"{message} Run `python -m pipeline purge` again to end it.")

    def _create(self, script: str, version: int, upgrades: Mapping[int, str]) -> None:
        """Make or upgrade the tables in one transaction; of several processes that try at once the first one does.

        An upgrade changes tables there are; the script, which leaves those alone, then makes those that are missing.
        """
        with self.write() as connection:
            found = _version(connection)
            changes = [upgrades[number] for number in range(found + 1, version + 1)] if found else []
            for statement in (each for step in (*changes, script) for each in _statements(step)):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version={version}")

    def _connect(self, *, durable: bool) -> sqlite3.Connection:
        name = "durable" if durable else "quick"
        if self._number:
            self._require_there()
        handle: _Handle | None = getattr(self._local, name, None)
        if handle is None:
            handle = _Handle(self.path, "FULL" if durable else "NORMAL", self.busy_s)
            setattr(self._local, name, handle)
            with self._guard:
                self._open.add(handle)
        return handle.connection

    def _require_there(self) -> None:
        """Raise DamagedFile for a file that was removed or replaced: what is written to it now, nobody reads again."""
        try:
            if os.stat(self.path).st_ino == self._number:  # noqa: PTH116  a third of the time, before every question
                return
        except FileNotFoundError:
            pass
        raise DamagedFile(
            f"{original(self.path)} was lost or replaced while a program had it open. Stop that program, the app for "
            "one, and run `python -m pipeline recover`, which writes it anew; nothing was written."
        )


def read_only(path: Path) -> sqlite3.Connection:
    """A connection to an SQLite file, ours or somebody's, that changes nothing of it and waits while it is locked."""
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=30)


class _Handle:
    """A connection that closes when its thread, the only one that holds it, has ended."""

    def __init__(self, path: Path, synchronous: str, busy_s: float) -> None:
        self.connection = sqlite3.connect(path, timeout=busy_s, isolation_level=None, check_same_thread=False)
        weakref.finalize(self, self.connection.close)
        _keep_log(self.connection, busy_s)
        self.connection.execute(f"PRAGMA synchronous={synchronous}")


def _keep_log(connection: sqlite3.Connection, busy_s: float) -> None:
    """Turn the write-ahead log on; SQLite itself does not wait where several turn it on in a new file at once."""
    deadline = time.monotonic() + busy_s
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _statements(script: str) -> Iterator[str]:
    """The statements of a script one by one: `executescript` would end the transaction it is called in."""
    text = ""
    for part in script.split(";"):
        text += part + ";"  # one within a comment or a string completes no statement
        if sqlite3.complete_statement(text):
            yield text
            text = ""


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """What SQLite raises about a file, as a StorageError that says what to do."""
    try:
        yield
    except DAMAGES as error:
        raise _explanation(original(path), str(error)) from error


def _explanation(path: Path, text: str) -> StorageError:
    if "locked" in text or "busy" in text:
        return WriterBusy(
            f"{path} is kept busy by another process ({text}). Nothing was written; try again when it is done."
        )
    if any(sign in text for sign in ("full", "disk I/O", "readonly", "unable to open")):
        return DiskFull(
            f"{path} cannot be written ({text}). Free some space or make the folder writable, then run again; "
            "what was committed is kept."
        )
    if "no such table" in text:
        return DamagedFile(
            f"{path} was lost or replaced ({text}). Run `python -m pipeline recover`; nothing was changed."
        )
    if "malformed" in text or "not a database" in text or "decode to UTF-8" in text or "can't decode" in text:
        return DamagedFile(
            f"{path} is damaged ({text}). Run `python -m pipeline recover`; Parquet files are untouched."
        )
    return StorageError(f"{path}: {text}. The transaction was rolled back; nothing half-written was kept.")
