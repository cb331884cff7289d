"""Build and publish a generation: a copy of the current one with every part committed since, in one transaction.

Under a lock between processes; the new file is fsynced and renamed before CURRENT points to it, three are kept. What a part does
to the published tables stands in `sql/publish/`, in the order of `STEPS`. Imports `generations`, `store` and below.
"""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from filelock import FileLock, Timeout

from pipeline.errors import DamagedFile, DiskFull, StorageError, WriterBusy
from pipeline.generations import Generation, current_number, generation_path, live, open_generation
from pipeline.ledger import Ledger
from pipeline.schema import LEADERS, PUBLISHED, STATE, create_statement, latest_attributes
from pipeline.store import explained, fsync_file, fsync_folder, replace_file
from pipeline.workspace import Workspace

__all__ = ["STEPS", "Generation", "Published", "Step", "current_number", "live", "open_generation", "publish"]

KEPT = 3  # generations: the current one, and those that readers may still be in
LOCK_WAIT_S = 60.0
_HIDDEN = ".tmp-"


@dataclass(frozen=True)
class Published:
    """What a publish did; `number` is the current generation afterwards, 0 while there is none."""

    number: int
    parts: int
    rows: int
    seconds: float
    changed: bool


@dataclass(frozen=True)
class Step:
    """One SQL file run when one of the lake tables it needs has new parts; the first of them is what it merges into `table`."""

    table: str
    file: str
    needs: tuple[str, ...]


STEPS = (
    Step("artists", "latest", ("artists",)),
    Step("artist_snapshots", "artist_snapshots", ("artist_snapshots",)),
    Step("artist_genres", "artist_genres", ("artist_genres",)),
    Step("releases", "latest", ("releases",)),
    Step("release_artists", "credits", ("release_artists",)),
    Step("tracks", "latest", ("tracks",)),
    Step("track_artists", "credits", ("track_artists",)),
    Step("search_pages", "newest", ("search_pages",)),
    Step("state_release_pages", "newest", ("release_pages",)),
    Step("state_album_pages", "newest", ("album_pages",)),
    Step("artists", "releases_checked", ("release_pages", "artists")),
    Step("releases", "tracks_read", ("tracks", "releases")),
)


def publish(workspace: Workspace, ledger: Ledger, *, force: bool = False) -> Published:
    """Make every committed part readable in a new generation; with none pending only `force` builds one (for `runs`).

    Raises WriterBusy when another process publishes for a minute, DamagedFile naming a part that is not what was committed, DiskFull:
    the current generation stays as it is.
    """
    begun = time.perf_counter()
    lock = FileLock(workspace.db / ".lock")
    with explained(workspace.db / ".lock"):
        try:
            lock.acquire(timeout=LOCK_WAIT_S)
        except Timeout:
            raise WriterBusy(f"Another process has been publishing in {workspace.db} for {LOCK_WAIT_S:.0f} s. Run again later; nothing was lost.") from None
    try:
        current = current_number(workspace)
        applied = 0 if current is None else int(open_generation(workspace).rows("SELECT value FROM state_meta WHERE key = 'applied_seq'")[0][0])
        pending = ledger.read("SELECT * FROM parts WHERE seq > ? ORDER BY seq", (applied,))
        if not pending and not force:
            return Published(current or 0, 0, 0, time.perf_counter() - begun, changed=False)
        number = _next_number(workspace, ledger, current)
        _build(workspace, ledger, current, number, pending)
        _retire(workspace, number)
        return Published(number, len(pending), sum(part["rows"] for part in pending), time.perf_counter() - begun, changed=True)
    finally:
        lock.release()


def _build(workspace: Workspace, ledger: Ledger, current: int | None, number: int, pending: Sequence[dict[str, Any]]) -> None:
    path = generation_path(workspace, number)
    hidden = path.with_name(f"{_HIDDEN}{path.name}")
    try:
        with explained(path):
            if current is not None:
                shutil.copyfile(generation_path(workspace, current), hidden)
            _fill(workspace, ledger, hidden, number, pending, fresh=current is None)
            fsync_file(hidden)
            hidden.replace(path)
            fsync_folder(workspace.db)
        replace_file(workspace.db / "CURRENT", f"{number}\n".encode())
    except duckdb.Error as error:
        raise _explain(error, path) from error
    finally:
        hidden.unlink(missing_ok=True)
        hidden.with_name(f"{hidden.name}.wal").unlink(missing_ok=True)


def _fill(workspace: Workspace, ledger: Ledger, path: Path, number: int, pending: Sequence[dict[str, Any]], *, fresh: bool) -> None:
    with duckdb.connect(path) as con:
        con.execute("BEGIN")
        if fresh:
            con.execute(";".join(create_statement(table, keyed=False) for table in (*PUBLISHED.values(), *STATE.values())))
        staged = _stage(workspace, con, pending)
        for step in STEPS:
            if not staged.isdisjoint(step.needs):
                con.execute(_statements(step))
        _record(con, ledger, number, pending)
        con.execute("COMMIT")
        con.execute("CHECKPOINT")


def _stage(workspace: Workspace, con: duckdb.DuckDBPyConnection, pending: Sequence[dict[str, Any]]) -> set[str]:
    """Make `staged_T` show the new rows of lake table T with `seq`, their order of commit; the tables that have any."""
    paths: dict[str, list[str]] = {}
    for part in pending:
        paths.setdefault(part["table_name"], []).append(str(_checked(workspace.root / part["path"], part)))
    for name, listed in paths.items():
        quoted = ", ".join("'" + path.replace("'", "''") + "'" for path in listed)
        con.execute(f"CREATE TEMP TABLE staged_{name} AS SELECT *, file_index AS seq FROM read_parquet([{quoted}], hive_partitioning = false)")
    return set(paths)


def _checked(path: Path, part: dict[str, Any]) -> Path:
    try:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise DamagedFile(f"{path} cannot be read ({error.strerror}), yet the ledger has it. Nothing was published; restore the file and run again.") from None
    if found != part["sha256"]:
        raise DamagedFile(f"{path} is not what was committed (its hash differs). Nothing was published; restore the file and run again.")
    return path


def _record(con: duckdb.DuckDBPyConnection, ledger: Ledger, number: int, pending: Sequence[dict[str, Any]]) -> None:
    runs = ledger.read(
        "SELECT run_id, trigger, state, started_at, finished_at, (SELECT count(*) FROM requests q WHERE q.run_id = r.run_id) AS requests, "
        "coalesce((SELECT sum(rows) FROM task_runs t WHERE t.run_id = r.run_id), 0) AS rows, message FROM runs r ORDER BY run_id"
    )
    columns = ", ".join(PUBLISHED["task_runs"].column_names())
    tasks = ledger.read(f"SELECT {columns} FROM task_runs ORDER BY run_id, batch_id, attempt")
    for name, rows in (("runs", runs), ("task_runs", tasks)):
        con.execute(f"DELETE FROM {name}")
        _insert(con, name, rows)
    _insert(con, "state_parts", pending)
    con.execute("DELETE FROM state_meta WHERE key <> 'applied_seq'")
    if pending:
        con.execute("DELETE FROM state_meta WHERE key = 'applied_seq'")
        con.execute("INSERT INTO state_meta VALUES ('applied_seq', ?)", [str(pending[-1]["seq"])])
    con.execute("INSERT INTO state_meta SELECT 'applied_seq', '0' WHERE NOT EXISTS (FROM state_meta WHERE key = 'applied_seq')")
    con.execute("INSERT INTO state_meta VALUES ('number', ?)", [str(number)])


def _insert(con: duckdb.DuckDBPyConnection, name: str, rows: Sequence[dict[str, Any]]) -> None:
    """Insert ledger rows; its seconds since 1970 become timestamps."""
    if not rows:
        return
    table = {**PUBLISHED, **STATE}[name]
    given = pa.Table.from_pylist(list(rows))
    listed = ", ".join(
        f"make_timestamp(({column.name} * 1000000)::BIGINT)" if column.type == "TIMESTAMP" else f"{column.name}::{column.type}" for column in table.columns
    )
    con.register("given", given)
    con.execute(f"INSERT INTO {name} SELECT {listed} FROM given")
    con.unregister("given")


@cache
def _statements(step: Step) -> str:
    text = files("pipeline").joinpath("sql", "publish", f"{step.file}.sql").read_text(encoding="utf-8")
    for mark, value in _marks(step).items():
        text = text.replace("{" + mark + "}", value)
    return text


def _marks(step: Step) -> dict[str, str]:
    """What the placeholders of a SQL file stand for."""
    table = {**PUBLISHED, **STATE}[step.table]
    marks = {"table": table.name, "lake": step.needs[0], "key": table.key[0], "keys": ", ".join(table.key)}
    marks["match"] = " AND ".join(f"p.{name} = n.{name}" for name in table.key)
    if step.file == "newest":
        marks["rest"] = "struct_pack(" + ", ".join(f"{name} := {name}" for name in table.column_names() if name not in (*table.key, "observed_on")) + ")"
    if step.file == "latest":
        marks |= _latest_marks(step.table)
    return marks


def _latest_marks(name: str) -> dict[str, str]:
    table, attributes = PUBLISHED[name], latest_attributes(name)
    days = dict.fromkeys(LEADERS.get(attribute, attribute) for attribute in attributes)
    derived = [column for column in table.column_names() if column not in (*table.key, *attributes, "first_seen_on", "last_seen_on")]
    lead = {attribute: LEADERS.get(attribute, attribute) for attribute in attributes}
    return {
        "staged": ", ".join(
            [f"arg_max_null({a}, instant) FILTER ({lead[a]} IS NOT NULL) AS {a}" for a in attributes]
            + [f"max(observed_on) FILTER ({day} IS NOT NULL) AS {day}_on" for day in days]
        ),
        "values": ", ".join(f"CASE WHEN n.{lead[a]}_on >= coalesce(s.{lead[a]}_on, n.{lead[a]}_on) THEN n.{a} ELSE p.{a} END AS {a}" for a in attributes),
        "days": ", ".join(f"greatest(n.{day}_on, s.{day}_on) AS {day}_on" for day in days),
        "kept": "".join(f", p.{column}" for column in derived),
        "published": ", ".join(table.column_names()),
        "day_names": ", ".join(f"{day}_on" for day in days),
    }


def _next_number(workspace: Workspace, ledger: Ledger, current: int | None) -> int:
    """A number never given before here, even when the folder was deleted: DuckDB remembers databases by their path."""
    found = [int(path.name[-15:-7]) for path in workspace.db.glob("*.duckdb") if path.name[-15:-7].isdigit()]
    number = max(current or 0, int(ledger.meta("generation") or 0), *found, 0) + 1
    ledger.set_meta("generation", str(number))
    return number


def _retire(workspace: Workspace, number: int) -> None:
    for path in workspace.db.glob("garimpo-*.duckdb"):
        if path < generation_path(workspace, number - KEPT + 1):
            with suppress(OSError):  # on Windows a reader may still hold it: the next publish tries again
                path.unlink()


def _explain(error: duckdb.Error, path: Path) -> StorageError:
    text = str(error).splitlines()[0]
    if "No space left" in text or "File too large" in text or isinstance(error, duckdb.OutOfMemoryException):
        return DiskFull(f"No space left for {path} ({text}). Free some space and run again; the current generation stays, nothing was lost.")
    return StorageError(f"{path} could not be built ({text}). The current generation stays; run again, or see `python -m pipeline doctor`.")
