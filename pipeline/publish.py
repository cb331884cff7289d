"""Build and publish a generation: a copy of the current one with every part committed since, in one transaction.

Under a lock between processes; the new file is fsynced and renamed before CURRENT points to it, three are kept. What a
part does to the published tables stands in `sql/publish/`, in the order of `STEPS`. Imports `generations`, `files`,
`ledger`, `schema`.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
from filelock import FileLock, Timeout

from pipeline import engine
from pipeline.errors import DamagedFile, DiskFull, StorageError, WriterBusy
from pipeline.files import explained, hidden, place_files, remove_files, replace_file
from pipeline.generations import Generation, current_number, generation_path, live, open_generation
from pipeline.ledger import Ledger, with_times
from pipeline.merges import STEPS, merge_statement, publish_sql
from pipeline.schema import PUBLISHED, STATE, create_statement
from pipeline.workspace import Workspace

__all__ = ["Generation", "Published", "current_number", "live", "open_generation", "publish"]

KEPT = 3  # generations: the current one, and those that readers may still be in
LOCK_WAIT_S = 60.0
Rows = Sequence[dict[str, Any]]


@dataclass(frozen=True)
class Published:
    """What a publish did; `number` is the current generation afterwards, 0 while there is none."""

    number: int
    parts: int
    rows: int
    seconds: float
    changed: bool


def publish(workspace: Workspace, ledger: Ledger, *, force: bool = False) -> Published:
    """Make every committed part readable in a new generation; with none pending only `force` builds one (for `runs`).

    Raises WriterBusy when another process publishes for a minute, DamagedFile naming a part that is not what was
    committed, DiskFull: the current generation stays as it is.
    """
    begun = time.perf_counter()
    with _publish_lock(workspace):
        current = current_number(workspace)
        applied = 0 if current is None else int(open_generation(workspace).meta("applied_seq"))
        pending = ledger.read("SELECT * FROM parts WHERE seq > ? ORDER BY seq", (applied,))
        if not pending and not force:
            return Published(current or 0, 0, 0, time.perf_counter() - begun, changed=False)
        number = _next_number(workspace, ledger, current)
        _build(workspace, ledger, current, number, pending)
        _retire(workspace, number)
    rows = sum(part["rows"] for part in pending)
    return Published(number, len(pending), rows, time.perf_counter() - begun, changed=True)


@contextmanager
def _publish_lock(workspace: Workspace) -> Iterator[None]:
    path = workspace.db / ".lock"
    lock = FileLock(path)
    with explained(path):
        workspace.db.mkdir(exist_ok=True)
        try:
            lock.acquire(timeout=LOCK_WAIT_S)
        except Timeout:
            message = f"Another process has been publishing in {workspace.db} for {LOCK_WAIT_S:.0f} s."
            raise WriterBusy(f"{message} Run again later; nothing was lost.") from None
    try:
        yield
    finally:
        lock.release()


def _build(workspace: Workspace, ledger: Ledger, current: int | None, number: int, pending: Rows) -> None:
    path = generation_path(workspace, number)
    aside = hidden(path)
    try:
        with explained(path):
            if current is not None:
                shutil.copyfile(generation_path(workspace, current), aside)
        with engine.building(aside) as con:
            con.execute("BEGIN")
            _fill(con, workspace, ledger, number, pending, fresh=current is None)
            con.execute("COMMIT")
        place_files([path])
        replace_file(workspace.db / "CURRENT", f"{number} {path.stat().st_size}\n".encode())
    except duckdb.Error as error:
        raise _explain(error, path) from error
    finally:
        remove_files([aside.with_name(f"{aside.name}.wal")])
        aside.unlink(missing_ok=True)


def _fill(
    con: duckdb.DuckDBPyConnection, workspace: Workspace, ledger: Ledger, number: int, pending: Rows, *, fresh: bool
) -> None:
    if fresh:
        for table in (*PUBLISHED.values(), *STATE.values()):
            con.execute(create_statement(table))
    staged = _stage(con, workspace, pending)
    newest = con.execute("SELECT coalesce(max(day), '') FROM state_parts").fetchall()[0][0]
    days = [newest, *(part["day"] for part in pending)]
    ordered = days == sorted(days)
    for step in STEPS:
        if not staged.isdisjoint(step.needs):
            con.execute(merge_statement(step, ordered=ordered))
    _record(con, ledger, number, pending)


def _stage(con: duckdb.DuckDBPyConnection, workspace: Workspace, pending: Rows) -> set[str]:
    """Make `staged_T` show the new rows of lake table T; the tables that have any."""
    paths: dict[str, list[Path]] = {}
    for part in pending:
        paths.setdefault(part["table_name"], []).append(_checked(workspace.root / part["path"], part["sha256"]))
    for name, listed in paths.items():
        quoted = ", ".join(f"'{engine.quoted(path)}'" for path in listed)
        con.execute(publish_sql("staged").replace("{lake}", name).replace("{paths}", quoted))
    return set(paths)


def _checked(path: Path, sha256: str) -> Path:
    try:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        message = f"{path} cannot be read ({error.strerror}), yet the ledger has it."
        raise DamagedFile(f"{message} Put it back from a backup and run again; nothing was published.") from None
    if found != sha256:
        message = f"{path} is not what was committed: its hash differs."
        raise DamagedFile(f"{message} Put it back from a backup and run again; nothing was published.")
    return path


def _record(con: duckdb.DuckDBPyConnection, ledger: Ledger, number: int, pending: Rows) -> None:
    """Copy runs from the ledger, and note the parts so that a lost ledger can be written anew."""
    ended = con.execute("SELECT to_json(list(run_id)) FROM runs WHERE finished_at IS NOT NULL").fetchall()[0][0]
    new = "run_id NOT IN (SELECT value FROM json_each(?))"  # a run that has ended does not change any more
    runs = ledger.runs(limit=-1, where=f"r.{new}", params=(ended or "[]",))
    tasks = ledger.read(f"SELECT * FROM task_runs WHERE {new} ORDER BY run_id, batch_id, attempt", (ended or "[]",))
    for name, rows in (("task_runs", [with_times(row) for row in tasks]), ("runs", runs[::-1])):
        con.execute(f"DELETE FROM {name} WHERE run_id IN (SELECT run_id FROM runs WHERE finished_at IS NULL)")
        _insert(con, name, rows)
    _insert(con, "state_parts", pending)
    con.execute("DELETE FROM state_meta")
    con.execute("INSERT INTO state_meta SELECT 'applied_seq', coalesce(max(seq), 0)::VARCHAR FROM state_parts")
    con.execute("INSERT INTO state_meta VALUES ('number', ?)", [str(number)])


def _insert(con: duckdb.DuckDBPyConnection, name: str, rows: Rows) -> None:
    """Insert ledger rows; instants are UTC, and lose their zone."""
    columns = {**PUBLISHED, **STATE}[name].columns
    shape = json.dumps([{column.name: column.type for column in columns}])
    kept = [{column.name: row[column.name] for column in columns} for row in rows]
    content = json.dumps(kept, default=lambda instant: instant.replace(tzinfo=None).isoformat())
    con.execute(f"INSERT INTO {name} SELECT unnest(from_json(?, ?), recursive := true)", (content, shape))


def _next_number(workspace: Workspace, ledger: Ledger, current: int | None) -> int:
    """A number never given before here, even when the folder was deleted: DuckDB knows databases by their path."""
    found = [int(path.stem[-8:]) for path in workspace.db.glob("*garimpo-*.duckdb")]
    number = max(current or 0, int(ledger.meta("generation") or 0), *found, 0) + 1
    ledger.set_meta("generation", str(number))
    return number


def _retire(workspace: Workspace, number: int) -> None:
    """Remove generations before the last three, and what killed publishers left."""
    oldest = generation_path(workspace, number - KEPT + 1)
    remove_files(path for path in workspace.db.glob("garimpo-*.duckdb") if path < oldest)
    remove_files(
        workspace.db / path.name.removeprefix(".tmp-")
        for path in workspace.db.glob(".tmp-*")
        if "CURRENT" not in path.name
    )


def _explain(error: duckdb.Error, path: Path) -> StorageError:
    text = str(error).splitlines()[0]
    if "No space left" in text or "File too large" in text or isinstance(error, duckdb.OutOfMemoryException):
        message = f"No space left for {path} ({text}). Free some space and run again; "
        return DiskFull(f"{message}the current generation stays, nothing was lost.")
    message = f"{path} could not be built ({text}). Run again, or see `python -m pipeline doctor`; "
    return StorageError(f"{message}the current generation stays.")
