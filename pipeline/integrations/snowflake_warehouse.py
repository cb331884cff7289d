"""Snowflake: `snowflake://user:password@account/database/schema?warehouse=NAME&role=NAME`; options are the connector's.

Rows go in as Parquet by a stage of the session, all in one transaction. What is staged stands as VARIANT in a table
that is made before it and stays: making one ends a transaction there.
"""

from __future__ import annotations

from contextlib import suppress

from snowflake import connector

from pipeline.integrations.warehouse_clouds import InSchema, parquet
from pipeline.integrations.warehouse_sql import STAGED, Rows, Table, place_of

__all__ = ["ERRORS", "open_warehouse"]

ERRORS = (connector.Error,)
TYPES = {"VARCHAR[]": "VARCHAR", "TIMESTAMP": "TIMESTAMP_NTZ"}
CATALOG = {"varchar": "text", "bigint": "number", "integer": "number", "smallint": "number", "double": "float"}
WAITS = {"login_timeout": 30, "network_timeout": 600}  # seconds; by itself it waits for five minutes, and for ever
PARQUET = "FILE_FORMAT = (TYPE = PARQUET USE_LOGICAL_TYPE = TRUE NULL_IF = ())"  # by itself it takes \N for no value


class _Snowflake(InSchema):
    types, catalog = TYPES, CATALOG

    def __init__(self, address: str) -> None:
        place = place_of(address)
        database, _, self.schema = place.path.upper().partition("/")
        options = {**WAITS, **place.options, "account": place.host, "user": place.user, "password": place.password}
        self.connection = connector.connect(database=database, autocommit=False, **options)
        with suppress(connector.ProgrammingError):  # it is not there before the first publish
            self._enter()

    def prepare(self) -> None:
        self.execute(f"CREATE SCHEMA IF NOT EXISTS {self.quoted(self.schema)}")
        self._enter()
        self.execute(f"CREATE TEMPORARY STAGE IF NOT EXISTS {STAGED}")
        self.execute(f'CREATE TRANSIENT TABLE IF NOT EXISTS {self.name(STAGED)} ("row" VARIANT)')

    def _enter(self) -> None:
        self.execute(f"USE SCHEMA {self.quoted(self.schema)}")

    def load(self, name: str, rows: Rows) -> None:
        values = ", ".join(f"$1:{column}::{kind}" for column, kind in self.typed(rows.table).items())
        self._copy(f"{self.name(name)} ({', '.join(self.typed(rows.table))})", f"(SELECT {values} FROM {{}})", rows)

    def stage(self, rows: Rows) -> None:
        self._copy(self.name(STAGED), "{}", rows)

    def _copy(self, into: str, source: str, rows: Rows) -> None:
        with parquet(rows) as path:
            self.execute(f"PUT 'file://{path.as_posix()}' @{STAGED} AUTO_COMPRESS = FALSE")
            self.execute(f"COPY INTO {into} FROM {source.format(f'@{STAGED}/{path.name}')} {PARQUET}")

    def staged(self, name: str, table: Table) -> str:
        return f's."row":{self.quoted(name)}::{self.typed(table)[self.quoted(name)]}'

    def drop(self, name: str) -> None:
        return self.clear(name) if name == STAGED else super().drop(name)


open_warehouse = _Snowflake
