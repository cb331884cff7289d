"""What can be tried of Redshift without it: its elder, PostgreSQL, takes what we send; rs-mock and moto take COPY."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from typing import ClassVar
from urllib.parse import quote

import psycopg2
import pytest
import rs_mock
from pyarrow import fs

from pipeline.errors import StorageError
from pipeline.records.ledger import Ledger
from pipeline.workspace import Workspace
from tests.integrations.databases import Postgres
from tests.integrations.stand_ins import S3
from tests.integrations.warehouse_servers import Crashing, Guarded
from tests.integrations.warehouse_shared import ODD_NAMES, SECRET, Alike, Store, held_there, published_here, stated
from tests.payloads import artist


class Elder(Postgres):
    """PostgreSQL under Redshift's scheme."""

    @property
    def redshift(self) -> str:
        """Its address for the adapter."""
        return self.address.replace("postgresql://", "redshift://")


class TestElder(Alike, Guarded, Crashing):
    """What all warehouses do, and servers."""

    serves = Elder
    crash = signal.SIGQUIT

    @pytest.fixture
    def address(self, server: Elder, name: str) -> str:
        """A schema of its own, not made yet."""
        return f"{server.redshift}?schema={name}&sslmode=disable"

    def test_types_are_redshifts(self, store: Store, server: Elder) -> None:
        """Texts have the longest type of Redshift, lists are JSON, keys are declared."""
        store.send()
        schema = store.address.partition("schema=")[2].partition("&")[0]
        columns = "attname, format_type(atttypid, atttypmod), attnotnull"
        where = f"attrelid = '{schema}.artists'::regclass AND attnum > 0"
        text = "character varying(65535)"
        assert server.ask(f"SELECT {columns} FROM pg_attribute WHERE {where}").splitlines() == [
            f"artist_id|{text}|t", "artist_no|integer|f", f"name|{text}|f", "followers|bigint|f",
            "popularity|smallint|f", f"genres|{text}|f", f"image_url|{text}|f", f"spotify_url|{text}|f",
            "first_seen_on|date|f", "last_seen_on|date|f", "releases_checked_on|date|f",
        ]  # fmt: skip
        assert server.ask(f"SELECT genres FROM {schema}.artists WHERE artist_id = 'A1'").strip() == '["axé, o","mpb"]'

    def test_encryption_is_asked_for(self, store: Store) -> None:
        """Unless the address says otherwise a server without TLS is not spoken to."""
        store.address = store.address.replace("&sslmode=disable", "")
        stated(store, StorageError, "SSL")


class Cursor(rs_mock.Cursor):
    """As psycopg2 has it; notes what is said."""

    said: ClassVar[list[str]] = []

    def execute(self, sql: str) -> None:
        """Carry out a statement."""
        self.said.append(sql)
        super().execute(sql)

    def close(self) -> None:
        """Nothing is held."""


class Mock(rs_mock.Connection):
    """rs-mock: statements are read as Redshift's by sqlglot and carried out by DuckDB; it stays when we close it."""

    def cursor(self) -> Cursor:
        """A cursor on the one database."""
        return Cursor(self._mock)

    def close(self) -> None:
        """The next connection finds what this one left."""


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An empty bucket, as an address with all that pyarrow wants to know."""
    server = S3()
    place = f"127.0.0.1:{server.port}"
    secrets = {"AWS_ACCESS_KEY_ID": "us", "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_DEFAULT_REGION": "us-east-1"}
    for name, value in (secrets | {"AWS_ENDPOINT_URL": f"http://{place}"}).items():
        monkeypatch.setenv(name, value)
    fs.S3FileSystem(endpoint_override=place, scheme="http", allow_bucket_creation=True).create_dir("bucket")
    yield f"s3://bucket/folder?scheme=http&endpoint_override={quote(place)}&region=us-east-1"
    server.close()


def test_copy_brings_every_row(
    workspace: Workspace, ledger: Ledger, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a bucket rows go by Parquet there and COPY: first, and what is new; nothing stays in it."""
    mock = Mock()
    monkeypatch.setattr(psycopg2, "connect", lambda **_: mock)
    address = f"redshift://us:{SECRET}@cluster/garimpo?schema=main&iam_role=arn:role&s3={quote(bucket, safe='')}"
    store = Store(workspace, ledger, address)
    store.collect("2026-11-20", *(artist(f"a{n}", name=name) for n, name in enumerate(ODD_NAMES)))
    store.send()
    store.collect("2026-11-21", artist("a1", name="Renamed now"), artist("new"))
    store.send()
    assert held_there(address) == published_here(workspace)
    copied = [sql for sql in Cursor.said if sql.startswith("COPY")]
    assert re.fullmatch(r"""COPY "\w+" \([\w", ]+\) FROM 's3://bucket/folder/\w+.parquet' """
                        "IAM_ROLE 'arn:role' FORMAT AS PARQUET", copied[0])  # fmt: skip
    assert not any("INSERT INTO" in sql and "VALUES" in sql and "garimpo_sent" not in sql for sql in Cursor.said)
    found = fs.FileSystem.from_uri(bucket)[0].get_file_info(fs.FileSelector("bucket", recursive=True))
    assert [each.path for each in found if each.is_file] == []
