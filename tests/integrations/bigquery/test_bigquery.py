"""BigQuery's client with local-bigquery behind it: the tables are equal after anything that happens on either side."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from pipeline.errors import SettingsError, StorageError
from pipeline.integrations import bigquery_warehouse
from pipeline.integrations.warehouse_news import Sent
from pipeline.integrations.warehouse_sql import Warehouse, place_of
from pipeline.integrations.warehouses import open_warehouse
from pipeline.keeping.purge import purge_artist
from pipeline.published.publish import publish
from pipeline.schema import PUBLISHED, Column
from tests.integrations.stand_ins import BigQuery
from tests.integrations.warehouse_servers import Served
from tests.integrations.warehouse_shared import Alike, Store, equal, held_there, published_here, stated
from tests.payloads import artist

TYPES = {
    "artist_id": "string", "artist_no": "int64", "name": "string", "followers": "int64", "popularity": "int64",
    "genres": "string", "image_url": "string", "spotify_url": "string", "first_seen_on": "date", "last_seen_on": "date",
    "releases_checked_on": "date",
}  # fmt: skip


@pytest.fixture(autouse=True)
def soon(request: pytest.FixtureRequest) -> None:
    """Leaves out, and says so, what is shared: a statement takes the emulator 0.15 s of CPU, all of it many minutes."""
    if not request.function.__qualname__.startswith("TestBigQuery.") and not os.environ.get("EVERYTHING"):
        pytest.skip("takes minutes: EVERYTHING=1 tries it")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that is down is asked for three seconds, not for a minute."""
    monkeypatch.setattr(bigquery_warehouse, "RETRY", bigquery_warehouse.RETRY.with_timeout(3))


class TestBigQuery(Alike, Served):
    """What all warehouses do, and servers."""

    serves = BigQuery
    told = ()
    away = "failed. Once it is well, send again"

    @pytest.fixture
    def address(self, server: BigQuery, name: str) -> str:
        """A dataset of its own, not made yet."""
        return server.address(name)

    def test_one_life(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        """First publish, a changed schema, nothing new, news after a failure, a purge: the tables are equal after each.

        All in one store, since filling another takes the emulator a quarter of a minute.
        """
        runs, tries = PUBLISHED["runs"], PUBLISHED["task_runs"]
        other = tuple(Column(each.name, "VARCHAR", "") if each.name == "rows" else each for each in tries.columns)
        with monkeypatch.context() as patched:
            patched.setitem(PUBLISHED, "runs", replace(runs, columns=runs.columns[:-1]))
            patched.setitem(PUBLISHED, "task_runs", replace(tries, columns=other))
            publish(store.workspace, store.ledger)
            assert store.send().rows_sent["artists"] == 7
            equal(store)
        publish(store.workspace, store.ledger)
        assert store.send().mended == ["runs", "task_runs"]
        before = self.ledger_there(store)
        assert (store.send().rows_sent, self.ledger_there(store)) == ({}, before)
        held = published_here(store.workspace)
        store.collect("2026-11-22", artist("a3", name="Renamed now", followers={"total": 99}), artist("new"))
        half_a_script(store, monkeypatch)
        assert held_there(store.address) == held
        sending = store.send()
        assert (sending.whole, sending.rows_sent["artists"], sending.rows_sent["artist_snapshots"]) == ([], 2, 2)
        equal(store)
        purge_artist(store.workspace, store.ledger, "a1")
        store.send()
        held = held_there(store.address)
        assert [name for name, rows in held.items() if "'a1'" in repr(rows)] == []
        assert held == published_here(store.workspace)
        with open_warehouse("there", store.address) as warehouse:
            assert warehouse.columns()["artists"] == TYPES
            assert [name for name in warehouse.columns() if name.startswith("garimpo")] == ["garimpo_sent"]

    def test_dry_run_makes_no_dataset(self, store: Store) -> None:
        """A dry run finds no dataset, says what would be sent, and leaves none."""
        assert store.send(dry_run=True).rows_sent["artists"] == 7
        with open_warehouse("there", store.address) as warehouse:
            there = [each.dataset_id for each in warehouse.connection.list_datasets()]
        assert place_of(store.address).path not in there

    def test_unreachable_is_stated(self, store: Store, server: BigQuery) -> None:
        """Where nothing listens nothing is sent, and that is said."""
        store.address = store.address.replace(f":{server.port}", ":1")
        stated(store, StorageError, "failed. Once it is well, send again")

    def test_no_credentials_is_stated(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        """Credentials that are not there end as a setting to mend."""
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/key.json")
        store.address = "bigquery://garimpo/dataset"
        stated(store, SettingsError, "refuses us")


def half_a_script(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A publish whose script fails at its last statement, which is stated."""
    noted = Warehouse.remember

    def remember(warehouse: Warehouse, sent: Sent) -> None:
        noted(warehouse, sent)
        warehouse.execute("INSERT INTO nothing.nowhere VALUES (1)")

    with monkeypatch.context() as patched:
        patched.setattr(Warehouse, "remember", remember)
        stated(store, StorageError, "nothing was not found.* failed. Once it is well, send again")
