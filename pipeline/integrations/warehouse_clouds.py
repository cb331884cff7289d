"""What warehouses in clouds share: rows as a Parquet file to be uploaded, changes gathered into one script."""

from __future__ import annotations

import tempfile
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import ClassVar
from uuid import uuid4

from pipeline.integrations.warehouse_sql import STAGED, Rows, Table, Warehouse

__all__ = ["Gathering", "InSchema", "parquet"]


@contextmanager
def parquet(rows: Rows) -> Iterator[Path]:
    """The rows as a Parquet file with a name that no other has; it goes at the end."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{uuid4().hex}.parquet"
        rows.write(path, "FORMAT parquet")
        yield path


class InSchema(Warehouse):
    """A warehouse whose connection stands in the schema: names need none before them."""

    def name(self, table: str) -> str:
        """A table's name, quoted."""
        return self.quoted(table)


class Gathering(Warehouse):
    """A warehouse whose transactions are one script: changes are gathered, and made by `commit`.

    Rows wait in tables beside, each of its own name, until then. How many rows a table will have is what was loaded for
    it, where that is all; else a rehearsal finds out: a script that ends without committing, and so undoes what it did.
    """

    passing: ClassVar[str] = ""  # what stands behind the columns of a table beside, so that it goes if we are killed

    def __init__(self) -> None:
        self.changes, self.beside, self.replaced = list[str](), list[str](), dict[str, int]()

    @abstractmethod
    def upload(self, name: str, rows: Rows) -> int:
        """Fill a table beside; how many rows it has by then."""

    def execute(self, sql: str) -> None:
        """Gather a change; nothing can be made in a transaction, so that is done now, after what was gathered."""
        if sql.startswith(("INSERT", "DELETE", "UPDATE")):
            self.changes.append(sql)
            self.replaced = {name: rows for name, rows in self.replaced.items() if self.name(name) not in sql}
        else:
            self.commit()
            self.rows(sql)

    def count(self, name: str) -> int:
        """Rows that a table will have."""
        if name in self.replaced:
            return self.replaced[name]
        script = [each for each in self.changes if self.name(name) in each]
        script = ["BEGIN TRANSACTION", *script] if script else []
        return int(self.rows(";\n".join([*script, f"SELECT count(*) FROM {self.name(name)}"]))[0][0])

    def replace(self, rows: Rows) -> None:
        """Make a table hold these rows and no others."""
        self.clear(rows.table.name)
        loaded = self._insert(rows.table.name, rows)
        self.replaced[rows.table.name] = loaded

    def commit(self) -> None:
        """Make the changes, all or none."""
        if self.changes:
            self.rows(";\n".join(["BEGIN TRANSACTION", *self.changes, "COMMIT TRANSACTION"]))
            self.changes.clear()
            self.replaced.clear()

    def name(self, table: str) -> str:
        """A table's full name, quoted; the staged rows are those staged last."""
        return super().name(self.beside[-1] if table == STAGED else table)

    def load(self, name: str, rows: Rows) -> None:
        """Append rows."""
        self._insert(name, rows)

    def _insert(self, name: str, rows: Rows) -> int:
        if not rows.count:
            return 0
        loaded = self._staged(rows)
        self.execute(self.insert_staged(replace(rows.table, name=name)))
        return loaded

    def stage(self, rows: Rows) -> None:
        """Put rows into a table beside, where they stay until the connection is closed."""
        self._staged(rows)

    def _staged(self, rows: Rows) -> int:
        self.beside.append(f"{STAGED}_{uuid4().hex}")
        columns = ", ".join(f"{name} {kind}" for name, kind in self.typed(rows.table).items())
        self.rows(f"CREATE TABLE {self.name(STAGED)} ({columns}) {self.passing}".strip())
        return self.upload(self.beside[-1], rows)

    def drop(self, name: str) -> None:
        """Remove a table, if it is there, but for staged rows: changes that are not made yet read them."""
        if name != STAGED:
            super().drop(name)

    def delete_staged(self, table: Table) -> None:
        """Remove the rows whose keys are staged."""
        self.execute(f"DELETE FROM {self.name(table.name)} t WHERE {self.is_staged(table, 't')}")
