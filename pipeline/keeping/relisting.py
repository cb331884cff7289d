"""What lies on the disk and a new ledger does not know yet, listed in it by what names and footers say.

Imports `engine`, `exchange`, `files`, `found_files`, `ledger`, `replay`, `staging`, `truth`, `volumes`, `normalize`,
`parquet`.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import zstandard

from pipeline.keeping.exchange import Exchange
from pipeline.keeping.found_files import FoundFile, find_files
from pipeline.keeping.replay import derive_batch, was_cut
from pipeline.lake import engine
from pipeline.lake.files import is_hidden, sha256_of
from pipeline.lake.normalize import Normalizer
from pipeline.lake.parquet import parquet_bytes
from pipeline.lake.truth import truth_files
from pipeline.lake.volumes import has_its_name, is_volume, members_of
from pipeline.published.staging import parts_select
from pipeline.records.database import Connection, Row
from pipeline.records.ledger import Ledger
from pipeline.schema import LAKE, SCHEMA_VERSION
from pipeline.workspace import Workspace

__all__ = ["insert_row", "list_files"]

_OF_BATCH = "run_id = ? AND batch_id = ?"


def list_files(workspace: Workspace, ledger: Ledger, normalizer: Normalizer) -> int:
    """List them; how many batches had not been known."""
    return _UnlistedFiles(workspace, ledger, normalizer).take()


def insert_row(connection: Connection, table: str, values: dict[str, Any]) -> bool:
    """Whether a row was new in a table, and is there now."""
    names, marks = ", ".join(values), ", ".join("?" for _ in values)
    try:
        found = connection.execute(f"INSERT OR IGNORE INTO {table} ({names}) VALUES ({marks})", list(values.values()))
    except sqlite3.IntegrityError:  # a value that no column takes: a damaged row
        return False
    return found.rowcount > 0


class _UnlistedFiles:
    """What lies on the disk and the new ledger does not know yet.

    No write waits for the disk: the ledger is a file aside, which is made durable before it takes its place.
    """

    def __init__(self, workspace: Workspace, ledger: Ledger, normalizer: Normalizer) -> None:
        self._workspace, self._ledger, self._normalizer = workspace, ledger, normalizer
        runs = {str(row["run_id"]) for row in ledger.read("SELECT run_id FROM runs")}
        self._files = find_files(workspace, runs | {path.name for path in workspace.raw.glob("day=*/*")})

    def take(self) -> int:
        """List them; how many batches had not been known."""
        batches = dict.fromkeys((file.run_id, file.batch_id) for file in self._files)
        new = [batch for batch in batches if self._is_new(*batch)]  # some of its parts may lie in volumes
        bound = [self._take_volume(path) for path in self._volumes()]
        raw = {(file.run_id, file.batch_id): file for file in self._files if file.layer == "raw"}
        parts = [file for file in self._files if file.layer != "raw"]
        for file in raw.values():
            self._add_raw(file)
        for file in parts:
            self._find_again(file)
        for batch in new:
            self._begin(batch)
            if batch not in raw or was_cut(raw[batch].path):
                for file in parts:
                    if (file.run_id, file.batch_id) == batch:
                        self._add_part(file)
            if batch in raw:
                row = self._ledger.read("SELECT * FROM raw_files WHERE run_id = ? AND batch_id = ?", batch)[0]
                derive_batch(self._workspace, self._ledger, self._normalizer, row, set()).exchange.carry_out()
        self._take_out()
        return len(set(new).union(*bound))

    def _volumes(self) -> list[Path]:
        """Those that are whole, the newest first: what was purged lies in earlier ones."""
        found = [path for path in truth_files(self._workspace) if is_volume(path) and not is_hidden(path)]
        return sorted(filter(has_its_name, found), key=lambda path: path.stat().st_mtime_ns, reverse=True)

    def _take_volume(self, path: Path) -> set[tuple[str, str]]:
        """List the parts of a volume that have no other file; the batches that had not been known."""
        relative = path.relative_to(self._workspace.root).as_posix()
        new = set[tuple[str, str]]()
        values = {
            "table_name": path.parent.parent.name, "path": relative, "bytes": path.stat().st_size,
            "sha256": sha256_of(path), "schema_version": SCHEMA_VERSION,
        }  # fmt: skip
        for member in members_of(path):
            own, batch = {**asdict(member), **values}, (member.run_id, member.batch_id)
            there = self._parts(*batch, own["table_name"])
            if there and not (self._workspace.root / there[0]["path"]).is_file():
                self._point(there[0]["seq"], own)
            elif not there:
                new |= {batch} if self._is_new(*batch) else set()
                self._begin(batch)
                self._insert_part(own)
        return new

    def _take_out(self) -> None:
        """Give a part whose place was given to another a file of its own: in a volume its rows are found by place."""
        for volume in self._volumes():
            places = {(each.run_id, each.batch_id): each.seq for each in members_of(volume)}
            path = volume.relative_to(self._workspace.root).as_posix()
            for part in self._ledger.read("SELECT * FROM parts WHERE path = ? ORDER BY seq", (path,)):
                place = places.get((part["run_id"], part["batch_id"]))
                if place is not None and place != part["seq"]:
                    self._move_out(volume, part, place)

    def _move_out(self, volume: Path, part: Row, place: int) -> None:
        name = part["table_name"]
        rows = parts_select(name, [(volume, part["schema_version"], place)])
        with engine.cursor() as con:
            kept = engine.arrow(con, f"SELECT {', '.join(LAKE[name].column_names())} FROM ({rows})")
        exchange = Exchange(self._workspace, self._ledger)
        exchange.replace_part(part, parquet_bytes(name, kept), kept.num_rows, SCHEMA_VERSION)
        exchange.carry_out()

    def _insert_part(self, values: dict[str, Any]) -> None:
        with self._ledger.write(durable=False) as connection:
            if not insert_row(connection, "parts", values):
                insert_row(connection, "parts", {name: value for name, value in values.items() if name != "seq"})

    def _point(self, seq: int, values: Mapping[str, Any]) -> None:
        """Have a part that is known lie in another file."""
        names = ("path", "rows", "bytes", "sha256", "schema_version")
        with self._ledger.write(durable=False) as connection:
            connection.execute(
                f"UPDATE parts SET {', '.join(f'{name} = ?' for name in names)} WHERE seq = ?",
                (*(values[name] for name in names), seq),
            )

    def _parts(self, run_id: str, batch_id: str, table: str) -> list[Row]:
        query = "SELECT * FROM parts WHERE run_id = ? AND batch_id = ? AND table_name = ?"
        return self._ledger.read(query, (run_id, batch_id, table))

    def _is_new(self, run_id: str, batch_id: str) -> bool:
        query = "SELECT 1 FROM parts WHERE run_id = ? AND batch_id = ? LIMIT 1"
        return not self._ledger.read(query, (run_id, batch_id))

    def _begin(self, batch: tuple[str, str]) -> None:
        """A run and an attempt for a batch that only its files tell of; every line was a request at least."""
        run_id, batch_id = batch
        raw = self._ledger.read("SELECT lines FROM raw_files WHERE run_id = ? AND batch_id = ?", batch)
        now = self._ledger.now().timestamp()
        at = _run_start(run_id) or now
        with self._ledger.write(durable=False) as connection:
            told = "the ledger was lost: known by its files alone"
            insert_row(connection, "runs", {"run_id": run_id, "trigger": "external", "state": "crashed", "pid": 0,
                                         "started_at": at, "finished_at": at, "message": told})  # fmt: skip
            insert_row(connection, "task_runs", {"run_id": run_id, "batch_id": batch_id, "attempt": 1, "task": "",
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
            if insert_row(connection, "raw_files", values):
                return
            key = (file.run_id, file.batch_id)
            for (path,) in connection.execute(f"SELECT path FROM raw_files WHERE {_OF_BATCH}", key).fetchall():
                if not (self._workspace.root / path).is_file():  # a name in the old ledger was damaged
                    connection.execute(
                        f"UPDATE raw_files SET path = ?, day = ? WHERE {_OF_BATCH}", (file.path, file.day, *key)
                    )

    def _find_again(self, file: FoundFile) -> None:
        """A part that has another file by now than the generation or the old ledger said."""
        for row in self._parts(file.run_id, file.batch_id, file.layer):
            if row["path"] == file.path or not self._is_older(row["path"], file):
                continue
            if (found := self._described(file)) is not None:
                self._point(row["seq"], {**found, "schema_version": row["schema_version"]})

    def _is_older(self, path: str, file: FoundFile) -> bool:
        """Whether a part's file is gone, or a volume that the part has left since for a file of its own."""
        there = self._workspace.root / path
        return not there.is_file() or (is_volume(path) and there.stat().st_mtime_ns < file.written_ns)

    def _add_part(self, file: FoundFile) -> None:
        if (found := self._described(file)) is not None:
            self._insert_part(found)

    def _described(self, file: FoundFile) -> dict[str, Any] | None:
        """A part as the ledger has it; None where it cannot be read to its end."""
        if (rows := self._rows(file.path)) is None:
            return None
        content = (self._workspace.root / file.path).read_bytes()
        return {
            "table_name": file.layer, "path": file.path, "day": file.day, "rows": rows, "bytes": len(content),
            "sha256": hashlib.sha256(content).hexdigest(), "schema_version": SCHEMA_VERSION,
            "run_id": file.run_id, "batch_id": file.batch_id,
        }  # fmt: skip

    def _rows(self, path: str) -> int | None:
        """Rows of a Parquet file that can be read to its end, else None."""
        query = "SELECT count(*), bit_xor(hash(t)) FROM read_parquet(?, hive_partitioning = false) t"
        try:
            with engine.cursor() as con:
                return int(con.execute(query, [str(self._workspace.root / path)]).fetchall()[0][0])
        except duckdb.Error:
            return None


def _run_start(run_id: str) -> float | None:
    try:
        return datetime.strptime(run_id[:15], "%Y%m%dT%H%M%S").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None
