"""BigQuery: `bigquery://project/dataset?location=EU`, with Google's default credentials; `endpoint=`: an emulator's.

Load jobs bring rows into tables beside, for a day at most; one script, which is one transaction, changes the tables.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from google.api_core.exceptions import GoogleAPIError, NotFound
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import GoogleAuthError
from google.cloud import bigquery

from pipeline.integrations.warehouse_clouds import Gathering, parquet
from pipeline.integrations.warehouse_sql import Rows, place_of

__all__ = ["ERRORS", "open_warehouse"]

ERRORS = (GoogleAPIError, GoogleAuthError)
TYPES = dict.fromkeys(("BIGINT", "INTEGER", "SMALLINT"), "INT64") | dict.fromkeys(("VARCHAR", "VARCHAR[]"), "STRING")
TYPES |= {"BOOLEAN": "BOOL", "DOUBLE": "FLOAT64", "TIMESTAMP": "DATETIME"}
RETRY = bigquery.DEFAULT_RETRY.with_timeout(60)  # seconds; by itself it tries for ten minutes
A_DAY = "OPTIONS (expiration_timestamp = TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL 1 DAY))"
PARQUET = bigquery.LoadJobConfig(source_format="PARQUET")


class _BigQuery(Gathering):
    types, quote, key, passing = TYPES, "`", "PRIMARY KEY ({}) NOT ENFORCED", A_DAY

    def __init__(self, address: str) -> None:
        super().__init__()
        place = place_of(address)
        options: dict[str, Any] = {**place.options}
        if endpoint := options.pop("endpoint", ""):
            options |= {"credentials": AnonymousCredentials(), "client_options": {"api_endpoint": endpoint}}
        self.schema, self.connection = place.path, bigquery.Client(place.host, **options)

    def prepare(self) -> None:
        self.connection.create_dataset(self.schema, exists_ok=True, retry=RETRY)

    def columns(self) -> dict[str, dict[str, str]]:
        try:
            self.connection.get_dataset(self.schema, retry=RETRY)
        except NotFound:
            return {}
        return super().columns()

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        sql = sql.replace("FROM information_schema.", f"FROM {self.quoted(self.schema)}.INFORMATION_SCHEMA.")
        return [tuple(row.values()) for row in self.connection.query_and_wait(sql, retry=RETRY)]

    def upload(self, name: str, rows: Rows) -> int:
        with parquet(rows) as path, path.open("rb") as file:
            job = self.connection.load_table_from_file(file, f"{self.schema}.{name}", job_config=PARQUET)
            return int(job.result(retry=RETRY).output_rows)

    def close(self) -> None:
        with suppress(*ERRORS, OSError):  # they go by themselves, in a day
            for each in self.beside:
                self.connection.delete_table(f"{self.schema}.{each}", retry=None)
        self.connection.close()


open_warehouse = _BigQuery
