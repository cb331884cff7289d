"""PostgreSQL as Debian has it: the tables are equal after anything that happens on either side."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from pipeline.errors import StorageError
from tests.integrations.databases import Postgres, small_disk
from tests.integrations.warehouse_servers import Crashing, Guarded, outgrows
from tests.integrations.warehouse_shared import Alike, Store, equal, price, stated


class TestPostgres(Alike, Guarded, Crashing):
    """What all warehouses do, and servers."""

    serves = Postgres
    crash = signal.SIGQUIT

    @pytest.fixture
    def address(self, server: Postgres, name: str) -> str:
        """A schema of its own, not made yet."""
        return f"{server.address}?schema={name}"

    def test_types_are_postgres_own(self, store: Store, server: Postgres) -> None:
        """The catalog shows PostgreSQL's types: lists as arrays, ids compared as bytes, days as dates, a key."""
        store.send()
        schema = store.address.partition("=")[2]
        columns = "attname, format_type(atttypid, atttypmod), attcollation::regcollation"
        where = f"attrelid = '{schema}.artists'::regclass AND attnum > 0"
        assert server.ask(f"SELECT {columns} FROM pg_attribute WHERE {where}").split() == [
            'artist_id|text|"C"', "artist_no|integer|-", 'name|text|"default"', "followers|bigint|-",
            "popularity|smallint|-", 'genres|text[]|"default"', 'image_url|text|"default"',
            'spotify_url|text|"default"', "first_seen_on|date|-", "last_seen_on|date|-", "releases_checked_on|date|-",
        ]  # fmt: skip
        assert server.ask(f"SELECT genres FROM {schema}.artists WHERE artist_id = 'A1'").strip() == '{"axé, o",mpb}'
        keys = server.ask(
            f"SELECT count(*) FROM pg_constraint WHERE contype = 'p' AND connamespace = '{schema}'::regnamespace"
        )
        assert int(keys) == 17

    def test_type_changed_there(self, store: Store, server: Postgres) -> None:
        """A column whose type somebody changed there has ours again; so has a table without its key."""
        store.send()
        schema = store.address.partition("=")[2]
        server.ask(f"ALTER TABLE {schema}.artists ALTER followers TYPE text; ALTER TABLE {schema}.tracks ADD mine int;"
                   f"ALTER TABLE {schema}.releases DROP CONSTRAINT releases_pkey")  # fmt: skip
        assert sorted(store.send().mended) == ["artists", "tracks"]
        equal(store)

    def test_view_of_somebody_stays(self, store: Store, server: Postgres) -> None:
        """A view on our tables outlives news and a full publish; where it forbids mending, that is stated."""
        store.send()
        schema = store.address.partition("=")[2]
        server.ask(f"CREATE VIEW {schema}.mine AS SELECT artist_id, followers FROM {schema}.artists")
        store.send(full=True)
        assert int(server.ask(f"SELECT count(*) FROM {schema}.mine")) == 7
        server.ask(f"ALTER TABLE {schema}.artists ADD other int")
        stated(store, StorageError, "cannot drop table .*artists because other objects depend on it")
        assert int(server.ask(f"SELECT count(*) FROM {schema}.mine")) == 7

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a small disk")
    def test_full_disk_is_stated(self, store: Store, server: Postgres) -> None:
        """A full disk there is said to be one; what was there stays, and with more space the next time all is there."""
        place = server.folder / "small"
        place.mkdir()
        with small_disk(server, place, 14) as make_room:
            (place / "data").mkdir()
            server.own(place / "data")
            server.ask(f"CREATE TABLESPACE small LOCATION '{place / 'data'}'")
            server.ask("CREATE DATABASE small TABLESPACE small")
            store.address = store.address.replace("/postgres?", "/small?")
            outgrows(store, make_room)
            server.ask("DROP DATABASE small")
            server.ask("DROP TABLESPACE small")

    def test_price_of_a_million(self, store: Store, server: Postgres) -> None:
        """What a million snapshots cost: first, every row again, nothing new; beside COPY by psql."""

        def copied(path: Path) -> None:
            columns = "artist_id text, observed_on date, followers bigint, popularity smallint"
            server.ask(f"CREATE TABLE copied ({columns}, PRIMARY KEY (artist_id, observed_on));\n"
                       f"\\copy copied FROM '{path}' (FORMAT csv)")  # fmt: skip

        price(store, copied)
