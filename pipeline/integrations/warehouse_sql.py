"""A warehouse as SQL that most databases understand; each one's file says how it differs.

A file has `open_warehouse(address) -> Warehouse`, a connection in which a transaction has begun, as far as its system
has any, and `ERRORS`, what its driver raises. What a system does better, or otherwise, it overrides.
"""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import parse_qsl, unquote, urlsplit

from pipeline.integrations.warehouse_news import Rows, Sent, Span
from pipeline.schema import Column, Table

__all__ = ["LEDGER", "STAGED", "Column", "Place", "Rows", "Sent", "Table", "Warehouse", "place_of"]

# One row for each time that something was sent here; the last one says what is here.
LEDGER = Table(
    "garimpo_sent",
    ("number",),
    "a publish to this warehouse",
    "",
    (
        Column("number", "BIGINT", "from 1"),
        Column("sent_at", "TIMESTAMP", "UTC"),
        Column("workspace", "VARCHAR", "whose rows these are"),
        Column("generation", "VARCHAR", "the published database"),
        Column("applied_seq", "BIGINT", "the last part in it"),
        Column("rows_sent", "BIGINT", "rows new or changed"),
        Column("rows_removed", "BIGINT", "rows that are there no more"),
        Column("state", "VARCHAR", "JSON for the next time; empty: begin anew"),
    ),
)
STAGED = "garimpo_staged"


@dataclass(frozen=True)
class Place:
    """The parts of an address, decoded; `path` has no leading slash, `options` are those behind the question mark."""

    user: str
    password: str
    host: str
    port: int | None
    path: str
    options: dict[str, str]


def place_of(address: str) -> Place:
    """An address in parts."""
    parts = urlsplit(address)
    user, password, path = (unquote(text or "") for text in (parts.username, parts.password, parts.path[1:]))
    return Place(user, password, parts.hostname or "", parts.port, path, dict(parse_qsl(parts.query)))


class Warehouse(ABC):
    """One connection, of Python's DB-API. Names are quoted by `quote`, tables stand in `schema`.

    `types`: its types for ours, where the name differs (`key_types`: in a key); without `keeps_lists` a column of type
    `VARCHAR[]` is a text that holds JSON. `catalog`: types that the catalog calls otherwise.
    """

    schema: str
    connection: Any
    types: ClassVar[Mapping[str, str]] = {}
    key_types: ClassVar[Mapping[str, str]] = {}
    catalog: ClassVar[Mapping[str, str]] = {}
    keeps_lists: ClassVar[bool] = False
    quote: ClassVar[str] = '"'
    key: ClassVar[str] = "PRIMARY KEY ({})"
    options: str = ""  # what stands behind the columns of a new table
    staged_kind: ClassVar[str] = ""  # of the table for what is staged: TEMPORARY, say

    @abstractmethod
    def load(self, name: str, rows: Rows) -> None:
        """Append rows to a table that has their columns, as fast as the system can."""

    def execute(self, sql: str) -> None:
        """Carry out one statement."""
        with closing(self.connection.cursor()) as cursor:
            cursor.execute(sql)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a SELECT."""
        with closing(self.connection.cursor()) as cursor:
            cursor.execute(sql)
            return [tuple(row) for row in cursor.fetchall()]

    def prepare(self) -> None:  # noqa: B027  most have nothing to make
        """Make what has to be there before the first change and does not go with it: nothing, where it is undone."""

    def commit(self) -> None:
        """Make what was done since the connection was opened last, all at once where the system can."""
        self.connection.commit()

    def close(self) -> None:
        """Let go of it; what was not committed is undone where the system can."""
        self.connection.close()

    def type_of(self, column: Column, table: Table) -> str:
        """Its type of a column."""
        own = self.types.get(column.type, column.type)
        return self.key_types.get(column.type, own) if column.name in table.key else own

    def typed(self, table: Table) -> dict[str, str]:
        """Columns, quoted, with its types of them."""
        return {self.quoted(each.name): self.type_of(each, table) for each in table.columns}

    def name(self, table: str) -> str:
        """A table's full name, quoted."""
        return f"{self.quoted(self.schema)}.{self.quoted(table)}"

    def quoted(self, name: str) -> str:
        """A name, quoted."""
        return f"{self.quote}{name}{self.quote}"

    def columns(self) -> dict[str, dict[str, str]]:
        """Of each table in the schema its columns in order, with their types as the catalog says them."""
        found: dict[str, dict[str, str]] = {}
        query = (
            "SELECT table_name, column_name, data_type FROM information_schema.columns "
            f"WHERE table_schema = '{self.schema}' ORDER BY table_name, ordinal_position"
        )
        for table, column, kind in self.rows(query):
            found.setdefault(table, {})[column] = str(kind).lower()
        return found

    def expected(self, table: Table) -> dict[str, str]:
        """What `columns` says of a table that is ours."""
        plain = {each.name: re.split(r"[ (]", self.type_of(each, table).lower())[0] for each in table.columns}
        return {name: self.catalog.get(kind, kind) for name, kind in plain.items()}

    def create(self, table: Table) -> None:
        """Make a table that is not there; one for what is staged has no key."""
        keys = [self.quoted(key) for key in table.key]
        columns = [f"{name} {kind}{' NOT NULL' * (name in keys)}" for name, kind in self.typed(table).items()]
        kind = f"{self.staged_kind} TABLE".strip() if table.name == STAGED else "TABLE"
        key = [] if table.name == STAGED else [self.key.format(self.listed(table.key))]
        self.execute(f"CREATE {kind} {self.name(table.name)} ({', '.join([*columns, *key])}) {self.options}".strip())

    def add_column(self, table: Table, column: Column) -> None:
        """Add a column that a table lacks."""
        added = f"{self.quoted(column.name)} {self.type_of(column, table)}"
        self.execute(f"ALTER TABLE {self.name(table.name)} ADD COLUMN {added}")

    def drop(self, name: str) -> None:
        """Remove a table, if it is there."""
        kind = "TEMPORARY TABLE" if name == STAGED and self.staged_kind == "TEMPORARY" else "TABLE"
        self.execute(f"DROP {kind} IF EXISTS {self.name(name)}")

    def count(self, name: str) -> int:
        """Rows of a table."""
        return int(self.rows(f"SELECT count(*) FROM {self.name(name)}")[0][0])

    def clear(self, name: str, span: Span | None = None) -> None:
        """Remove the rows of a span of days (from the first, before the second), or all."""
        day, condition = self.quoted("observed_on"), "1 = 1"
        if span is not None:
            condition = f"{day} >= DATE '{span[0]}' AND {day} < DATE '{span[1]}'"
        self.execute(f"DELETE FROM {self.name(name)} WHERE {condition}")

    def replace(self, rows: Rows) -> None:
        """Make a table hold these rows and no others."""
        self.clear(rows.table.name)
        self.load(rows.table.name, rows)

    def merge(self, rows: Rows) -> None:
        """Insert rows, or put them in the place of those that have their keys."""
        self.stage(rows)
        self.delete_staged(rows.table)
        self.execute(self.insert_staged(rows.table))
        self.drop(STAGED)

    def remove(self, keys: Rows) -> None:
        """Remove the rows of these keys."""
        self.stage(keys)
        self.delete_staged(keys.table)
        self.drop(STAGED)

    def stage(self, rows: Rows) -> None:
        """Put rows into a table beside, `garimpo_staged`."""
        self.drop(STAGED)
        self.create(replace(rows.table, name=STAGED))
        self.load(STAGED, rows)

    def delete_staged(self, table: Table) -> None:
        """Remove the rows whose keys are staged."""
        target = self.name(table.name)
        self.execute(f"DELETE FROM {target} WHERE {self.is_staged(table, target)}")

    def insert_staged(self, table: Table) -> str:
        """SQL that inserts the staged rows."""
        names = table.column_names()
        values = ", ".join(self.staged(name, table) for name in names)
        return f"INSERT INTO {self.name(table.name)} ({self.listed(names)}) SELECT {values} FROM {self.name(STAGED)} s"

    def staged(self, name: str, table: Table) -> str:  # noqa: ARG002  for those that stage rows of another shape
        """SQL of a column of the staged rows `s` of a table."""
        return f"s.{self.quoted(name)}"

    def is_staged(self, table: Table, row: str) -> str:
        """SQL of whether the key of `row`, a name for the table, is staged."""
        same = " AND ".join(f"{self.staged(key, table)} = {row}.{self.quoted(key)}" for key in table.key)
        return f"EXISTS (SELECT 1 FROM {self.name(STAGED)} s WHERE {same})"

    def sent(self) -> Sent | None:
        """What was last sent here; None where nothing was, or where it is to be sent anew."""
        listed = self.listed(LEDGER.column_names())
        newest = f"SELECT max({self.quoted('number')}) FROM {self.name(LEDGER.name)}"
        found = self.rows(f"SELECT {listed} FROM {self.name(LEDGER.name)} WHERE {self.quoted('number')} = ({newest})")
        if not found:
            return None
        *facts, state = found[0]
        return Sent(*facts, **(json.loads(state) if state else {"shape": "", "token": "", "months": {}}))

    def remember(self, sent: Sent) -> None:
        """Note what is here now."""
        state = json.dumps({"shape": sent.shape, "token": sent.token, "months": dict(sent.months)})
        facts = (
            sent.number, sent.sent_at, sent.workspace, sent.generation, sent.applied_seq, sent.rows_sent,
            sent.rows_removed, state,
        )  # fmt: skip
        listed, values = self.listed(LEDGER.column_names()), ", ".join(map(_literal, facts))
        self.execute(f"INSERT INTO {self.name(LEDGER.name)} ({listed}) VALUES ({values})")

    def forget(self) -> None:
        """Note that what is here is not to be relied upon: the next time everything is sent."""
        self.execute(f"UPDATE {self.name(LEDGER.name)} SET {self.quoted('state')} = '' WHERE 1 = 1")

    def listed(self, names: Sequence[str]) -> str:
        """Names, quoted, with commas between."""
        return ", ".join(map(self.quoted, names))


def _literal(value: object) -> str:
    """A value as SQL; texts here are ours and hold neither quotes nor backslashes."""
    if isinstance(value, datetime):
        return f"'{value:%Y-%m-%d %H:%M:%S}'"
    return str(value) if isinstance(value, int) else f"'{value}'"
