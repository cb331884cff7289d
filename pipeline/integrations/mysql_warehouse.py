"""MariaDB and MySQL: `mysql://user:password@host:port/database`; the server must have `local_infile` on.

Rows go in as one file per table, in one transaction; making a table is outside of it, as these systems have it. Texts
are compared as bytes; one too long for its key is refused, not cut.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import pymysql

from pipeline.integrations.warehouse_sql import STAGED, Column, Rows, Table, Warehouse, place_of

__all__ = ["ERRORS", "open_warehouse"]

ERRORS, CATALOG = (pymysql.Error,), {"boolean": "tinyint", "integer": "int"}
TYPES = {"VARCHAR": "LONGTEXT", "VARCHAR[]": "LONGTEXT", "TIMESTAMP": "DATETIME(6)"}
LONGEST_KEY = 750  # letters, of four bytes each, in an index: of all texts in it together
WRITTEN = "FORMAT csv, HEADER false, NULLSTR 'NULL', QUOTE '\"', ESCAPE '\"'"
READ = "CHARACTER SET utf8mb4 FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '\"' ESCAPED BY ''"


class _MySql(Warehouse):
    types, catalog, quote, staged_kind = TYPES, CATALOG, "`", "TEMPORARY"

    def __init__(self, address: str) -> None:
        place = place_of(address)
        self.schema, self.connection = place.path, pymysql.connect(
            host=place.host, port=place.port or 3306, user=place.user, password=place.password, database=place.path,
            local_infile=True, charset="utf8mb4", **place.options)  # fmt: skip
        version, _ = self.rows(f"SELECT version(), GET_LOCK('garimpo.{self.schema}', 60)")[0]  # one at a time
        self.options = f"CHARACTER SET utf8mb4 COLLATE utf8mb4_{'nopad' if 'Maria' in version else '0900'}_bin"

    def type_of(self, column: Column, table: Table) -> str:
        texts = [each for each in table.columns if each.name in table.key and each.type == "VARCHAR"]
        return f"VARCHAR({LONGEST_KEY // len(texts)})" if column in texts else super().type_of(column, table)

    def load(self, name: str, rows: Rows, how: str = "") -> None:
        flags = [each.name for each in rows.table.columns if each.type == "BOOLEAN"]
        listed = ", ".join(f"@{each}" if each in flags else f"`{each}`" for each in rows.table.column_names())
        read = " SET " + ", ".join(f"`{each}` = @{each} = 'true'" for each in flags) if flags else ""
        with tempfile.TemporaryDirectory() as folder:
            rows.write(path := Path(folder) / "rows.csv", WRITTEN)
            into = f"{how} INTO TABLE {self.name(name)} {READ} ({listed})"
            self.execute(f"LOAD DATA LOCAL INFILE '{path.as_posix()}' {into}{read}")
        if wrong := self.rows("SHOW WARNINGS"):  # LOCAL cuts what does not fit, and only warns
            raise pymysql.DataError(*wrong[0][1:])

    def merge(self, rows: Rows) -> None:
        self.load(rows.table.name, rows, "REPLACE")

    def delete_staged(self, table: Table) -> None:
        joined = f"{self.name(table.name)} t JOIN {self.name(STAGED)} s USING ({self.listed(table.key)})"
        self.execute(f"DELETE t FROM {joined}")


open_warehouse = _MySql
