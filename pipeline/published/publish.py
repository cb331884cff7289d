"""Build and publish a generation: a copy of the current one with every part committed since, in one transaction.

Under a lock between processes; the new file is fsynced and renamed before CURRENT points to it, three are kept. What a
part does to the published tables stands in `building` and `merges`. Imports `building`, `checks`, `generations`,
`files`, `truth`, `ledger`.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

import duckdb
from filelock import FileLock, Timeout

from pipeline.errors import DamagedFile, DiskFull, StorageError, WriterBusy
from pipeline.lake import engine
from pipeline.lake.files import explained, fsync_file, hidden, place_files, remove_files, replace_file
from pipeline.lake.store import highest_number, require_ledger
from pipeline.lake.truth import fetch_truth
from pipeline.published.building import fill, insert_rows, shape
from pipeline.published.checks import count_rows, prove
from pipeline.published.generations import Generation, current_number, generation_path, live, open_generation
from pipeline.published.history_files import history_files
from pipeline.published.staging import Source
from pipeline.records.ledger import ALL, Ledger, with_times
from pipeline.workspace import Workspace

__all__ = [
    "EXCHANGED",
    "REBUILD_DUE",
    "Generation",
    "Published",
    "current_number",
    "lags",
    "live",
    "open_generation",
    "place_generation",
    "publish",
    "publish_lock",
    "rebuild",
    "retire",
]

KEPT = 3  # generations: the current one, and those that readers may still be in
REBUILD_DUE = "rebuild_due"  # "1" in the ledger's meta: rows were let go of, that are still in what was published
EXCHANGED = (
    "exchanged"  # changes in the ledger's meta with every exchange of parts; a generation notes which it has seen
)
LOCK_WAIT_S = 60.0
WHOLE_S, LOOK_S = 30.0, 0.01


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
    with publish_lock(workspace):
        begun = time.perf_counter()
        if ledger.meta(REBUILD_DUE) == "1" or lags(workspace, ledger):
            return _rebuild(workspace, ledger, begun)
        current = current_number(workspace)
        if current is None or open_generation(workspace).meta("shape") != shape():
            current = None
        applied = 0 if current is None else int(open_generation(workspace).meta("applied_seq"))
        source = _source(workspace, ledger, applied)
        if current is not None and not source.parts and not force:
            return Published(current, 0, 0, time.perf_counter() - begun, changed=False)
        return _publish(workspace, ledger, source, current, begun)


def lags(workspace: Workspace, ledger: Ledger) -> bool:
    """Whether what is published here was made before parts were exchanged on another machine that shares the ledger."""
    exchanged = ledger.meta(EXCHANGED) or ""
    with suppress(DamagedFile, duckdb.Error):  # one that cannot be read is built anew for that
        return current_number(workspace) is not None and open_generation(workspace).meta(EXCHANGED) != exchanged
    return False


def rebuild(workspace: Workspace, ledger: Ledger) -> Published:
    """A new generation from the committed parts alone, equal to what publishing them one by one gives.

    Asks nothing of the current generation, which may be damaged. Where rows were let go of (meta `rebuild_due`), the
    generations and history files that still have them go at once. Raises as `publish` does.
    """
    with publish_lock(workspace):
        return _rebuild(workspace, ledger, time.perf_counter())


def _rebuild(workspace: Workspace, ledger: Ledger, begun: float) -> Published:
    due = ledger.meta(REBUILD_DUE) == "1" or lags(workspace, ledger)
    published = _publish(workspace, ledger, _source(workspace, ledger, 0), None, begun)
    if due:
        retire(workspace, published.number, kept=1)
        ledger.set_meta(REBUILD_DUE, "0")
    return published


def _source(workspace: Workspace, ledger: Ledger, after: int) -> Source:
    exchanged = ledger.meta(EXCHANGED) or ""  # before the parts: what is exchanged meanwhile is noticed the next time
    parts = ledger.read("SELECT * FROM parts WHERE seq > ? ORDER BY seq", (after,))
    return Source(workspace.root, parts, exchanged=exchanged)


def _publish(workspace: Workspace, ledger: Ledger, source: Source, onto: int | None, begun: float) -> Published:
    """A generation of these parts and those in generation `onto`; its pointer set, old ones gone."""
    fetch_truth(workspace, ((part["path"], part["sha256"]) for part in source.parts))
    fresh, since = onto is None, None if onto is None else source.first_day()
    number = place_generation(workspace, ledger, partial(fill, source=source, fresh=fresh), onto=onto, since=since)
    retire(workspace, number)
    rows = sum(part["rows"] for part in source.parts)
    return Published(number, len(source.parts), rows, time.perf_counter() - begun, changed=True)


@contextmanager
def publish_lock(workspace: Workspace) -> Iterator[None]:
    """Held by the one process that makes a generation; raises WriterBusy after a minute."""
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


def place_generation(
    workspace: Workspace,
    ledger: Ledger,
    change: Callable[[duckdb.DuckDBPyConnection], None],
    *,
    onto: int | None,
    since: date | None,
) -> int:
    """Make a generation and point to it: a copy of generation `onto`, or an empty file, after `change`. Its number.

    For the holder of the lock. `since`: first day of rows that are new, None for all; checks prove those.
    """
    number = _next_number(workspace, ledger)
    path = generation_path(workspace, number)
    aside = hidden(path)
    try:
        with _copied(generation_path(workspace, onto) if onto else None, aside), engine.building(aside) as con:
            con.execute("BEGIN")
            before = {} if onto is None else count_rows(con)
            change(con)
            _record(con, ledger, number)
            prove(con, ledger, number, since, before)
            con.execute("COMMIT")
        _await_whole(aside, number)
        place_files([path])
        replace_file(workspace.db / "CURRENT", f"{number} {path.stat().st_size}\n".encode())
    except duckdb.Error as error:
        raise _explain(error, path) from error
    finally:
        remove_files([aside.with_name(f"{aside.name}.wal")])
        aside.unlink(missing_ok=True)
    return number


@contextmanager
def _copied(source: Path | None, path: Path) -> Iterator[None]:
    """A copy of a file, if there is one, that the disk takes while it is worked with; it has it at the end."""
    if source is None:
        yield
        return
    with explained(path):
        shutil.copyfile(source, path)
    with ThreadPoolExecutor(1) as pool:
        taken = pool.submit(fsync_file, path)
        yield
        with explained(path):
            taken.result()  # who asks later is not told of what could not be written here


def _await_whole(path: Path, number: int) -> None:
    """Wait until a file holds what was committed to it: another thread of the engine may keep it open a moment longer.

    Seen once under load: what was renamed was the empty file that it still was. Raises StorageError after a while.
    """
    until = time.monotonic() + WHOLE_S
    while not _is_whole(path, number):
        if time.monotonic() > until:
            raise StorageError(f"{path} was not written to its end. Run again; the current generation stays.")
        time.sleep(LOOK_S)


def _is_whole(path: Path, number: int) -> bool:
    if path.with_name(f"{path.name}.wal").exists():
        return False
    try:
        alias = engine.attach(path)
    except duckdb.Error:
        return False
    try:
        with engine.cursor(alias) as con:
            told = con.execute("SELECT value FROM state_meta WHERE key = 'number'").fetchall()
        return told == [(str(number),)]
    except duckdb.Error:
        return False
    finally:
        engine.detach(alias)


def _record(con: duckdb.DuckDBPyConnection, ledger: Ledger, number: int) -> None:
    """Copy runs from the ledger, and note how far the generation reaches."""
    ended = con.execute("SELECT to_json(list(run_id)) FROM runs WHERE finished_at IS NOT NULL").fetchall()[0][0]
    new = "run_id NOT IN (SELECT value FROM json_each(?))"  # a run that has ended does not change any more
    runs = ledger.runs(limit=ALL, where=f"r.{new}", params=(ended or "[]",))
    tasks = ledger.read(f"SELECT * FROM task_runs WHERE {new} ORDER BY run_id, batch_id, attempt", (ended or "[]",))
    for name, rows in (("task_runs", [with_times(row) for row in tasks]), ("runs", runs[::-1])):
        con.execute(f"DELETE FROM {name} WHERE run_id IN (SELECT run_id FROM runs WHERE finished_at IS NULL)")
        insert_rows(con, name, rows)
    con.execute("DELETE FROM state_meta WHERE key IN ('applied_seq', 'number', 'shape')")
    con.execute("INSERT INTO state_meta SELECT 'applied_seq', coalesce(max(seq), 0)::VARCHAR FROM state_parts")
    con.execute("INSERT INTO state_meta VALUES ('number', ?), ('shape', ?)", [str(number), shape()])


def _next_number(workspace: Workspace, ledger: Ledger) -> int:
    """A number never given before here, even when the folder was deleted: DuckDB knows databases by their path.

    Raises DamagedFile for a ledger that was lost: what is published would be replaced by what little it knows.
    """
    require_ledger(workspace, ledger)
    found = [highest_number(workspace.db, unfinished=True)]
    with suppress(DamagedFile):  # what a rebuild mends
        found.append(current_number(workspace) or 0)
    number = max(int(ledger.meta("generation") or 0), *found) + 1
    ledger.set_meta("generation", str(number))
    return number


def retire(workspace: Workspace, number: int, kept: int = KEPT) -> None:
    """Remove generations but for the last `kept`, what was made of them, and what killed publishers left."""
    oldest = generation_path(workspace, number - kept + 1)
    remove_files(path for path in workspace.db.glob("garimpo-*.duckdb") if path < oldest)
    for path in (workspace.db / "as-of").glob("*garimpo-*"):
        if path.name[path.name.index("garimpo-") :] < oldest.stem:
            remove_files([path])
    remove_files(
        workspace.db / path.name.removeprefix(".tmp-")
        for path in workspace.db.glob(".tmp-*")
        if "CURRENT" not in path.name
    )
    _retire_history(workspace, [path for path in workspace.db.glob("garimpo-*.duckdb") if path >= oldest])


def _retire_history(workspace: Workspace, kept: list[Path]) -> None:
    """Remove history files that no kept generation lists; while one of them cannot be read, none."""
    there = {path.relative_to(workspace.root).as_posix() for path in history_files(workspace.root)}
    listed = {row[0] for row in open_generation(workspace).rows("SELECT path FROM state_history")} if there else set()
    with suppress(duckdb.Error):
        for path in kept if there - listed else ():
            with closing(duckdb.connect(path, read_only=True)) as con:
                listed |= {row[0] for row in con.execute("SELECT path FROM state_history").fetchall()}
        remove_files(workspace.root / path for path in there - listed)


def _explain(error: duckdb.Error, path: Path) -> StorageError:
    text = str(error).splitlines()[0]
    if "No space left" in text or "File too large" in text or isinstance(error, duckdb.OutOfMemoryException):
        message = f"No space left for {path} ({text}). Free some space and run again; "
        return DiskFull(f"{message}the current generation stays, nothing was lost.")
    message = f"{path} could not be built ({text}). Run again, or see `python -m pipeline doctor`; "
    return StorageError(f"{message}the current generation stays.")
