"""A lost ledger written anew: from what is readable of the old one, the newest generation, and the files themselves.

Careful where it cannot know: requests of the last day are counted as spent, a bucket that was deferred stays closed for
a day. Imports `budget`, `found_files`, `generations`, `ledger`, `replay`, `store`.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import zstandard

from pipeline.errors import StorageError
from pipeline.keeping.found_files import FoundFile, find_files
from pipeline.keeping.replay import derive_batch
from pipeline.keeping.stored import bring_all, take_over
from pipeline.lake import engine
from pipeline.lake.normalize import Normalizer
from pipeline.lake.store import highest_number
from pipeline.published.generations import Generation
from pipeline.records.budget import BUCKETS, DAY_S
from pipeline.records.ledger import SET_META, Ledger
from pipeline.records.storing import Connection
from pipeline.schema import SCHEMA_VERSION
from pipeline.workspace import Workspace

__all__ = ["newest_generation", "write_ledger"]

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


def write_ledger(workspace: Workspace, path: Path, old: Path | None, clock: Callable[[], datetime]) -> dict[str, int]:
    """A new ledger at `path` with all that is known; how many parts and batches came from where."""
    bring_all(workspace)
    generation = newest_generation(workspace)
    with closing(Ledger(path, clock)) as ledger, closing(Normalizer()) as normalizer:
        with ledger.write() as connection:
            said = {"from_generation": _take_parts(connection, generation) if generation else 0}
            said["from_ledger"] = _take_rows(connection, old) if old else 0
            if generation:
                _take_runs(connection, generation)
            highest = highest_number(workspace.db, unfinished=True)
            newest = max(highest, int(_meta(connection, "generation") or 0))
            connection.execute(SET_META, ("generation", str(newest)))
        take_over(workspace, ledger, anew=True)
        said["from_files"] = _Files(workspace, ledger, normalizer).take()
        _count_as_spent(ledger, clock().timestamp())
        with closing(sqlite3.connect(path)) as file:
            file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return said


def _take_parts(connection: Connection, generation: Generation) -> int:
    rows = list(generation.frame("FROM state_parts").iter_rows(named=True))
    return sum(_insert(connection, "parts", row) for row in rows)


def _take_runs(connection: Connection, generation: Generation) -> None:
    """Runs and attempts as a generation has them; its instants are UTC without saying so."""
    for table, columns in (
        ("runs", "run_id, trigger, state, started_at, finished_at, message, requests AS old_requests, 0 AS pid"),
        ("task_runs", "run_id, batch_id, attempt, task, item, state, started_at, finished_at, requests, rows, message"),
    ):
        for row in generation.frame(f"SELECT {columns} FROM {table}").iter_rows(named=True):
            instants = {name: row[name] and row[name].replace(tzinfo=UTC).timestamp() for name in _INSTANTS}
            _insert(connection, table, {**row, **instants})


_INSTANTS = ("started_at", "finished_at")


def _take_rows(connection: Connection, old: Path) -> int:
    """What can still be read of an old ledger, table by table; how many rows were new."""
    taken = 0
    ours = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()]
    with closing(sqlite3.connect(f"{old.absolute().as_uri()}?mode=ro", uri=True)) as damaged:
        damaged.row_factory = sqlite3.Row
        for table in ours:
            known = {row[1] for row in connection.execute(f"PRAGMA table_info({table})").fetchall()}
            for row in _readable(damaged, table):
                values = {name: row[name] for name in row.keys() if name in known}  # noqa: SIM118  a Row is no dict
                new = _insert(connection, table, values)
                if not new and table == "parts":
                    values.pop("seq")  # its place was given to another: the ledger had been begun anew
                    new = _insert(connection, table, values)
                taken += new
    return taken


def _readable(damaged: sqlite3.Connection, table: str) -> Iterator[sqlite3.Row]:
    try:
        yield from damaged.execute(f"SELECT * FROM {table}")
    except sqlite3.DatabaseError:
        return


def _insert(connection: Connection, table: str, values: dict[str, Any]) -> bool:
    names, marks = ", ".join(values), ", ".join("?" for _ in values)
    try:
        found = connection.execute(f"INSERT OR IGNORE INTO {table} ({names}) VALUES ({marks})", list(values.values()))
    except sqlite3.IntegrityError:  # a value that no column takes: a damaged row
        return False
    return found.rowcount > 0


def _meta(connection: Connection, key: str) -> str | None:
    found = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return found and str(found[0])


class _Files:
    """What lies on the disk and the new ledger does not know yet."""

    def __init__(self, workspace: Workspace, ledger: Ledger, normalizer: Normalizer) -> None:
        self._workspace, self._ledger, self._normalizer = workspace, ledger, normalizer
        runs = {str(row["run_id"]) for row in ledger.read("SELECT run_id FROM runs")}
        self._files = find_files(workspace, runs | {path.name for path in workspace.raw.glob("day=*/*")})

    def take(self) -> int:
        """List them; how many batches had not been known."""
        raw = {(file.run_id, file.batch_id): file for file in self._files if file.layer == "raw"}
        parts = [file for file in self._files if file.layer != "raw"]
        for file in raw.values():
            self._add_raw(file)
        for file in parts:
            self._find_again(file)
        new = dict.fromkeys((file.run_id, file.batch_id) for file in self._files if self._is_new(file))
        for batch in new:
            self._begin(batch)
            if batch in raw:
                row = self._ledger.read("SELECT * FROM raw_files WHERE run_id = ? AND batch_id = ?", batch)[0]
                derive_batch(self._workspace, self._ledger, self._normalizer, row, set()).exchange.carry_out()
            else:
                for file in parts:
                    if (file.run_id, file.batch_id) == batch:
                        self._add_part(file)
        return len(new)

    def _is_new(self, file: FoundFile) -> bool:
        query = "SELECT 1 FROM parts WHERE run_id = ? AND batch_id = ? LIMIT 1"
        return not self._ledger.read(query, (file.run_id, file.batch_id))

    def _begin(self, batch: tuple[str, str]) -> None:
        """A run and an attempt for a batch that only its files tell of; every line was a request at least."""
        run_id, batch_id = batch
        raw = self._ledger.read("SELECT lines FROM raw_files WHERE run_id = ? AND batch_id = ?", batch)
        now = self._ledger.now().timestamp()
        at = _run_start(run_id) or now
        with self._ledger.write() as connection:
            told = "the ledger was lost: known by its files alone"
            _insert(connection, "runs", {"run_id": run_id, "trigger": "external", "state": "crashed", "pid": 0,
                                         "started_at": at, "finished_at": at, "message": told})  # fmt: skip
            _insert(connection, "task_runs", {"run_id": run_id, "batch_id": batch_id, "attempt": 1, "task": "",
                                              "state": "succeeded", "started_at": at, "finished_at": at,
                                              "requests": raw[0]["lines"] if raw else 0, "message": told})  # fmt: skip

    def _add_raw(self, file: FoundFile) -> None:
        content = (self._workspace.root / file.path).read_bytes()
        try:
            text = zstandard.ZstdDecompressor().stream_reader(content, read_across_frames=True).read()
        except zstandard.ZstdError:
            return  # never whole, or damaged: `sweep` removes the one, its parts tell of the other
        values = {
            "run_id": file.run_id, "batch_id": file.batch_id, "path": file.path, "day": file.day,
            "bytes": len(content), "lines": sum(bool(line.strip()) for line in text.split(b"\n")),
            "sha256": hashlib.sha256(content).hexdigest(),
        }  # fmt: skip
        with self._ledger.write(durable=False) as connection:
            _insert(connection, "raw_files", values)

    def _find_again(self, file: FoundFile) -> None:
        """A part that has another file by now than the generation or the old ledger said."""
        query = "SELECT * FROM parts WHERE run_id = ? AND batch_id = ? AND table_name = ?"
        for row in self._ledger.read(query, (file.run_id, file.batch_id, file.layer)):
            if row["path"] == file.path or (self._workspace.root / row["path"]).is_file():
                continue
            if (rows := self._rows(file)) is not None:
                content = (self._workspace.root / file.path).read_bytes()
                with self._ledger.write() as connection:
                    connection.execute(
                        "UPDATE parts SET path = ?, rows = ?, bytes = ?, sha256 = ? WHERE seq = ?",
                        (file.path, rows, len(content), hashlib.sha256(content).hexdigest(), row["seq"]),
                    )

    def _add_part(self, file: FoundFile) -> None:
        if (rows := self._rows(file)) is None:
            return
        content = (self._workspace.root / file.path).read_bytes()
        values = {
            "table_name": file.layer, "path": file.path, "day": file.day, "rows": rows, "bytes": len(content),
            "sha256": hashlib.sha256(content).hexdigest(), "schema_version": SCHEMA_VERSION,
            "run_id": file.run_id, "batch_id": file.batch_id,
        }  # fmt: skip
        with self._ledger.write() as connection:
            _insert(connection, "parts", values)

    def _rows(self, file: FoundFile) -> int | None:
        """Rows of a Parquet file that can be read to its end, else None."""
        query = "SELECT count(*), bit_xor(hash(t)) FROM read_parquet(?, hive_partitioning = false) t"
        try:
            with engine.cursor() as con:
                return int(con.execute(query, [str(self._workspace.root / file.path)]).fetchall()[0][0])
        except duckdb.Error:
            return None


def _run_start(run_id: str) -> float | None:
    try:
        return datetime.strptime(run_id[:15], "%Y%m%dT%H%M%S").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None


def _count_as_spent(ledger: Ledger, now: float) -> None:
    """Requests of the last day that no row tells of any more, each where it may have counted."""
    recent = ledger.read(
        "SELECT run_id, batch_id, task, state, finished_at AS at, requests FROM task_runs t WHERE at > ? "
        "AND NOT EXISTS (SELECT 1 FROM requests q WHERE q.run_id = t.run_id AND q.batch_id = t.batch_id)",
        (now - DAY_S,),
    )
    with ledger.write() as connection:
        for row in recent:
            for bucket in TASK_BUCKETS.get(row["task"], BUCKETS):
                connection.executemany(
                    "INSERT INTO requests (at, bucket, endpoint) VALUES (?, ?, 'lost')",
                    [(row["at"], bucket)] * int(row["requests"]),
                )
                if row["state"] == "deferred":
                    connection.execute(
                        "INSERT INTO buckets (bucket, locked_until, reason) VALUES (?, ?, 'the ledger was lost') "
                        "ON CONFLICT (bucket) DO UPDATE SET "
                        "locked_until = max(buckets.locked_until, excluded.locked_until)",
                        (bucket, row["at"] + DAY_S),
                    )
