"""A DuckDB file as a warehouse: what all warehouses share is tried against it where there is no server."""

from __future__ import annotations

import sys
from typing import Any
from urllib.parse import urlsplit

import duckdb

from pipeline import setting_types
from pipeline.integrations import warehouses
from pipeline.integrations.warehouse_sql import Rows, Table, Warehouse

__all__ = ["ERRORS", "open_warehouse", "register"]

ERRORS = (duckdb.Error,)


class _DuckDb(Warehouse):
    """One transaction of one connection; tables have no key here, so that columns of theirs can be dropped."""

    keeps_lists, schema = True, "garimpo"

    def __init__(self, address: str) -> None:
        self.connection = duckdb.connect(urlsplit(address).path, config={"threads": 1})
        self.execute("BEGIN")

    def prepare(self) -> None:
        self.execute("CREATE SCHEMA IF NOT EXISTS garimpo")
        self.execute("COMMIT")  # as in the clouds: it stays, whatever becomes of the rest
        self.execute("BEGIN")

    def execute(self, sql: str) -> None:
        self.connection.execute(sql)  # a cursor would be a connection of its own

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = self.connection.execute(sql).fetchall()
        return found

    def create(self, table: Table) -> None:
        columns = ", ".join(f"{self.quoted(each.name)} {self.type_of(each, table)}" for each in table.columns)
        self.execute(f"CREATE TABLE {self.name(table.name)} ({columns})")

    def load(self, name: str, rows: Rows) -> None:
        reader = rows.reader()
        self.connection.register("arriving", reader)
        self.execute(f"INSERT INTO {self.name(name)} FROM arriving")
        self.connection.unregister("arriving")

    def commit(self) -> None:
        self.execute("COMMIT")


open_warehouse = _DuckDb


def register() -> None:
    """Make `duckdb:///path` an address of a warehouse, in this process."""
    sys.modules["pipeline.integrations.duckdb_warehouse"] = sys.modules[__name__]
    warehouses.MODULES["duckdb"] = ("duckdb_warehouse", "dev")
    if "duckdb" not in setting_types.WAREHOUSES:
        setting_types.WAREHOUSES += ("duckdb",)
