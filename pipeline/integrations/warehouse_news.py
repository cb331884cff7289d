"""What a warehouse does not have yet of a generation: rows that are new or changed, and keys that are there no more.

Snapshots are found by the parts committed since (`state_parts`), month by month; every other table by comparing a hash
of each row with those kept when it was last sent. Nothing of a warehouse is known here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb

from pipeline.lake import engine
from pipeline.lake.files import explained, hidden, make_folder, place_files, remove_files
from pipeline.published.generations import Generation
from pipeline.published.snapshots import inputs_of, within
from pipeline.published.staging import parts_select
from pipeline.schema import PUBLISHED, Table
from pipeline.workspace import Workspace

__all__ = ["SNAPSHOTS", "Changes", "Reader", "Rows", "Sent", "Span"]

SNAPSHOTS = "artist_snapshots"
BATCH_ROWS = 100_000
Span = tuple[date, date]


@dataclass(frozen=True)
class Sent:
    """What a warehouse says it has: written there in the same transaction as the rows.

    `generation`: which database it was; `months`: the digest of the parts of each month of snapshots; `token`: the name
    of the hashes kept here.
    """

    number: int
    sent_at: datetime
    workspace: str
    generation: str
    applied_seq: int
    rows_sent: int
    rows_removed: int
    shape: str
    token: str
    months: Mapping[str, str]


@dataclass(frozen=True)
class Rows:
    """`count` rows of a table, in the order and types of its columns (lists as JSON text where so wanted)."""

    con: duckdb.DuckDBPyConnection
    table: Table
    select: str
    count: int

    def reader(self) -> Any:
        """An Arrow RecordBatchReader over them; read it to its end before anything else is asked of the source."""
        return self.con.sql(self.select).to_arrow_reader(BATCH_ROWS)

    def write(self, path: Path, options: str) -> None:
        """Write them to a file; `options` are those of DuckDB's COPY."""
        with explained(path):
            self.con.execute(f"COPY ({self.select}) TO '{engine.quoted(path)}' ({options})")


@dataclass(frozen=True)
class Changes:
    """What makes a table there equal to the one here.

    `whole`: `rows` are all there are, and take the place of whatever is there. Else rows of the `cleared` spans of days
    (from the first, before the second) go, `rows` come or replace those of their keys, and the keys of `gone` go.
    """

    rows: Rows
    whole: bool = False
    cleared: tuple[Span, ...] = ()
    gone: Rows | None = None

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.whole or self.rows.count or self.cleared or (self.gone and self.gone.count))


class Reader:
    """A generation as a warehouse is filled from it; one thread, closed by `close`.

    `token`: name of the hashes of its rows, written in the folder `into`, and kept there once `keep` was called.
    """

    def __init__(
        self, generation: Generation, workspace: Workspace, into: Path, token: str, *, keeps_lists: bool
    ) -> None:
        self.workspace, self.into, self.token, self.keeps_lists = workspace, into, token, keeps_lists
        self.applied_seq = int(generation.meta("applied_seq"))
        self._cursor = generation.cursor()
        self.con = self._cursor.__enter__()
        self._generation, self._attached = generation, dict[str, str]()

    def close(self) -> None:
        """Let go of the databases; hashes that were not kept are gone."""
        self._cursor.__exit__(None, None, None)
        for alias in self._attached.values():
            engine.detach(alias)
        remove_files([self._path(self.token)] if self._is_hidden() else [])

    def months(self, until: int | None = None) -> dict[str, str]:
        """The digest of each month's parts, of all or of those committed up to `until`."""
        return inputs_of(self.con, until)

    def count(self, name: str) -> int:
        """Rows of a table."""
        return int(self._one(f"SELECT count(*) FROM {name}"))

    def whole(self, name: str) -> Changes:
        """All rows of a table."""
        return Changes(self._rows(PUBLISHED[name], f"FROM {name}", self.count(name)), whole=True)

    def changes(self, name: str, sent: Sent) -> Changes:
        """What differs in a table from what was sent; all of it where that is not known any more."""
        if name == SNAPSHOTS:
            return self._new_snapshots(sent)
        return self._changed(PUBLISHED[name], sent.token) if self._attach(sent.token) else self.whole(name)

    def hash_rows(self) -> None:
        """Hash every row, for this time and the next."""
        path = self._path(self.token)
        with explained(path):
            make_folder(self.into)
        with engine.building(hidden(path)) as con:
            con.execute("BEGIN")
            for name, table in PUBLISHED.items():
                if name != SNAPSHOTS:
                    hashed = f"{_listed(table.key)}, hash({_listed(table.column_names())}) AS row_hash"
                    con.execute(f"CREATE TABLE {name} AS SELECT {hashed} FROM {self._generation.alias}.{name}")
            con.execute("COMMIT")
        self._attached[self.token] = engine.attach(hidden(path))

    def keep(self) -> None:
        """Make the hashes last; before the warehouse commits, since it refers to them."""
        engine.detach(self._attached.pop(self.token))
        place_files([self._path(self.token)])

    def forget(self, prefix: str, but: str) -> None:
        """Remove the hashes of earlier times; their names begin with `prefix`."""
        remove_files(path for path in self.into.glob(f"{prefix}*.duckdb") if path != self._path(but))

    def _path(self, token: str) -> Path:
        return (self.into if token == self.token else self.workspace.sent) / f"{token}.duckdb"

    def _is_hidden(self) -> bool:
        return hidden(self._path(self.token)).exists()

    def _attach(self, token: str) -> bool:
        """Whether the hashes of an earlier time are here, and can be read."""
        if token not in self._attached and self._path(token).exists():
            with suppress(duckdb.Error):
                self._attached[token] = engine.attach(self._path(token))
        return token in self._attached

    def _changed(self, table: Table, token: str) -> Changes:
        new, old = (f"{self._attached[each]}.{table.name}" for each in (self.token, token))
        keys, changed, gone = _listed(table.key), f"changed_{table.name}", f"gone_{table.name}"
        self.con.execute(f"CREATE TEMP TABLE {changed} AS SELECT {keys} FROM {new} ANTI JOIN {old} USING (row_hash)")
        self.con.execute(f"CREATE TEMP TABLE {gone} AS SELECT {keys} FROM {old} ANTI JOIN {new} USING ({keys})")
        rows = self._rows(table, f"FROM {table.name} SEMI JOIN {changed} USING ({keys})", self.count(changed))
        only_keys = replace(table, columns=tuple(each for each in table.columns if each.name in table.key))
        return Changes(rows, gone=self._rows(only_keys, f"FROM {gone}", self.count(gone)))

    def _new_snapshots(self, sent: Sent) -> Changes:
        """Months of which parts were exchanged or let go of whole, of the others what new parts hold."""
        now, then = self.months(), self.months(sent.applied_seq)
        parts = self.con.execute(
            "SELECT path, schema_version, seq FROM state_parts WHERE table_name = ? AND seq > ? ORDER BY seq",
            [SNAPSHOTS, sent.applied_seq],
        ).fetchall()
        fresh = [(self.workspace.root / path, int(version), int(seq)) for path, version, seq in parts]
        there = all(path.exists() for path, *_ in fresh)  # a purge may have been faster: then by whole months
        again = sorted(
            month
            for month in {*now, *sent.months}
            if sent.months.get(month) != then.get(month) or (not there and now.get(month) != then.get(month))
        )
        self.con.execute(
            "CREATE TEMP TABLE new_snapshots AS SELECT DISTINCT artist_id, observed_on "
            f"FROM ({parts_select(SNAPSHOTS, fresh if there else [])})"
        )
        condition = " OR ".join(f"({within(month)})" for month in again) or "false"
        listed = (
            f"FROM (FROM {SNAPSHOTS} SEMI JOIN new_snapshots USING (artist_id, observed_on) WHERE NOT ({condition})) "
            f"UNION ALL FROM {SNAPSHOTS} WHERE {condition}"
        )
        count = int(self._one(f"SELECT count(*) FROM ({listed})"))
        return Changes(self._rows(PUBLISHED[SNAPSHOTS], f"FROM ({listed})", count), cleared=tuple(map(_span, again)))

    def _rows(self, table: Table, source: str, count: int) -> Rows:
        return Rows(self.con, table, f"SELECT {', '.join(map(self._column, table.columns))} {source}", count)

    def _column(self, column: Any) -> str:
        if column.type.endswith("[]") and not self.keeps_lists:
            return f'to_json("{column.name}")::VARCHAR AS "{column.name}"'
        return f'"{column.name}"'

    def _one(self, query: str) -> Any:
        return self.con.execute(query).fetchall()[0][0]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _span(month: str) -> Span:
    first = date.fromisoformat(f"{month}-01")
    return first, date(first.year + first.month // 12, first.month % 12 + 1, 1)
