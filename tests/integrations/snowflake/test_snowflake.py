"""Snowflake's connector with fakesnow behind it: the tables are equal after anything that happens on either side."""

from __future__ import annotations

import pytest
import requests

from pipeline.errors import StorageError
from pipeline.integrations.warehouse_sql import place_of
from pipeline.integrations.warehouses import open_warehouse
from tests.integrations.stand_ins import Snowflake
from tests.integrations.warehouse_servers import Guarded
from tests.integrations.warehouse_shared import Alike, Store, equal, stated


class TestSnowflake(Alike, Guarded):
    """What all warehouses do that ask for a password."""

    serves = Snowflake

    @pytest.fixture
    def address(self, server: Snowflake, name: str) -> str:
        """A schema of its own, not made yet."""
        return server.address(name)

    @pytest.fixture(autouse=True)
    def _server(self, server: Snowflake) -> None:
        self.server = server

    def killed(self, store: Store, method: str, after: int = 1) -> int:
        """As for the others; then the session of the killed process is ended, as Snowflake does after five minutes."""
        code = super().killed(store, method, after)
        requests.delete(f"http://127.0.0.1:{self.server.port}/", timeout=10).raise_for_status()
        return code

    def test_types_are_snowflakes_own(self, store: Store) -> None:
        """The catalog shows Snowflake's types."""
        store.send()
        with open_warehouse("there", store.address) as warehouse:
            assert warehouse.columns()["artists"] == {
                "artist_id": "text", "artist_no": "number", "name": "text", "followers": "number",
                "popularity": "number", "genres": "text", "image_url": "text", "spotify_url": "text",
                "first_seen_on": "date", "last_seen_on": "date", "releases_checked_on": "date",
            }  # fmt: skip
            found = warehouse.rows('SELECT "genres" FROM "artists" WHERE "artist_id" = \'A1\'')
        assert found == [('["axé, o","mpb"]',)]

    def test_dry_run_makes_no_schema(self, store: Store) -> None:
        """A dry run finds no schema and leaves none, nor makes again what somebody removed from one."""
        named = f"SELECT schema_name FROM information_schema.schemata WHERE schema_name = '{schema_of(store)}'"
        assert store.send(dry_run=True).rows_sent["artists"] == 7
        with open_warehouse("there", store.address) as warehouse:
            assert warehouse.rows(named) == []
        store.send()
        store.change_there('DROP TABLE "garimpo_staged"')
        assert store.send(dry_run=True).rows_sent == {}
        with open_warehouse("there", store.address) as warehouse:
            assert warehouse.rows(named) == [(schema_of(store),)]
            assert "garimpo_staged" not in warehouse.columns()

    def test_staging_table_gone_is_made(self, store: Store) -> None:
        """The table for what is staged is made again when somebody removed it, and is empty after each publish."""
        store.send()
        store.send(full=True)
        store.change_there('DROP TABLE "garimpo_staged"')
        store.collect("2026-11-22", {"id": "new", "name": "New"})
        store.send()
        equal(store)
        with open_warehouse("there", store.address) as warehouse:
            assert warehouse.count("garimpo_staged") == 0

    def test_unreachable_is_stated(self, store: Store) -> None:
        """Where nothing listens nothing is sent, and that is said."""
        store.address = store.address.replace(f"port={self.server.port}", "port=1")
        stated(store, StorageError, "failed. Once it is well, send again")


def schema_of(store: Store) -> str:
    """The schema in a store's address, as Snowflake writes it."""
    return place_of(store.address).path.upper().partition("/")[2]
