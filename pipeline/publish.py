"""Build and publish a generation: a copy of the current one with every part committed since, in one transaction.

Under a lock between processes; the new file is fsynced and renamed before CURRENT points to it, three are kept. What a
part does to the published tables stands in `building` and `merges`. Imports `building`, `generations`, `files`,
`ledger`.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import duckdb
from filelock import FileLock, Timeout

from pipeline import engine
from pipeline.building import Rows, Source, fill, insert_rows
from pipeline.checks import count_rows, prove
from pipeline.errors import DamagedFile, DiskFull, StorageError, WriterBusy
from pipeline.files import explained, hidden, place_files, remove_files, replace_file
from pipeline.generations import Generation, current_number, generation_path, live, open_generation
from pipeline.ledger import Ledger, with_times
from pipeline.workspace import Workspace

__all__ = ["Generation", "Published", "current_number", "live", "open_generation", "publish", "rebuild"]

KEPT = 3  # generations: the current one, and those that readers may still be in
LOCK_WAIT_S = 60.0


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
    committed, DiskFull, PublishRefused when a blocking check fails: the current generation stays as it is.
    """
    with _publish_lock(workspace):
        begun = time.perf_counter()
        current = current_number(workspace)
        applied = 0 if current is None else int(open_generation(workspace).meta("applied_seq"))
        pending = _parts(ledger, applied)
        if not pending and not force:
            return Published(current or 0, 0, 0, time.perf_counter() - begun, changed=False)
        return _publish(workspace, ledger, pending, current, begun)


def rebuild(workspace: Workspace, ledger: Ledger) -> Published:
    """A new generation from the committed parts alone, equal to what publishing them one by one gives.

    Asks nothing of the current generation, which may be damaged. Raises as `publish` does.
    """
    with _publish_lock(workspace):
        return _publish(workspace, ledger, _parts(ledger, 0), None, time.perf_counter())


def _parts(ledger: Ledger, after: int) -> Rows:
    return ledger.read("SELECT * FROM parts WHERE seq > ? ORDER BY seq", (after,))


def _publish(workspace: Workspace, ledger: Ledger, parts: Rows, onto: int | None, begun: float) -> Published:
    """A generation of these parts and those in generation `onto`; its pointer set, old ones gone."""
    number = _next_number(workspace, ledger)
    _build(workspace, ledger, onto, number, Source(workspace.root, parts))
    _retire(workspace, number)
    rows = sum(part["rows"] for part in parts)
    return Published(number, len(parts), rows, time.perf_counter() - begun, changed=True)


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


def _build(workspace: Workspace, ledger: Ledger, onto: int | None, number: int, source: Source) -> None:
    path = generation_path(workspace, number)
    aside = hidden(path)
    try:
        with explained(path):
            if onto is not None:
                shutil.copyfile(generation_path(workspace, onto), aside)
        with engine.building(aside) as con:
            con.execute("BEGIN")
            before = {} if onto is None else count_rows(con)
            fill(con, source, fresh=onto is None)
            _record(con, ledger, number)
            prove(con, ledger, number, None if onto is None else source.first_day(), before)
            con.execute("COMMIT")
        place_files([path])
        replace_file(workspace.db / "CURRENT", f"{number} {path.stat().st_size}\n".encode())
    except duckdb.Error as error:
        raise _explain(error, path) from error
    finally:
        remove_files([aside.with_name(f"{aside.name}.wal")])
        aside.unlink(missing_ok=True)


def _record(con: duckdb.DuckDBPyConnection, ledger: Ledger, number: int) -> None:
    """Copy runs from the ledger, and note how far the generation reaches."""
    ended = con.execute("SELECT to_json(list(run_id)) FROM runs WHERE finished_at IS NOT NULL").fetchall()[0][0]
    new = "run_id NOT IN (SELECT value FROM json_each(?))"  # a run that has ended does not change any more
    runs = ledger.runs(limit=-1, where=f"r.{new}", params=(ended or "[]",))
    tasks = ledger.read(f"SELECT * FROM task_runs WHERE {new} ORDER BY run_id, batch_id, attempt", (ended or "[]",))
    for name, rows in (("task_runs", [with_times(row) for row in tasks]), ("runs", runs[::-1])):
        con.execute(f"DELETE FROM {name} WHERE run_id IN (SELECT run_id FROM runs WHERE finished_at IS NULL)")
        insert_rows(con, name, rows)
    con.execute("DELETE FROM state_meta")
    con.execute("INSERT INTO state_meta SELECT 'applied_seq', coalesce(max(seq), 0)::VARCHAR FROM state_parts")
    con.execute("INSERT INTO state_meta VALUES ('number', ?)", [str(number)])


def _next_number(workspace: Workspace, ledger: Ledger) -> int:
    """A number never given before here, even when the folder was deleted: DuckDB knows databases by their path."""
    found = [int(path.stem[-8:]) for path in workspace.db.glob("*garimpo-*.duckdb")]
    with suppress(DamagedFile):  # what a rebuild mends
        found.append(current_number(workspace) or 0)
    number = max(int(ledger.meta("generation") or 0), *found, 0) + 1
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
