"""PostgreSQL: `postgresql://user:password@host:port/database?schema=garimpo`; other parameters are libpq's.

Arrow goes in by COPY (ADBC), all of it in one transaction. Keys are compared as bytes: exact, and quicker.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode

from adbc_driver_postgresql import dbapi

from pipeline.integrations.warehouse_sql import STAGED, Rows, Table, Warehouse, place_of

__all__ = ["ERRORS", "open_warehouse"]

ERRORS = (dbapi.Error,)
KEY_TYPES = {"VARCHAR": 'TEXT COLLATE "C"'}
TYPES = {"VARCHAR": "TEXT", "VARCHAR[]": "TEXT[]", "DOUBLE": "DOUBLE PRECISION"}
CATALOG = {"text[]": "array", "timestamp": "timestamp without time zone", "double": "double precision"}
LARGE = 0.3  # of a table's rows: from there on it is filled anew, not row by row (docs/decisions/0036)


class _Postgres(Warehouse):
    types, key_types, catalog, staged_kind, keeps_lists = TYPES, KEY_TYPES, CATALOG, "UNLOGGED", True

    def __init__(self, address: str) -> None:
        options = place_of(address).options
        self.schema = options.pop("schema", "garimpo")
        self.connection = dbapi.connect(f"{address.partition('?')[0]}?{urlencode(options)}")
        self.rows(f"SELECT pg_advisory_xact_lock(hashtext('garimpo.{self.schema}'))::text")  # one at a time
        if not self.rows(f"SELECT 1 FROM pg_namespace WHERE nspname = '{self.schema}'"):
            self.execute(f"CREATE SCHEMA {self.quoted(self.schema)}")

    def load(self, name: str, rows: Rows) -> None:
        with self.connection.cursor() as cursor:
            cursor.adbc_ingest(name, rows.reader(), mode="append", db_schema_name=self.schema)

    def replace(self, rows: Rows) -> None:
        self._fill(rows.table, lambda: self.load(rows.table.name, rows))

    def merge(self, rows: Rows) -> None:
        table, listed = rows.table, self.listed(rows.table.column_names())
        if rows.count <= LARGE * self.count(table.name):
            return super().merge(rows)
        self.stage(rows)
        kept = f"SELECT {listed} FROM {self.name(table.name)} t WHERE NOT {self.is_staged(table, 't')}"
        self.execute(f"INSERT INTO {self.name(STAGED)} ({listed}) {kept}")
        self._fill(table, lambda: self.execute(self.insert_staged(table)))
        return self.drop(STAGED)

    def _fill(self, table: Table, fill: Callable[[], None]) -> None:
        alter, key = f"ALTER TABLE {self.name(table.name)}", f'"{table.name}_pkey"'
        self.execute(f"TRUNCATE {self.name(table.name)}")
        self.execute(f"{alter} DROP CONSTRAINT IF EXISTS {key}")
        fill()
        self.execute(f"{alter} ADD CONSTRAINT {key} PRIMARY KEY ({self.listed(table.key)})")


open_warehouse = _Postgres
