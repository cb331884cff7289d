"""A ledger in a PostgreSQL database, for several machines: `GARIMPO_LEDGER=postgresql://user@host/database`.

A schema per workspace. As in a file there is one writer at a time, whoever holds the schema's advisory lock, so that
what a transaction has read stays true until it writes. See docs/integrations/postgresql-ledger.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib.resources import files
from typing import Any

from pipeline.errors import DamagedFile, SchemaMismatch, SettingsError, StorageError
from pipeline.integrations.postgres_sessions import DatabaseError, Session, explained, lock_key, pool_of
from pipeline.integrations.postgres_sql import postgres_statement, postgres_tables
from pipeline.records.database import Cursor, Row
from pipeline.workspace import ServerLedger

__all__ = ["PostgresDatabase", "open_database"]

LONGEST_NAME = 63  # longer ones are cut without a word


class PostgresDatabase:
    """The tables of one ledger: a `records.database.Database` for any number of machines."""

    def __init__(self, place: ServerLedger, busy_s: float) -> None:
        self.place, self._pool, self._is_open = place, pool_of(place), True
        self._pool.users += 1
        wait = f"SET LOCAL lock_timeout = '{max(1, int(busy_s * 1000))}ms'; "
        lock = f"SELECT pg_advisory_xact_lock({lock_key(place, 'write')})"
        self._begin = {True: f"BEGIN; {wait}{lock}", False: f"BEGIN; SET LOCAL synchronous_commit = off; {wait}{lock}"}

    def read(self, query: str, params: Sequence[object] = ()) -> list[Row]:
        """Rows of a SELECT as dictionaries; asked again where a connection is gone."""

        def ask(session: Session) -> list[Row]:
            cursor = session.execute(postgres_statement(query), params)
            names = [column.name for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

        with explained(self.place):
            session, rows = self._pool.start(ask)
            self._pool.give(session)
            return rows

    @contextmanager
    def write(self, *, durable: bool = True) -> Iterator[_Transaction]:
        """One write transaction; what is not durable may be lost with the server, not with this process."""
        begin = self._begin[durable]
        with explained(self.place):
            session, _ = self._pool.start(lambda session: session.execute(begin, prepare=False))
            try:
                yield _Transaction(session)
                if session.execute("COMMIT", prepare=False).statusmessage != "COMMIT":
                    raise StorageError(f"{self.place}: the transaction had failed before its end. Nothing was written.")
            except BaseException:
                with suppress(DatabaseError):
                    session.execute("ROLLBACK", prepare=False)
                raise
            finally:
                self._pool.give(session)

    def scrub(self) -> None:
        """Write the tables anew without removed rows; WriterBusy when somebody reads for half a minute."""
        with explained(self.place):
            session, _ = self._pool.start(lambda session: session.execute("SELECT 1"))
            try:
                names = session.execute("SELECT tablename FROM pg_tables WHERE schemaname = current_schema").fetchall()
                for (name,) in names:
                    session.execute(f"VACUUM (FULL) {name}", prepare=False)
            finally:
                self._pool.give(session)

    def close(self) -> None:
        """End the connections, if this process has no other ledger open here; another call opens new ones."""
        self._pool.users -= self._is_open
        self._is_open = False
        if not self._pool.users:
            self._pool.end_idle()

    def prepare(self, script: str, version: int, upgrades: Mapping[int, str]) -> None:
        """Make or upgrade the tables where they are not of this version; of several at once the first one does."""
        if (found := self._version()) < version:
            with self.write() as transaction:
                if (found := self._version(transaction)) < version:
                    self._make(
                        transaction,
                        script,
                        version,
                        [_own(n) or upgrades[n] for n in range(found + 1, version + 1) if found],
                    )
        if found > version:
            raise SchemaMismatch(
                f"{self.place} was written by a newer version of this program (its format is {found}, known is "
                f"{version}). Update the program; nothing was changed."
            )

    def _make(self, transaction: _Transaction, script: str, version: int, changes: Iterable[str]) -> None:
        if not transaction.execute("SELECT 1 FROM pg_namespace WHERE nspname = ?", (self.place.schema,)).fetchone():
            transaction.run(f'CREATE SCHEMA "{self.place.schema}"')
        for step in (*changes, script):
            transaction.run(postgres_tables(step))
        transaction.run(files("pipeline").joinpath("sql", "postgres_ledger.sql").read_text(encoding="utf-8"))
        transaction.run("DELETE FROM ledger_format")
        transaction.execute("INSERT INTO ledger_format VALUES (?)", (version,))

    def _version(self, transaction: _Transaction | None = None) -> int:
        known = "SELECT max(version) AS n FROM ledger_format"
        if transaction is None:
            try:
                return int(self.read(known)[0]["n"] or 0)
            except DamagedFile:  # there is no such table
                return 0
        there = "SELECT 1 FROM pg_tables WHERE schemaname = ? AND tablename = 'ledger_format'"
        found = transaction.execute(there, (self.place.schema,)).fetchall() and transaction.execute(known).fetchall()
        return int(found[0][0] or 0) if found else 0


class _Transaction:
    """What a block writes with; statements as everywhere in the pipeline."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def execute(self, query: str, params: Sequence[Any] = (), /) -> Cursor:
        found: Cursor = self._session.execute(postgres_statement(query), params)
        return found

    def executemany(self, query: str, rows: Iterable[Sequence[Any]], /) -> Cursor:
        cursor: Any = self._session.cursor()
        cursor.executemany(postgres_statement(query), rows)
        done: Cursor = cursor
        return done

    def run(self, script: str) -> None:
        """Several statements without values, in PostgreSQL's own words."""
        self._session.execute(script, prepare=False)


def open_database(
    place: ServerLedger, script: str, version: int, busy_s: float, upgrades: Mapping[int, str]
) -> PostgresDatabase:
    """The ledger of a place, tables made; SettingsError for what the settings have wrong, StorageError otherwise."""
    if len(place.schema) > LONGEST_NAME:
        raise SettingsError(f"{place}: the name is too long for PostgreSQL. Choose a shorter GARIMPO_WORKSPACE.")
    database = PostgresDatabase(place, busy_s)
    try:
        database.prepare(script, version, upgrades)
    except BaseException:
        database.close()
        raise
    return database


def _own(number: int) -> str:
    """What turns tables of the version before into those of this one here, where it is not what does so in a file."""
    own = files("pipeline").joinpath("sql", f"postgres_ledger_{number}.sql")
    return own.read_text(encoding="utf-8") if own.is_file() else ""
