"""One run at a time over all machines that share a ledger: an advisory lock of its server, held by a connection.

The server lets go of it when the connection ends: a process that is killed at once, a machine that is gone within half
a minute. A connection that breaks is made anew; a run that comes too late then is ended by who was first (`lock`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from pipeline.errors import GarimpoError
from pipeline.integrations.postgres_sessions import DatabaseError, Session, explained, lock_key, pool_of
from pipeline.workspace import ServerLedger

__all__ = ["ServerLock"]

FIRST_POLL_S, LAST_POLL_S = 0.05, 1.0
LOOK_S = 2.0  # between two looks at whether the connection is there still


class ServerLock:
    """The run lock of a workspace; not for two threads at once."""

    def __init__(self, place: ServerLedger) -> None:
        self._place, self._pool = place, pool_of(place)
        self._ask = f"SELECT pg_try_advisory_lock({lock_key(place, 'run')})"
        self._session: Session = None
        self._over = threading.Event()
        self._keeper: threading.Thread | None = None

    def acquire(self, patience_s: float, cancelled: Callable[[], bool]) -> bool:
        """Whether it was free within so many seconds, and nobody cancelled."""
        until, poll_s = time.monotonic() + patience_s, FIRST_POLL_S
        with explained(self._place):
            while not self._take():
                if cancelled() or time.monotonic() >= until:
                    return False
                time.sleep(poll_s)
                poll_s = min(LAST_POLL_S, 2 * poll_s)
        self._over = threading.Event()
        self._keeper = threading.Thread(target=self._keep, args=(self._over,), name="lock-keeper", daemon=True)
        self._keeper.start()
        return True

    def release(self) -> None:
        """Let go of it."""
        self._over.set()
        if self._keeper is not None:
            self._keeper.join()
        session, self._session = self._session, None
        if session is not None:
            session.close()

    def _take(self) -> bool:
        session, found = self._pool.start(lambda session: session.execute(self._ask, prepare=False).fetchall())
        if found[0][0]:
            self._session = session
            return True
        self._pool.give(session)
        return False

    def _keep(self, over: threading.Event) -> None:
        while not over.wait(LOOK_S):
            try:
                if self._session is None:
                    self._take()
                else:
                    self._session.execute("SELECT 1", prepare=False)
            except (DatabaseError, GarimpoError):
                lost, self._session = self._session, None
                if lost is not None:
                    lost.close()
