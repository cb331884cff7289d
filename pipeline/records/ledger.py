"""The operational file: runs, task runs, parts (the commit point), events.

`followed`, `capability_rows`, `items`, `events`, `schedules`, `notify` and `budget` keep their rows here too. A commit
of data is durable, the bookkeeping of requests is quick (see `sqlite_file`). Imports `log_context`, `errors`, `places`
and `database`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime

from pipeline.errors import RunCancelled
from pipeline.records.database import Connection, Row
from pipeline.records.log_context import current_context
from pipeline.records.places import open_database
from pipeline.workspace import LedgerPlace

__all__ = [
    "ADD_EVENT",
    "ADD_PART",
    "ALL",
    "COLLECTING",
    "SET_META",
    "Ledger",
    "Part",
    "RawFile",
    "TaskOutcome",
    "with_times",
]

ALL = 2**62  # a limit that is none
COLLECTING = "r.trigger <> 'import'"  # of runs, those that asked the source
SET_META = "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
ADD_EVENT = (
    "INSERT INTO events (at, level, event, run_id, batch_id, message, fields, task, item, attempt) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
ADD_PART = (
    "INSERT INTO parts (table_name, path, day, rows, bytes, sha256, schema_version, seal, run_id, batch_id) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_COMMITTED = (
    "SELECT 1 FROM raw_files WHERE run_id = ? AND batch_id = ? "
    "UNION ALL SELECT 1 FROM parts WHERE run_id = ? AND batch_id = ?"
)
_TAKEN_FOR_DEAD = "SELECT 1 FROM runs WHERE run_id = ? AND state = 'crashed'"


@dataclass(frozen=True)
class Part:
    """One Parquet part of a lake table; `path` (in the workspace), `bytes` and `sha256` are of the file it lies in."""

    table: str
    path: str
    day: str
    rows: int
    bytes: int
    sha256: str
    schema_version: int
    seq: int = 0  # until committed
    seal: str = ""


@dataclass(frozen=True)
class RawFile:
    """One file of responses as received."""

    path: str
    day: str
    bytes: int
    lines: int
    sha256: str


@dataclass(frozen=True)
class TaskOutcome:
    """How an attempt at a batch ended: what `finish_task` and `commit_batch` record."""

    run_id: str
    batch_id: str
    attempt: int
    state: str
    requests: int = 0
    rows: int = 0
    rejects: tuple[tuple[int, str], ...] = ()
    message: str = ""


class Ledger:
    """Open ledger; usable from any thread and by several processes at once, of several machines where it is elsewhere.

    A writer waits `busy_s` for another one before it gives up with WriterBusy.
    """

    def __init__(
        self, place: LedgerPlace, now: Callable[[], datetime] = lambda: datetime.now(UTC), busy_s: float = 30.0
    ) -> None:
        self.place, self._now = place, now
        self._database = open_database(place, busy_s)

    def read(self, query: str, params: Sequence[object] = ()) -> list[Row]:
        """Rows of a SELECT as dictionaries."""
        return self._database.read(query, params)

    def write(self, *, durable: bool = True) -> AbstractContextManager[Connection]:
        """One write transaction: committed at the end of the block, rolled back when it raises."""
        return self._database.write(durable=durable)

    def scrub(self) -> None:
        """Leave nothing of removed rows in what is kept; WriterBusy when somebody is in the way."""
        self._database.scrub()

    def close(self) -> None:
        """Let go of every thread's connections."""
        self._database.close()

    def now(self) -> datetime:
        """The instant of the workspace's clock, UTC."""
        return self._now()

    # ---- runs

    def begin_run(self, run_id: str, trigger: str, params: Mapping[str, object], pid: int) -> None:
        """Record a run as running."""
        with self.write() as connection:
            connection.execute(
                "INSERT INTO runs (run_id, trigger, params, state, pid, started_at) VALUES (?, ?, ?, 'running', ?, ?)",
                (run_id, trigger, json.dumps(params, ensure_ascii=False), pid, self._seconds()),
            )

    def finish_run(
        self, run_id: str, state: str, message: str = "", due_at: datetime | None = None, at: datetime | None = None
    ) -> None:
        """Record how a run ended, now or `at`; tasks, items and attempts still open end with it."""
        ended = self._seconds() if at is None else at.timestamp()
        began = state if state in ("cancelled", "crashed") else "failed"
        waited = began if began != "failed" else "skipped"
        with self.write() as connection:
            connection.execute(
                "UPDATE runs SET state = ?, message = ?, finished_at = ?, due_at = ? WHERE run_id = ?",
                (state, message, ended, due_at and due_at.timestamp(), run_id),
            )
            for table, before, after in _OPEN_STATES:
                connection.execute(
                    f"UPDATE {table} SET state = ?, finished_at = ? WHERE run_id = ? AND state = ?",
                    (began if after == "began" else waited, ended, run_id, before),
                )

    def request_cancel(self, run_id: str) -> bool:
        """Ask a run, of whatever process, to stop; False when it is not running."""
        query = "UPDATE runs SET cancel_requested = 1 WHERE run_id = ? AND state = 'running'"
        with self.write() as connection:
            return connection.execute(query, (run_id,)).rowcount > 0

    def cancel_requested(self, run_id: str) -> bool:
        """Whether somebody asked this run to stop, or took its process for dead and may have begun another run."""
        query = "SELECT 1 FROM runs WHERE run_id = ? AND (cancel_requested = 1 OR state = 'crashed')"
        return bool(self.read(query, (run_id,)))

    def runs(self, limit: int = 50, offset: int = 0, where: str = "TRUE", params: Sequence[object] = ()) -> list[Row]:
        """Runs, newest first, each with its requests and rows so far; times as UTC datetimes.

        `where` is a condition on the table `r`, its values in `params`.
        """
        rows = self.read(
            "SELECT r.*, r.old_requests + (SELECT count(*) FROM requests q WHERE q.run_id = r.run_id) AS requests, "
            "coalesce((SELECT sum(rows) FROM task_runs t WHERE t.run_id = r.run_id), 0) AS rows "
            f"FROM runs r WHERE {where} ORDER BY started_at DESC, run_id DESC LIMIT ? OFFSET ?",
            (*params, limit, offset),
        )
        return [with_times(row) for row in rows]

    def task_runs(self, run_id: str) -> list[Row]:
        """Attempts of one run in the order they began; times as UTC datetimes."""
        rows = self.read("SELECT * FROM task_runs WHERE run_id = ? ORDER BY started_at, batch_id, attempt", (run_id,))
        return [with_times(row) for row in rows]

    def begin_task(
        self, run_id: str, batch_id: str, attempt: int, task: str, item: str = "", wait_s: float = 0.0
    ) -> None:
        """Record an attempt as running; `wait_s`: waited before it."""
        now = self._seconds()
        with self.write(durable=False) as connection:
            connection.execute(
                "INSERT INTO task_runs (run_id, batch_id, attempt, task, item, state, started_at, wait_s) "
                "VALUES (?, ?, ?, ?, ?, 'running', ?, ?)",
                (run_id, batch_id, attempt, task, item, now, wait_s),
            )
            connection.execute(
                "UPDATE items SET state = 'running', attempts = ?, started_at = coalesce(started_at, ?), "
                "next_try_at = NULL WHERE run_id = ? AND batch_id = ?",
                (attempt, now, run_id, batch_id),
            )

    def finish_task(self, outcome: TaskOutcome) -> None:
        """Record how an attempt without data ended."""
        with self.write(durable=False) as connection:
            self._finish(connection, outcome)

    # ---- the commit point

    def commit_batch(self, outcome: TaskOutcome, raw: RawFile | None, parts: Sequence[Part]) -> bool:
        """Make a batch's files exist, all or none; False when another attempt was first (delete the files then).

        Raises RunCancelled for a run that was taken for dead: its lock was lost, and others may be at work.
        """
        key = (outcome.run_id, outcome.batch_id)
        with self.write() as connection:
            if connection.execute(_COMMITTED, key * 2).fetchone():
                return False
            if connection.execute(_TAKEN_FOR_DEAD, key[:1]).fetchone():
                raise RunCancelled(f"Run {outcome.run_id} was taken for dead, and ends; what it committed is kept.")
            if raw is not None:
                connection.execute(
                    "INSERT INTO raw_files VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (*key, raw.path, raw.day, raw.bytes, raw.lines, raw.sha256),
                )
            connection.executemany(
                ADD_PART,
                [(p.table, p.path, p.day, p.rows, p.bytes, p.sha256, p.schema_version, p.seal, *key) for p in parts],
            )
            connection.executemany(
                "INSERT INTO rejects VALUES (?, ?, ?, ?)", [(*key, line, reason) for line, reason in outcome.rejects]
            )
            self._finish(connection, outcome)
            return True

    def parts(self, after_seq: int = 0) -> list[Part]:
        """Committed parts with a sequence above `after_seq`, in commit order."""
        rows = self.read(
            'SELECT table_name AS "table", path, day, rows, bytes, sha256, schema_version, seq, seal FROM parts '
            "WHERE seq > ? ORDER BY seq",
            (after_seq,),
        )
        return [Part(**row) for row in rows]

    # ---- what happened, what is kept under a name

    def add_event(self, level: str, event: str, message: str = "", **fields: object) -> None:
        """Append one structured event, bound to what this thread works for; without a message its fields are one."""
        mine, told = current_context(), json.dumps(fields, ensure_ascii=False, default=str)
        message = message or " ".join(f"{key}={value}" for key, value in fields.items())
        said = (self._seconds(), level, event, mine.run_id, mine.batch_id, message, told)
        with self.write(durable=False) as connection:
            connection.execute(ADD_EVENT, (*said, mine.task, mine.item, mine.attempt))

    def meta(self, key: str) -> str | None:
        """A value kept under a name, or None."""
        rows = self.read("SELECT value FROM meta WHERE key = ?", (key,))
        return str(rows[0]["value"]) if rows else None

    def set_meta(self, key: str, value: str) -> None:
        """Keep a value under a name."""
        with self.write() as connection:
            connection.execute(SET_META, (key, value))

    def _finish(self, connection: Connection, outcome: TaskOutcome) -> None:
        now, told = self._seconds(), outcome.message
        connection.execute(
            "UPDATE task_runs SET state = ?, finished_at = ?, requests = ?, rows = ?, rejects = ?, message = ? "
            "WHERE run_id = ? AND batch_id = ? AND attempt = ?",
            (outcome.state, now, outcome.requests, outcome.rows, len(outcome.rejects), told,
             outcome.run_id, outcome.batch_id, outcome.attempt),
        )  # fmt: skip
        connection.execute(
            "UPDATE items SET state = ?, finished_at = ?, requests = requests + ?, rows = rows + ?, message = ?, "
            "calls = CASE WHEN ? IN ('succeeded', 'skipped') THEN '[]' ELSE calls END "
            "WHERE run_id = ? AND batch_id = ?",
            (outcome.state, now, outcome.requests, outcome.rows, told, outcome.state, outcome.run_id, outcome.batch_id),
        )

    def _seconds(self) -> float:
        return self._now().timestamp()


# What is still open when a run ends, and whether it had begun.
_OPEN_STATES = (
    ("task_runs", "running", "began"),
    ("items", "running", "began"),
    ("items", "retrying", "began"),
    ("items", "pending", "waited"),
    ("run_tasks", "running", "began"),
    ("run_tasks", "pending", "waited"),
)


def with_times(row: Row) -> Row:
    """The row with its times as UTC datetimes instead of seconds."""
    times = {
        key: datetime.fromtimestamp(value, UTC)
        for key, value in row.items()
        if value is not None and key.endswith(("_at", "_since"))
    }
    return {**row, **times}
