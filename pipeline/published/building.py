"""Fill a database with the rows of parts: all of them in an empty one, or those committed since.

Every merge is defined by the parts and their order alone (`steps`), so both ways end with the same tables. Knows
nothing of generations, locks or the ledger: parts come as its rows. Imports `earlier_days`, `snapshots`, `staging`,
`steps`, `merges`, `schema`, `counting`.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import nullcontext

import duckdb

from pipeline.published import steps
from pipeline.published.counting import count_snapshots
from pipeline.published.earlier_days import reading_earlier_days, show_earlier_days
from pipeline.published.merges import merge_statements, publish_sql
from pipeline.published.snapshots import note_months, prepare_all, prepare_new, show_recent
from pipeline.published.staging import Rows, Source, check_parts, stage_parts
from pipeline.schema import LAKE, PUBLISHED, STATE, create_statements, name_tokens

__all__ = ["fill", "insert_rows", "merge", "run_step", "shape"]


def fill(con: duckdb.DuckDBPyConnection, source: Source, *, fresh: bool) -> None:
    """Merge parts into the database of `con`, which is made first when `fresh`; for a transaction of the caller.

    Raises DamagedFile naming a part that is not what was committed, SchemaMismatch for one of a newer program.
    """
    check_parts(source.root, source.parts)
    if fresh:
        for statement in create_statements():
            con.execute(statement)
        con.execute("INSERT INTO state_meta VALUES ('exchanged', ?)", [source.exchanged])
    if fresh or source.moved:
        con.execute("DELETE FROM state_meta WHERE key = 'bound'")
        con.execute("INSERT INTO state_meta VALUES ('bound', ?)", [source.bound])
    if source.moved:
        con.execute("DELETE FROM state_parts")
        insert_rows(con, "state_parts", source.moved)
    con.execute(_NUMBERED)
    newest = con.execute("SELECT coalesce(max(day), '') FROM state_parts").fetchall()[0][0]
    insert_rows(con, "state_parts", source.parts)
    for name in LAKE:
        stage_parts(con, source, name)
    con.execute(publish_sql("merged_snapshots"))
    note_months(con, source)
    (prepare_all if fresh else prepare_new)(con, source)
    days = [newest, *(part["day"] for part in source.parts)]
    merge(con, source, ordered=days == sorted(days), fresh=fresh)


def shape() -> str:
    """What stands for the tables of this program and the words in them: one of another shape is built anew."""
    return hashlib.sha256("\n".join([*create_statements(), name_tokens("name")]).encode()).hexdigest()[:16]


def merge(con: duckdb.DuckDBPyConnection, source: Source, *, ordered: bool, fresh: bool) -> None:
    """Run every step that the staged tables call for; `fresh`: into an empty database, of which all rows are new."""
    staged = {part["table_name"] for part in source.parts}
    size = con.execute(steps.size_statement(staged)).fetchall()[0][0]
    alone = fresh or source.is_large() or size == "small"  # then other cores have nothing to read, or enough to do
    with nullcontext(lambda: None) if alone else reading_earlier_days(con, source) as read:
        for step in steps.STEPS:
            if step.applies(staged, fresh=fresh, size=size):
                run_step(con, step, ordered=ordered)
                if step.file == "ends":
                    show_earlier_days(con, source.root, read())
                elif follow := _FOLLOWS.get(step.file):
                    follow(con)


def run_step(con: duckdb.DuckDBPyConnection, step: steps.Step, *, ordered: bool) -> None:
    """Run the statements of a step that have something to do."""
    for table, statement in merge_statements(step, ordered=ordered):
        if not table or con.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchall():
            con.execute(statement)


# Stands for the numbers that artists have: who finds the same in a later generation finds the same artists by them.
_NUMBERED = """
    INSERT INTO state_meta
    SELECT 'numbered', uuid()::VARCHAR WHERE NOT EXISTS (FROM state_meta WHERE key = 'numbered')"""
_FOLLOWS = {"earlier": show_recent, "entries": count_snapshots}


def insert_rows(con: duckdb.DuckDBPyConnection, name: str, rows: Rows) -> None:
    """Insert the ledger's rows into a table; instants are UTC, and lose their zone."""
    columns = {**PUBLISHED, **STATE}[name].columns
    shape = json.dumps([{column.name: column.type for column in columns}])
    kept = [{column.name: row[column.name] for column in columns} for row in rows]
    content = json.dumps(kept, default=lambda instant: instant.replace(tzinfo=None).isoformat())
    con.execute(f"INSERT INTO {name} SELECT unnest(from_json(?, ?), recursive := true)", (content, shape))
