"""MariaDB as Debian has it: the tables are equal after anything that happens on either side."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipeline.errors import StorageError
from tests.integrations.databases import MariaDb, small_disk
from tests.integrations.warehouse_servers import Crashing, Guarded, outgrows
from tests.integrations.warehouse_shared import Alike, Store, equal, held_there, price, stated


class TestMariaDb(Alike, Guarded, Crashing):
    """What all warehouses do, and servers."""

    serves = MariaDb
    away = "Can.t connect"

    @pytest.fixture
    def address(self, server: MariaDb, name: str) -> str:
        """A database of its own, empty."""
        server.ask(f"CREATE DATABASE {name}")
        return f"{server.address}/{name}"

    def test_types_are_its_own(self, store: Store, server: MariaDb) -> None:
        """The catalog shows MariaDB's types: lists as JSON text, texts compared as bytes, days as dates, a key."""
        store.send()
        schema = store.address.rpartition("/")[2]
        columns = "column_name, column_type, coalesce(collation_name, '-')"
        where = f"table_schema = '{schema}' AND table_name = 'artists' ORDER BY ordinal_position"
        told = server.ask(f"SELECT {columns} FROM information_schema.columns WHERE {where}")
        assert [tuple(row.split("\t")) for row in told.splitlines()] == [
            ("artist_id", "varchar(750)", "utf8mb4_nopad_bin"), ("artist_no", "int(11)", "-"),
            ("name", "longtext", "utf8mb4_nopad_bin"), ("followers", "bigint(20)", "-"),
            ("popularity", "smallint(6)", "-"), ("genres", "longtext", "utf8mb4_nopad_bin"),
            ("image_url", "longtext", "utf8mb4_nopad_bin"), ("spotify_url", "longtext", "utf8mb4_nopad_bin"),
            ("first_seen_on", "date", "-"), ("last_seen_on", "date", "-"), ("releases_checked_on", "date", "-"),
        ]  # fmt: skip
        assert server.ask(f"SELECT genres FROM {schema}.artists WHERE artist_id = 'A1'").strip() == '["axé, o","mpb"]'
        keys = f"SELECT count(*) FROM information_schema.table_constraints WHERE table_schema = '{schema}'"
        assert int(server.ask(keys)) == 17

    def test_type_changed_there(self, store: Store, server: MariaDb) -> None:
        """A column whose type somebody changed there has ours again; so has a table with one more column."""
        store.send()
        schema = store.address.rpartition("/")[2]
        server.ask(f"ALTER TABLE {schema}.artists MODIFY followers text; ALTER TABLE {schema}.tracks ADD mine int;")
        assert sorted(store.send().mended) == ["artists", "tracks"]
        equal(store)

    def test_too_long_is_refused(self, store: Store) -> None:
        """A word too long for its key is not cut: nothing is sent, and that is said."""
        store.send()
        before = held_there(store.address)
        store.collect("2026-11-22", {"id": "new", "name": "x" * 751})
        stated(store, StorageError, "Data too long for column 'token'")
        assert held_there(store.address) == before

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a small disk")
    def test_full_disk_is_stated(self, store: Store, server: MariaDb) -> None:
        """A full disk there is said to be one; what was there stays, and with more space the next time all is there."""
        server.ask("CREATE DATABASE small")
        with small_disk(server, server.folder / "data" / "small", 6) as make_room:
            store.address = f"{server.address}/small"
            outgrows(store, make_room)

    def test_price_of_a_million(self, store: Store, server: MariaDb) -> None:
        """What a million snapshots cost: first, every row again, nothing new; beside LOAD DATA by its own client."""

        def loaded(path: Path) -> None:
            columns = "artist_id varchar(750), observed_on date, followers bigint, popularity smallint"
            server.ask(f"CREATE DATABASE beside CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin; USE beside;"
                       f"CREATE TABLE loaded ({columns}, PRIMARY KEY (artist_id, observed_on));"
                       f"LOAD DATA LOCAL INFILE '{path}' INTO TABLE loaded FIELDS TERMINATED BY ','")  # fmt: skip

        price(store, loaded)
