"""Connections to a ledger in a PostgreSQL database, lent one by one, and what its errors mean to us.

A server that restarts is waited for; what was under way in it is lost, and says so. Owns psycopg.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from pipeline.errors import DamagedFile, DiskFull, GarimpoError, SettingsError, StorageError, WriterBusy
from pipeline.workspace import ServerLedger

try:
    import psycopg
    from psycopg.adapt import Loader
    from psycopg.conninfo import conninfo_to_dict
    from psycopg.types.string import StrDumperUnknown
except ImportError:
    raise SettingsError(
        "GARIMPO_LEDGER names a PostgreSQL database, and psycopg is missing: `pip install --group postgres-ledger`. "
        "Nothing was started."
    ) from None

__all__ = ["DatabaseError", "Pool", "Session", "explained", "lock_key", "pool_of"]

Session = Any  # a connection of psycopg's
DatabaseError: type[Exception] = psycopg.Error
T = TypeVar("T")

BACK_S = 10.0  # a server that restarts is waited for so long
AGAIN_S = 0.2
MOST_IDLE = 8
SKEW_S = 1.0  # the budget's windows are of 30 s: clocks of machines that share one must agree
LOCAL = ("", "localhost", "127.0.0.1", "::1")
# A machine that is gone without a word is noticed by the other end within half a minute.
ALIVE = {
    "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 25_000,
    "connect_timeout": 10, "application_name": "garimpo",
}  # fmt: skip
SESSION = """
    SET search_path TO {schema}, pg_catalog; SET lock_timeout = '30s'; SET idle_in_transaction_session_timeout = '120s';
    SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3;
    SET client_min_messages = warning; SET jit = off
"""


class Pool:
    """Connections of this process to one schema: lent one by one, as many as threads ask for at once."""

    def __init__(self, place: ServerLedger) -> None:
        self.place, self._idle, self._guard = place, list[Session](), threading.Lock()
        self._was_there = False
        self.users = 0  # stores that are open

    def start(self, action: Callable[[Session], T]) -> tuple[Session, T]:
        """A session after a first action, and what that gave; connections that are gone are replaced meanwhile."""
        patient_until = time.monotonic() + (BACK_S if self._was_there else 0.0)
        while True:
            session: Session | None = None
            try:
                session = self._take()
                done = action(session)
            except psycopg.OperationalError as error:
                if session is not None and not session.closed:
                    self.give(session)
                    raise
                if (session is None and not _is_passing(error)) or time.monotonic() > patient_until:
                    raise
                self.end_idle()  # those went with it
                time.sleep(AGAIN_S)
            except BaseException:
                if session is not None:
                    self.give(session)
                raise
            else:
                self._was_there = True
                return session, done

    def give(self, session: Session) -> None:
        """Take a session back; one that is not at rest ends."""
        at_rest = not session.closed and session.info.transaction_status is psycopg.pq.TransactionStatus.IDLE
        with self._guard:
            if at_rest and len(self._idle) < MOST_IDLE:
                self._idle.append(session)
                return
        session.close()

    def end_idle(self) -> None:
        """End sessions that nobody uses."""
        with self._guard:
            sessions, self._idle = self._idle, []
        for session in sessions:
            session.close()

    def _take(self) -> Session:
        with self._guard:
            if self._idle:
                return self._idle.pop()
        return self._connect()

    def _connect(self) -> Session:
        told = conninfo_to_dict(self.place.address)
        ours = {key: value for key, value in ALIVE.items() if key not in told}
        if str(told.get("host", "")) not in LOCAL and not str(told.get("host")).startswith("/"):
            ours.setdefault("sslmode", str(told.get("sslmode") or "require"))
        session = psycopg.connect(self.place.address, autocommit=True, **ours)
        session.adapters.register_dumper(str, _TEXTS)
        session.adapters.register_loader("numeric", _NUMBERS)
        session.execute(SESSION.format(schema=f'"{self.place.schema}"'), prepare=False)
        if not self._was_there:
            self._compare_clocks(session)
        return session

    def _compare_clocks(self, session: Session) -> None:
        before = time.time()
        theirs = float(session.execute("SELECT extract(epoch FROM clock_timestamp())::float8").fetchall()[0][0])
        ahead_s = theirs - (before + time.time()) / 2
        if abs(ahead_s) > SKEW_S + (time.time() - before):
            raise SettingsError(
                f"The clock of the server of {self.place} is {ahead_s:+.1f} s from this machine's, and requests are "
                "counted by both. Set them right (NTP); nothing was started."
            )


def _dumped(dumper: Any, text: str) -> Any:
    """Texts may hold a zero byte, which PostgreSQL takes none of: it becomes the sign for what cannot be shown."""
    return StrDumperUnknown.dump(dumper, text.replace("\0", "\ufffd"))


def _number(_: Any, data: Any) -> int | float:
    """Sums of whole numbers come as numeric: whole numbers here, as from a file."""
    text = bytes(data).decode("ascii")
    return int(text) if text.lstrip("-").isdigit() else float(text)


_TEXTS = type("Texts", (StrDumperUnknown,), {"dump": _dumped})
_NUMBERS = type("Numbers", (Loader,), {"load": _number})

_pools: dict[tuple[int, ServerLedger], Pool] = {}
_guard = threading.Lock()


def pool_of(place: ServerLedger) -> Pool:
    """The connections of this process to a place."""
    with _guard:
        return _pools.setdefault((os.getpid(), place), Pool(place))


def lock_key(place: ServerLedger, what: str) -> int:
    """The number of an advisory lock of a schema."""
    digest = hashlib.blake2b(f"garimpo {place.schema} {what}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


@contextmanager
def explained(place: ServerLedger) -> Iterator[None]:
    """Errors of the database as errors of ours."""
    try:
        yield
    except psycopg.Error as error:
        raise _explanation(place, error) from None


PASSING = ("refused", "timeout", "timed out", "closed the connection", "reset by peer", "the database system is",
           "unreachable", "no route", "connection slots", "too many", "connection is closed", "terminating connection",
           "connection is lost", "connection not open", "translate host", "eof detected", "broken pipe")  # fmt: skip


REFUSED = ("connection failed", "connection is bad")  # how psycopg begins what came of an attempt to connect


def _is_passing(error: Any) -> bool:
    text = str(error).lower()
    return any(sign in text for sign in PASSING) or (error.sqlstate or "").startswith(("57P", "08", "53300"))


def _explanation(place: ServerLedger, error: Any) -> GarimpoError:
    state, text = error.sqlstate or "", _said(place, error)
    if state in ("55P03", "40P01"):
        return WriterBusy(f"{place} is kept busy by another process ({text}). Nothing was written; try again later.")
    is_full = not state and "could not write" in text  # a full server lets nobody in who is not in already
    if state in ("53100", "25006", "58030") or is_full:
        return DiskFull(
            f"{place} cannot be written ({text}). Make room there, then run again; what was committed is kept."
        )
    if state in ("42P01", "3F000", "42883", "XX001", "XX002"):
        return DamagedFile(
            f"{place} is damaged ({text}). Run `python -m pipeline recover`; Parquet files are untouched."
        )
    is_lost = isinstance(error, psycopg.OperationalError) and not state
    if state == "42501" or (is_lost and str(error).startswith(REFUSED) and not _is_passing(error)):
        return SettingsError(f"{place} does not let us in ({text}). Mend GARIMPO_LEDGER or the rights of its user.")
    if is_lost or _is_passing(error):
        return StorageError(
            f"{place} cannot be reached ({text}). What was committed is kept there; run again when it is back."
        )
    return StorageError(f"{place}: {text}. The transaction was rolled back; nothing half-written was kept.")


def _said(place: ServerLedger, error: Any) -> str:
    """The first line of an error, without the password whatever happens."""
    lines = [line for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    with suppress(psycopg.Error):
        if password := conninfo_to_dict(place.address).get("password"):
            return lines[0].replace(str(password), "(hidden)").rstrip(".")
        return lines[0].rstrip(".")
    return type(error).__name__  # an address that is none may be quoted in full
