"""Put a generation in the place of the current one: made aside in one transaction, proved as it is then, pointed to.

Under a lock between processes; the new file is fsynced and renamed before CURRENT points to it, three are kept. Imports
`building`, `checks`, `generations`, `files`, `ledger`, `engine`, `store`, `history_files`.
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import date
from pathlib import Path

import duckdb
from filelock import FileLock, Timeout

from pipeline.errors import DamagedFile, DiskFull, StorageError, WriterBusy
from pipeline.lake import engine
from pipeline.lake.files import explained, fsync_file, hidden, place_files, remove_files, replace_file
from pipeline.lake.store import highest_number, require_ledger
from pipeline.published.building import insert_rows, shape
from pipeline.published.checks import count_rows, prove
from pipeline.published.generations import current_number, generation_path, lost, open_generation
from pipeline.published.history_files import history_files
from pipeline.records.ledger import ALL, Ledger, with_times
from pipeline.workspace import Workspace

__all__ = ["is_publishing", "place_generation", "publish_lock", "retire"]

KEPT = 3  # generations: the current one, and those that readers may still be in
LOCK_WAIT_S = 60.0
WHOLE_S, LOOK_S = 30.0, 0.01
UNSOUND = ("2.0.0",)  # versions of DuckDB that confuse their memory while they change a file (docs/decisions/0051)


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


def is_publishing(workspace: Workspace) -> bool:
    """Whether some process makes a generation at this moment, as far as can be seen."""
    path = workspace.db / ".lock"
    if not path.exists():
        return False
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    except OSError:  # it is only to be read: nobody writes there
        return False
    lock.release()
    return False


def place_generation(
    workspace: Workspace,
    ledger: Ledger,
    change: Callable[[duckdb.DuckDBPyConnection], None],
    *,
    look: Callable[[duckdb.DuckDBPyConnection], None] | None = None,
    since: date | None = None,
) -> int:
    """Make a generation and point to it: an empty file, or a copy of the current one, after `change`. Its number.

    For the holder of the lock. `look`: what is to be asked of the current one while it is copied; temporary tables are
    there still when the copy is changed. `since`: first day of rows that are new, None for all; checks prove those.
    Raises StorageError where a version of DuckDB is installed that does this wrong at times.
    """
    if duckdb.__version__ in UNSOUND:
        wrong = f"DuckDB {duckdb.__version__} is installed, which at times publishes wrong rows."
        raise StorageError(f"{wrong} Run `pip install -r requirements.txt` and start again; nothing was lost.")
    number = _next_number(workspace, ledger)
    path = generation_path(workspace, number)
    aside = hidden(path)
    alias, known, before = open_generation(workspace).alias if look else None, engine.losses(), dict[str, int]()
    try:
        with closing(engine.cursor(alias)) as con, ExitStack() as meanwhile:
            if look:
                copied, before = meanwhile.enter_context(_copying(workspace, number)), count_rows(con)
                look(con)
                copied()
            with engine.building(aside, con):
                con.execute("BEGIN")
                change(con)
                _record(con, ledger, number)
                con.execute("COMMIT")
                prove(con, ledger, number, since, before)  # as it stands in the file, which nobody has seen yet
        _await_whole(aside, number)
        place_files([path])
        replace_file(workspace.db / "CURRENT", f"{number} {path.stat().st_size}\n".encode())
    except duckdb.Error as error:
        engine.is_lost(error, known)
        raise _explain(error, path) from error
    finally:
        remove_files([aside.with_name(f"{aside.name}.wal")])
        aside.unlink(missing_ok=True)
    return number


@contextmanager
def _copying(workspace: Workspace, number: int) -> Iterator[Callable[[], None]]:
    """Copy the current generation for `number` meanwhile; what is given waits until the copy may be changed.

    The disk takes it, and old ones go, while it is changed.
    """
    path, current = generation_path(workspace, number), open_generation(workspace)
    with ThreadPoolExecutor(1) as pool:
        copied = pool.submit(shutil.copyfile, current.path, hidden(path))
        taken = pool.submit(fsync_file, hidden(path))
        pool.submit(remove_files, _until(workspace, current.number)[: 1 - KEPT])

        def until_copied() -> None:
            with explained(path):
                if isinstance(copied.exception(), FileNotFoundError):  # open here still, and gone
                    raise lost(workspace)
                copied.result()
                if sys.platform == "win32":  # there nobody else may have a file open that is opened for writing
                    taken.result()

        yield until_copied
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
    there = _until(workspace, number)
    oldest = there[-kept:][0]
    remove_files(there[:-kept])
    for path in (workspace.db / "as-of").glob("*garimpo-*"):
        if path.name[path.name.index("garimpo-") :] < oldest.stem:
            remove_files([path])
    remove_files(
        workspace.db / path.name.removeprefix(".tmp-")
        for path in workspace.db.glob(".tmp-*")
        if "CURRENT" not in path.name
    )
    _retire_history(workspace, [path for path in workspace.db.glob("garimpo-*.duckdb") if path >= oldest])


def _until(workspace: Workspace, number: int) -> list[Path]:
    """The generations that there are, up to this one; what failed used up numbers, too."""
    last = generation_path(workspace, number)
    return sorted(path for path in workspace.db.glob("garimpo-*.duckdb") if path <= last)


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
    text = engine.first_line(error)
    if "No space left" in text or "File too large" in text or isinstance(error, duckdb.OutOfMemoryException):
        message = f"No space left for {path} ({text}). Free some space and run again; "
        return DiskFull(f"{message}the current generation stays, nothing was lost.")
    # Damage is of the current one, since parts were looked at: it would be met again.
    if engine.is_damage(error) or "checksum" in text:
        return DamagedFile(
            f"{path} could not be built ({text}). Run `python -m pipeline recover`; nothing was published."
        )
    message = f"{path} could not be built ({text}). Run again, or see `python -m pipeline doctor`; "
    return StorageError(f"{message}the current generation stays.")
