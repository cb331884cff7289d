"""A database of what was known on a day: made of the rows observed on or before it, beside the generation it is from.

The day of observation counts, not that of the commit: what is imported later was known then to whoever observed it.
Snapshots are taken over from the generation, history files are read through a filter, everything else is merged again
from its parts. Imports `building`, `snapshots`, `staging`, `engine`, `files`, `volumes`, `merges`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import duckdb

from pipeline.lake import engine
from pipeline.lake.files import explained, fsync_file, make_folder
from pipeline.lake.volumes import is_volume
from pipeline.published.building import insert_rows, merge_all
from pipeline.published.merges import publish_sql
from pipeline.published.snapshots import make_view, unfile_mixed
from pipeline.published.staging import MergeSource, Rows, stage_parts
from pipeline.schema import LAKE, STATE, create_statements

__all__ = ["CACHED", "build_as_of", "prune"]

CACHED = 3  # databases: building one takes a second, and much longer where there is much


def build_as_of(alias: str, root: Path, path: Path, day: date) -> None:
    """Make the database `path` of what was known on a day, from the attached generation `alias`; all or nothing."""
    with _aside(path) as aside, engine.building(aside) as con:
        con.execute("BEGIN")
        for statement in create_statements():
            con.execute(statement)
        source = MergeSource(root, _parts(con, alias, root, day), day)
        _take_over(con, alias, source)
        for name in LAKE:
            stage_parts(con, source, name, "false" if name == "artist_snapshots" else "true")
        con.execute(publish_sql("merged_snapshots"))
        with source.shared():
            merge_all(con, source)
        con.execute("COMMIT")


def prune(folder: Path) -> None:
    """Remove all but the databases used last."""
    there = sorted(folder.glob("garimpo-*.duckdb"), key=lambda path: path.stat().st_mtime_ns)
    for path in there[:-CACHED]:
        path.unlink(missing_ok=True)


@contextmanager
def _aside(path: Path) -> Iterator[Path]:
    """A name of this process alone, which becomes `path` at the end: two that build the same do not meet."""
    aside = path.with_name(f".tmp-{os.getpid()}-{path.name}")
    with explained(path):
        make_folder(path.parent)
        try:
            yield aside
            fsync_file(aside)
            if not path.exists():
                aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)


def _parts(con: duckdb.DuckDBPyConnection, alias: str, root: Path, day: date) -> Rows:
    """The generation's parts with rows of that day or before, in the order of commits.

    Of those in a later day's folder, which had such an answer behind their first one, the footers say it; of a volume
    with such rows, whose they are.
    """
    names = STATE["state_parts"].column_names()
    found = con.execute(f"SELECT {', '.join(names)} FROM {alias}.state_parts ORDER BY seq").fetchall()
    parts = [dict(zip(names, row, strict=True)) for row in found]
    later = {str(root / part["path"]): part["seq"] for part in parts if part["day"] > day.isoformat()}
    early = con.execute(publish_sql("early_parts"), [list(later), day]).fetchall() if later else []
    seqs = {later[path] for (path,) in early if not is_volume(path)}
    for (volume,) in [found for found in early if is_volume(found[0])]:
        asked = "SELECT DISTINCT seq FROM read_parquet(?, hive_partitioning = false) WHERE observed_on <= ?"
        seqs |= {row[0] for row in con.execute(asked, [volume, day]).fetchall()}
    return [part for part in parts if part["day"] <= day.isoformat() or part["seq"] in seqs]


def _take_over(con: duckdb.DuckDBPyConnection, alias: str, source: MergeSource) -> None:
    """What needs no merging: runs begun by then, parts, and snapshots."""
    insert_rows(con, "state_parts", source.parts)
    month = f"{source.until:%Y-%m}"
    for name, condition in (
        ("runs", "started_at < $1::DATE + INTERVAL 1 DAY"),
        ("task_runs", "started_at < $1::DATE + INTERVAL 1 DAY"),
        ("state_snapshots", "observed_on <= $1"),
        ("state_meta", "$1 IS NOT NULL AND key NOT IN ('root', 'numbered')"),  # numbers are dealt anew
    ):
        con.execute(f"INSERT INTO {name} FROM {alias}.{name} WHERE {condition}", [source.until])
    con.execute(f"INSERT INTO state_part_months FROM {alias}.state_part_months WHERE month <= ?", [month])
    capped = f"SELECT * REPLACE (least(last_on, $1) AS last_on) FROM {alias}.state_history WHERE first_on <= $1"
    con.execute(f"INSERT INTO state_history {capped}", [source.until])
    con.execute("INSERT INTO state_meta VALUES ('until', ?)", [str(source.until)])
    make_view(con, source.root, source.until)
    unfile_mixed(con)
    make_view(con, source.root, source.until)
