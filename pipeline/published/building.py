"""Fill a database with the rows of parts: all of them in an empty one, or those committed since.

Every merge is defined by the parts and their order alone (`steps`), so both ways end with the same tables. Knows
nothing of generations, locks or the ledger: parts come as its rows. Imports `earlier_days`, `history_files`,
`snapshots`, `staging`, `steps`, `merges`, `schema`, `counting`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet

import duckdb

from pipeline.published import steps
from pipeline.published.counting import count_snapshots
from pipeline.published.earlier_days import EarlierDays, read_earlier_days, show_earlier_days
from pipeline.published.history_files import view_statement
from pipeline.published.merges import merge_statements, publish_sql
from pipeline.published.snapshots import history_of, note_months, prepare_all, prepare_new, show_recent
from pipeline.published.staging import MergeSource, Rows, check_parts, stage_parts
from pipeline.schema import LAKE, PUBLISHED, STATE, create_statements, name_tokens

__all__ = ["Growth", "fill", "insert_rows", "merge_all", "run_step", "shape"]


def fill(con: duckdb.DuckDBPyConnection, source: MergeSource) -> None:
    """Make the tables in the empty database of `con`, and merge all parts into them; for a transaction of the caller.

    Raises DamagedFile naming a part that is not what was committed, SchemaMismatch for one of a newer program.
    """
    check_parts(source.root, source.parts)
    for statement in create_statements():
        con.execute(statement)
    con.execute("INSERT INTO state_meta VALUES ('exchanged', ?)", [source.exchanged])
    con.execute("INSERT INTO state_meta VALUES ('bound', ?)", [source.bound])
    _note(con, source)
    _stage(con, source)
    prepare_all(con, source)
    merge_all(con, source)


class Growth:
    """New parts that a generation is to grow by: a look at what it says of them, then the change of its copy."""

    def __init__(self, source: MergeSource) -> None:
        """`source`: the parts committed since."""
        self._source, self._staged = source, source.tables()
        self._size, self._ordered = "", True
        self._earlier: Callable[[], EarlierDays | None] = lambda: None

    def look(self, con: duckdb.DuckDBPyConnection) -> None:
        """Keep for `con` what touched artists are now; `con` stands in the generation, and may write nothing to it.

        Raises as `fill`.
        """
        check_parts(self._source.root, self._source.parts)
        _stage(con, self._source)
        self._ordered = _in_order(con, self._staged)
        self._size = con.execute(steps.size_statement(self._staged)).fetchall()[0][0]
        # In a small database there is nothing to read meanwhile; with very many rows other cores have enough to do.
        if self._size == "large" and not self._source.is_large():
            self._earlier = read_earlier_days(con, self._source)
        # The view of the generation itself may name a folder that the workspace was moved from.
        con.execute(view_statement(self._source.root, history_of(con), kind="TEMP VIEW"))
        self._run(con, steps.LOOKS)

    def change(self, con: duckdb.DuckDBPyConnection) -> None:
        """Merge the parts into the copy in which `con` stands since; for a transaction of the caller."""
        con.execute("DROP VIEW temp.artist_snapshots")
        if self._source.moved:
            con.execute("UPDATE state_meta SET value = ? WHERE key = 'bound'", [self._source.bound])
            con.execute("DELETE FROM state_parts")
            insert_rows(con, "state_parts", self._source.moved)
        _note(con, self._source)
        if prepare_new(con, self._source):  # what was seen lies elsewhere now
            self._run(con, steps.LOOKS)
        self._run(con, steps.CHANGES)

    def _run(self, con: duckdb.DuckDBPyConnection, some: Sequence[steps.Step]) -> None:
        for step in some:
            if step.applies(self._staged, fresh=False, size=self._size):
                run_step(con, step, ordered=self._ordered)
                if step.file == "earlier":
                    show_recent(con, self._source.root)
                elif step.file == "ends":
                    show_earlier_days(con, self._source.root, self._earlier())


def merge_all(con: duckdb.DuckDBPyConnection, source: MergeSource) -> None:
    """Run every step that staged rows call for, in a database that has none yet."""
    staged = source.tables()
    ordered = _in_order(con, staged)
    size = con.execute(steps.size_statement(staged)).fetchall()[0][0]
    for step in steps.STEPS:
        if step.applies(staged, fresh=True, size=size):
            run_step(con, step, ordered=ordered)
            if step.file == "entries":
                count_snapshots(con)


def run_step(con: duckdb.DuckDBPyConnection, step: steps.Step, *, ordered: bool) -> None:
    """Run the statements of a step that have something to do."""
    for table, statement in merge_statements(step, ordered=ordered):
        if not table or con.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchall():
            con.execute(statement)


def shape() -> str:
    """What stands for the tables of this program and the words in them: one of another shape is built anew."""
    return hashlib.sha256("\n".join([*create_statements(), name_tokens("name")]).encode()).hexdigest()[:16]


def _in_order(con: duckdb.DuckDBPyConnection, staged: AbstractSet[str]) -> bool:
    """Whether `merge_statements` may take staged rows for ordered: the order of days is that of commits."""
    latest = {step.table for step in steps.STEPS if step.file == "latest_whole"}
    asked = [publish_sql("in_order").replace("{table}", name) for name in sorted(latest & staged)]
    return all(con.execute(statement).fetchall()[0][0] for statement in asked)


def _note(con: duckdb.DuckDBPyConnection, source: MergeSource) -> None:
    """Note which parts are merged, and that artists have numbers."""
    con.execute(_NUMBERED)
    insert_rows(con, "state_parts", source.parts)
    note_months(con, source)


def _stage(con: duckdb.DuckDBPyConnection, source: MergeSource) -> None:
    for name in LAKE:
        stage_parts(con, source, name)
    con.execute(publish_sql("merged_snapshots"))


# Stands for the numbers that artists have: who finds the same in a later generation finds the same artists by them.
_NUMBERED = """
    INSERT INTO state_meta
    SELECT 'numbered', uuid()::VARCHAR WHERE NOT EXISTS (FROM state_meta WHERE key = 'numbered')"""


def insert_rows(con: duckdb.DuckDBPyConnection, name: str, rows: Rows) -> None:
    """Insert the ledger's rows into a table; instants are UTC, and lose their zone."""
    columns = {**PUBLISHED, **STATE}[name].columns
    shape = json.dumps([{column.name: column.type for column in columns}])
    kept = [{column.name: row[column.name] for column in columns} for row in rows]
    content = json.dumps(kept, default=lambda instant: instant.replace(tzinfo=None).isoformat())
    con.execute(f"INSERT INTO {name} SELECT unnest(from_json(?, ?), recursive := true)", (content, shape))
