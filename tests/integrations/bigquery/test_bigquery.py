"""BigQuery's client with local-bigquery behind it: the tables are equal after anything that happens on either side."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import count

import pytest

from pipeline.errors import SettingsError, StorageError
from pipeline.integrations import bigquery_warehouse
from pipeline.integrations.warehouse_news import Sent
from pipeline.integrations.warehouse_sql import Warehouse
from pipeline.integrations.warehouses import open_warehouse
from tests.integrations.stand_ins import BigQuery
from tests.integrations.warehouse_servers import Served
from tests.integrations.warehouse_shared import Alike, Store, equal, held_there, stated

numbers = count(1)
# A statement takes the emulator 0.15 s of CPU: what other systems show as well is tried on demand.
LONG = {
    "test_again_and_full_are_idempotent", "test_changed_by_others", "test_dry_run_changes_nothing",
    "test_first_publish_killed", "test_killed_halfway_is_completed", "test_killed_while_mending",
    "test_lost_hashes_send_all", "test_other_workspace_is_refused", "test_retention_is_carried_over",
    "test_server_down_is_stated", "test_two_at_once_are_refused",
}  # fmt: skip


@pytest.fixture(scope="module")
def server() -> Iterator[BigQuery]:
    """A stand-in of this file's own."""
    running = BigQuery()
    yield running
    running.close()


@pytest.fixture
def address(server: BigQuery) -> str:
    """A dataset of its own, not made yet."""
    return server.address(f"d{next(numbers)}")


@pytest.fixture(autouse=True)
def soon(request: pytest.FixtureRequest) -> None:
    """Leaves out what takes minutes, and says so."""
    if request.node.name in LONG and not os.environ.get("EVERYTHING"):
        pytest.skip("takes minutes: EVERYTHING=1 tries it")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that is down is asked for three seconds, not for a minute."""
    monkeypatch.setattr(bigquery_warehouse, "RETRY", bigquery_warehouse.RETRY.with_timeout(3))


class TestBigQuery(Alike, Served):
    """What all warehouses do, and servers."""

    away = "failed. Once it is well, send again"

    def test_types_are_bigquerys_own(self, store: Store) -> None:
        """The catalog shows BigQuery's types; nothing staged is left."""
        store.send()
        with open_warehouse("there", store.address) as warehouse:
            assert warehouse.columns()["artists"] == {
                "artist_id": "string", "artist_no": "int64", "name": "string", "followers": "int64",
                "popularity": "int64", "genres": "string", "image_url": "string", "spotify_url": "string",
                "first_seen_on": "date", "last_seen_on": "date", "releases_checked_on": "date",
            }  # fmt: skip
            assert [name for name in warehouse.columns() if name.startswith("garimpo")] == ["garimpo_sent"]

    def test_half_script_is_undone(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        """A script that fails at its last statement has changed nothing; the next time all is there."""
        store.send()
        before = held_there(store.address)
        store.collect("2026-11-22", {"id": "new", "name": "New"})
        noted = Warehouse.remember
        with monkeypatch.context() as patched:

            def remember(warehouse: Warehouse, sent: Sent) -> None:
                noted(warehouse, sent)
                warehouse.execute("INSERT INTO nothing.nowhere VALUES (1)")

            patched.setattr(Warehouse, "remember", remember)
            stated(store, StorageError, "nothing was not found.* failed. Once it is well, send again")
        assert held_there(store.address) == before
        store.send()
        equal(store)

    def test_unreachable_is_stated(self, store: Store, server: BigQuery) -> None:
        """Where nothing listens nothing is sent, and that is said."""
        store.address = store.address.replace(f":{server.port}", ":1")
        stated(store, StorageError, "failed. Once it is well, send again")

    def test_no_credentials_is_stated(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        """Credentials that are not there end as a setting to mend."""
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/key.json")
        store.address = "bigquery://garimpo/dataset"
        stated(store, SettingsError, "refuses us")
