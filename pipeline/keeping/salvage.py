"""A lost ledger written anew: from what is readable of the old one, the newest generation, and the files themselves.

Careful where it cannot know: requests of the last day are counted as spent, a bucket that was deferred stays closed for
a day. Imports `budget`, `lists`, `relisting`, `generations`, `ledger`, `sqlite_file`, `store`, `stored`, `normalize`.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from pipeline.errors import StorageError
from pipeline.keeping.lists import LISTS_LOST
from pipeline.keeping.relisting import insert_row, list_files
from pipeline.keeping.stored import bring_all, take_over
from pipeline.lake.normalize import Normalizer
from pipeline.lake.store import highest_number
from pipeline.published.generations import Generation
from pipeline.records.budget import BUCKETS, DAY_S
from pipeline.records.database import Connection
from pipeline.records.ledger import SET_META, Ledger
from pipeline.records.sqlite_file import DAMAGES, explained, read_only
from pipeline.workspace import Workspace

__all__ = ["newest_generation", "write_ledger"]

NO_TEXT = "\ufffd"  # what stands where bytes are no text
# Where each task's requests are counted; those of any other task everywhere.
TASK_BUCKETS = {
    "discover": ("search",), "refresh_artists": ("artist",), "refresh_releases": ("albums",),
    "refresh_tracks": ("albums", "tracks"), "import": (), "plan": (), "publish": (), "check": (), "send": (),
}  # fmt: skip


def newest_generation(workspace: Workspace) -> Generation | None:
    """The newest generation that can be read to its end, whatever CURRENT says."""
    for path in sorted(workspace.db.glob("garimpo-*.duckdb"), reverse=True):
        try:
            found = Generation(int(path.stem[-8:]), path)
            for (name,) in found.rows(
                "SELECT table_name FROM duckdb_tables() WHERE database_name = current_database()"
            ):
                found.rows(f'SELECT bit_xor(hash(t)) FROM "{name}" t')
        except (duckdb.Error, StorageError, OSError, ValueError):
            continue
        return found
    return None


def write_ledger(
    workspace: Workspace, path: Path, old: Path | None, clock: Callable[[], datetime], *, is_lost: bool
) -> dict[str, int]:
    """A new ledger at `path` with all that is known; how many parts and batches came from where.

    `is_lost`: what people said may be in a backup alone, which the ledger remembers.
    """
    bring_all(workspace)
    generation = newest_generation(workspace)
    with closing(Ledger(path, clock)) as ledger, closing(Normalizer()) as normalizer:
        with ledger.write() as connection:
            said = {"from_generation": _take_parts(connection, generation) if generation else 0}
            said["from_ledger"] = _take_rows(connection, old) if old else 0
            if is_lost:
                connection.execute(SET_META, (LISTS_LOST, "1"))
            if generation:
                _take_runs(connection, generation)
            highest = highest_number(workspace.db, unfinished=True)
            newest = max(highest, int(_meta(connection, "generation") or 0))
            connection.execute(SET_META, ("generation", str(newest)))
        take_over(workspace, ledger, anew=True)
        said["from_files"] = list_files(workspace, ledger, normalizer)
        _count_as_spent(ledger, clock().timestamp())
        with explained(path), closing(sqlite3.connect(path)) as file:
            file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return said


def _take_parts(connection: Connection, generation: Generation) -> int:
    rows = list(generation.frame("FROM state_parts").iter_rows(named=True))
    return sum(insert_row(connection, "parts", row) for row in rows)


def _take_runs(connection: Connection, generation: Generation) -> None:
    """Runs and attempts as a generation has them; its instants are UTC without saying so."""
    for table, columns in (
        ("runs", "run_id, trigger, state, started_at, finished_at, message, requests AS old_requests, 0 AS pid"),
        ("task_runs", "run_id, batch_id, attempt, task, item, state, started_at, finished_at, requests, rows, message"),
    ):
        for row in generation.frame(f"SELECT {columns} FROM {table}").iter_rows(named=True):
            instants = {name: row[name] and row[name].replace(tzinfo=UTC).timestamp() for name in _INSTANTS}
            insert_row(connection, table, {**row, **instants})


_INSTANTS = ("started_at", "finished_at")


def _take_rows(connection: Connection, old: Path) -> int:
    """What can still be read of an old ledger, table by table; how many rows were new."""
    taken = 0
    ours = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()]
    with closing(read_only(old)) as damaged:
        damaged.row_factory = sqlite3.Row
        damaged.text_factory = lambda text: text.decode(errors="replace")  # one that is none is to cost no other row
        for table in ours:
            known = {row[1] for row in connection.execute(f"PRAGMA table_info({table})").fetchall()}
            for row in _readable(damaged, table):
                values = {name: row[name] for name in row.keys() if name in known}  # noqa: SIM118  a Row is no dict
                new = insert_row(connection, table, values)
                if not new and table == "parts" and not _is_told(connection, values):
                    values.pop("seq")  # its place was given to another: the ledger had been begun anew
                    new = insert_row(connection, table, values)
                taken += new
    return taken


def _is_told(connection: Connection, part: dict[str, Any]) -> bool:
    """Whether the new ledger has a part under its place with the same file: then a name in this row is damaged."""
    same = "SELECT 1 FROM parts WHERE seq = ? AND sha256 = ?"
    return connection.execute(same, (part["seq"], part["sha256"])).fetchone() is not None


def _readable(damaged: sqlite3.Connection, table: str) -> Iterator[sqlite3.Row]:
    """Its rows as far as they can be read, but for those with a text that is none."""
    try:
        for row in damaged.execute(f"SELECT * FROM {table}"):
            if not any(isinstance(value, str) and NO_TEXT in value for value in row):
                yield row
    except DAMAGES:
        return


def _meta(connection: Connection, key: str) -> str | None:
    found = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return found and str(found[0])


def _count_as_spent(ledger: Ledger, now: float) -> None:
    """Requests of the last day that no row tells of any more, each where it may have counted."""
    known = Counter(
        (row["run_id"], row["bucket"])
        for row in ledger.read("SELECT run_id, bucket FROM requests WHERE at > ?", (now - DAY_S,))
    )
    told = {run_id for run_id, _ in known}
    recent = ledger.read(
        "SELECT run_id, task, state, finished_at AS at, requests FROM task_runs WHERE finished_at > ?", (now - DAY_S,)
    )
    with ledger.write() as connection:
        for row in recent:
            buckets, lost = TASK_BUCKETS.get(row["task"], BUCKETS), int(row["requests"])
            for bucket in buckets:
                seen = min(lost, known[row["run_id"], bucket])
                known[row["run_id"], bucket] -= seen
                lost -= seen
            for bucket in buckets:
                connection.executemany(
                    "INSERT INTO requests (at, bucket, endpoint) VALUES (?, ?, 'lost')", [(row["at"], bucket)] * lost
                )
                if row["state"] == "deferred" and (lost or row["run_id"] not in told):
                    connection.execute(
                        "INSERT INTO buckets (bucket, locked_until, reason) VALUES (?, ?, 'the ledger was lost') "
                        "ON CONFLICT (bucket) DO UPDATE SET "
                        "locked_until = max(buckets.locked_until, excluded.locked_until)",
                        (bucket, row["at"] + DAY_S),
                    )
