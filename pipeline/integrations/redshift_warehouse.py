"""Redshift: `redshift://user:password@host:5439/database?schema=garimpo`; other options are libpq's.

With `s3=s3://bucket/folder` and `iam_role=arn:…` rows go by S3 and COPY, else by INSERT; all in one transaction.
"""

from __future__ import annotations

from typing import Any

import psycopg2
from psycopg2.extras import execute_values
from pyarrow import fs

from pipeline.integrations.warehouse_clouds import InSchema, parquet
from pipeline.integrations.warehouse_sql import Rows, place_of

__all__ = ["ERRORS", "open_warehouse"]

ERRORS = (psycopg2.Error,)
LONGEST = "VARCHAR(65535)"  # bytes; TEXT would be 256 of them
TYPES = {"VARCHAR": LONGEST, "VARCHAR[]": LONGEST, "DOUBLE": "DOUBLE PRECISION"}
CATALOG = {"varchar": "character varying", "timestamp": "timestamp without time zone", "double": "double precision"}
AT_ONCE = 5_000  # rows of an INSERT, whose text may have 16 MB
DEFAULTS = {"schema": "garimpo", "s3": "", "iam_role": "", "sslmode": "require", "connect_timeout": "30"}


class _Redshift(InSchema):
    types, catalog, staged_kind = TYPES, CATALOG, "TEMP"

    def __init__(self, address: str) -> None:
        place = place_of(address)
        options: dict[str, Any] = {**DEFAULTS, **place.options, "host": place.host, "port": place.port or 5439}
        self.schema, self.s3, self.role = (options.pop(each) for each in ("schema", "s3", "iam_role"))
        self.connection = psycopg2.connect(user=place.user, password=place.password, dbname=place.path, **options)
        self.execute(f"CREATE SCHEMA IF NOT EXISTS {self.quoted(self.schema)}")
        self.execute(f"SET search_path TO {self.quoted(self.schema)}")

    def load(self, name: str, rows: Rows) -> None:
        into = f"{self.name(name)} ({self.listed(rows.table.column_names())})"
        if self.s3:
            return self._copy(into, rows)
        with self.connection.cursor() as cursor:
            for batch in rows.reader():
                values = zip(*(column.to_pylist() for column in batch.columns), strict=True)
                execute_values(cursor, f"INSERT INTO {into} VALUES %s", values, page_size=AT_ONCE)
        return None

    def _copy(self, into: str, rows: Rows) -> None:
        with parquet(rows) as path:
            there, folder = fs.FileSystem.from_uri(self.s3)
            fs.copy_files(str(path), place := f"{folder}/{path.name}", destination_filesystem=there)
            self.execute(f"COPY {into} FROM 's3://{place}' IAM_ROLE '{self.role}' FORMAT AS PARQUET")
            there.delete_file(place)


open_warehouse = _Redshift
