"""What a warehouse's server may do, told once for all of them: refuse us, be down, crash, be full.

A system's test file inherits `Guarded` where there is a password, `Served` where its fixture `server` can be stopped,
`Crashing` where that keeps transactions.
"""

from __future__ import annotations

import signal
from collections.abc import Callable

import pytest

from pipeline.errors import DiskFull, SettingsError, StorageError
from tests.integrations.databases import Server
from tests.integrations.stand_ins import StandIn
from tests.integrations.warehouse_store import SECRET, Store, crashing, equal, held_there, large, stated

__all__ = ["Crashing", "Guarded", "Served", "outgrows"]


class Guarded:
    """Tests that every warehouse with a password passes."""

    def test_wrong_password_is_stated(self, store: Store) -> None:
        """A wrong password ends as a setting to mend, and is not shown."""
        store.address = store.address.replace(SECRET, f"not-{SECRET}")
        stated(store, SettingsError, "refuses us")


class Served:
    """Tests that every warehouse passes whose server is ours; `away` is what is said when it is down."""

    away = "Connection refused"

    def test_server_down_is_stated(self, store: Store, server: Server | StandIn) -> None:
        """While the server is down nothing is sent, and that is said; the next time all is there."""
        store.send()
        store.collect("2026-11-22", {"id": "new", "name": "New"})
        server.stop()
        try:
            stated(store, StorageError, self.away)
        finally:
            server.start()
        store.send()
        equal(store)


class Crashing(Served):
    """And where it keeps transactions; `crash` is the signal that it has no time to tidy up after."""

    crash = signal.SIGKILL

    def test_server_crash_is_stated(self, store: Store, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        """A server that crashes under a publish has nothing of it afterwards; the next time all is there."""
        store.send()
        before = held_there(store.address)
        store.collect("2026-11-22", {"id": "new", "name": "New"})
        with crashing(server, self.crash, monkeypatch):
            stated(store, StorageError, "failed")
        assert held_there(store.address) == before
        store.send()
        equal(store)


def outgrows(store: Store, make_room: Callable[[], object]) -> None:
    """A full disk there is said to be one; what was there stays, and with more space the next time all is there."""
    store.send()
    before = held_there(store.address)
    large(store)
    stated(store, DiskFull, "has no space left")
    assert held_there(store.address) == before
    make_room()
    store.send()
    equal(store)
