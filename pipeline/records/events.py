"""Log lines and events in the ledger, bound to run, task and item: written in batches, read by page and command line.

One record reaches console and ledger alike: `note` makes it, `kept_log` writes what the thread of a run says. Secrets
are taken out before anything is written. Imports `log_context`, `ledger`.
"""

from __future__ import annotations

import json
import logging
import re
import threading
import traceback
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pipeline.errors import StorageError
from pipeline.records.database import Row
from pipeline.records.ledger import ADD_EVENT, Ledger
from pipeline.records.log_context import current_context

__all__ = [
    "LEVELS",
    "REJECTED",
    "EventFilter",
    "count_events",
    "has_unknown",
    "kept_log",
    "note",
    "note_unknown",
    "read_events",
    "read_rejects",
    "unknown_artists",
]

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
FLUSH_S = 0.2  # a page is at most this much behind
MOST_WAITING = 50_000  # lines kept in memory while the disk does not take them
LONGEST_LINE = 8_000
MOST_EVENTS = 300_000  # rows; about 60 MB
UNKNOWN = "SELECT fields FROM events WHERE event = 'artist_unknown' AND at > ?"  # by an index of these events alone
REJECTED = "import_rejected"  # what an import did not take; the last of many only says how many more
UNKNOWN_DAYS = 7  # who was unknown to the source is asked of again then: ids come back seldom
HIDDEN = "(hidden)"

_CREDENTIALS = re.compile(
    r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}|((?:client_secret|access_token|refresh_token)\W+)(?!and\b)[\w.-]+"
)
_ATTACHING = threading.Lock()
_EVENT = re.compile(r"[a-z]+(?:_[a-z]+)+")


def note(logger: logging.Logger, event: str, *, level: int = logging.INFO, message: str = "", **fields: Any) -> None:
    """Log one event: its name, key=value pairs, a message; the ledger keeps the pairs as JSON."""
    if logger.isEnabledFor(level):
        pairs = " ".join(f"{key}={_plain(value)}" for key, value in fields.items())
        told = f"{pairs} {message}".strip()
        logger.log(level, "%s %s", event, told, extra={"event": event, "told": told, "fields": fields})


def note_unknown(ledger: Ledger, artist_ids: Iterable[str]) -> None:
    """Keep in mind that the source did not know these artists."""
    for artist_id in sorted(set(artist_ids)):
        ledger.add_event("INFO", "artist_unknown", artist_id=artist_id)


def has_unknown(ledger: Ledger, task: str) -> bool:
    """Whether the source did not know some artist that this task of the thread's run asked of: an answer, too."""
    query = "SELECT 1 FROM events WHERE event = 'artist_unknown' AND run_id = ? AND task = ? LIMIT 1"
    return bool(ledger.read(query, (current_context().run_id, task)))


def unknown_artists(ledger: Ledger) -> tuple[str, ...]:
    """Artists whom the source did not know when it was asked in the last week, by id."""
    since = ledger.now().timestamp() - UNKNOWN_DAYS * 86_400
    rows = ledger.read(UNKNOWN, (since,))
    return tuple(sorted({str(json.loads(row["fields"])["artist_id"]) for row in rows}))


@contextmanager
def kept_log(ledger: Ledger, run_id: str, level: str = "INFO", secrets: Sequence[str] = ()) -> Iterator[None]:
    """Keep in the ledger what threads bound to this run log below `pipeline`, until the end of the block.

    Blocks of one run may overlap in a process, each with a ledger of its own: a line is kept once all the same.
    """
    logger = logging.getLogger("pipeline")
    with _ATTACHING:
        handler = next((each for each in logger.handlers if _keeps(each, run_id)), None)
        if not isinstance(handler, _LedgerHandler):
            handler = _LedgerHandler(run_id, logger.level, secrets)
            handler.setLevel(min(logging.INFO, logging.getLevelName(level)))
            logger.addHandler(handler)
            logger.setLevel(min(handler.level, logger.getEffectiveLevel()))
        handler.ledgers.append(ledger)
    try:
        yield
    finally:
        with _ATTACHING:
            if handler.is_left_by(ledger):
                logger.removeHandler(handler)
                logger.setLevel(handler.level_before)
                handler.close()


def _keeps(handler: logging.Handler, run_id: str) -> bool:
    return isinstance(handler, _LedgerHandler) and handler.run_id == run_id


class _LedgerHandler(logging.Handler):
    """Collects rows and writes them a few times a second: a line costs microseconds where it is said."""

    def __init__(self, run_id: str, level_before: int, secrets: Sequence[str]) -> None:
        super().__init__()
        self.run_id, self.level_before, self.ledgers = run_id, level_before, list[Ledger]()
        self._secrets = tuple(secret for secret in secrets if len(secret) >= 4)
        self._rows: deque[tuple[Any, ...]] = deque(maxlen=MOST_WAITING)
        self._over, self._flushing = threading.Event(), threading.Lock()
        self._thread = threading.Thread(target=self._keep_flushing, name="log-writer", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Take one record, if it belongs to this run."""
        mine = current_context()
        if mine.run_id != self.run_id:
            return
        event, told = _split(record)
        fields = json.dumps(getattr(record, "fields", {}), ensure_ascii=False, default=str)
        self._rows.append((
            self.ledgers[-1].now().timestamp(), record.levelname, event, mine.run_id, mine.batch_id,
            self._clean(told)[:LONGEST_LINE], self._clean(fields), mine.task, mine.item, mine.attempt,
        ))  # fmt: skip

    def is_left_by(self, ledger: Ledger) -> bool:
        """Whether nobody's ledger is left to write to, after writing what was said so far."""
        if self.ledgers == [ledger]:
            return True
        self._flush()
        with self._flushing:
            self.ledgers.remove(ledger)
        return False

    def close(self) -> None:
        """Write what is left."""
        self._over.set()
        self._thread.join()
        self._flush()
        super().close()

    def _keep_flushing(self) -> None:
        while not self._over.wait(FLUSH_S):
            self._flush()

    def _flush(self) -> None:
        with self._flushing:
            rows = [self._rows.popleft() for _ in range(len(self._rows))]
            try:
                if rows:
                    with self.ledgers[-1].write(durable=False) as connection:
                        connection.executemany(ADD_EVENT, rows)
            except StorageError:
                self._rows.extendleft(reversed(rows))  # a full disk stops the run by itself; its log must not

    def _clean(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        return _CREDENTIALS.sub(lambda found: f"{found[1] or found[2]}{' ' if found[1] else ''}{HIDDEN}", text)


@dataclass(frozen=True)
class EventFilter:
    """Which events: empty fields mean any. `level`: this severe or more; `text`: contained, whatever the case."""

    run_id: str = ""
    task: str = ""
    item: str = ""
    level: str = ""
    text: str = ""


def read_events(
    ledger: Ledger,
    wanted: EventFilter,
    *,
    after_id: int = 0,
    limit: int = 1_000,
    offset: int = 0,
    newest: bool = False,
) -> list[Row]:
    """Events in the order they were kept, the first or the newest `limit` of them; `at` UTC, `fields` decoded.

    `offset` leaves out so many at that end. Columns: id, at, level, event, run_id, batch_id, task, item, attempt,
    message, fields.
    """
    where, params = _where(wanted)
    order = "DESC" if newest else "ASC"
    query = f"SELECT * FROM events WHERE id > ? {where} ORDER BY id {order} LIMIT ? OFFSET ?"
    rows = ledger.read(query, (after_id, *params, limit, offset))
    return [
        {**row, "at": datetime.fromtimestamp(row["at"], UTC), "fields": json.loads(row["fields"])}
        for row in (reversed(rows) if newest else rows)
    ]


def read_rejects(ledger: Ledger, run_id: str) -> tuple[list[Row], int]:
    """What an import did not take, as far as its log is kept: rows of file, line (0: the whole file) and reason.

    The first of them, and how many more there were.
    """
    query = "SELECT fields FROM events WHERE run_id = ? AND event = ? ORDER BY id"
    found = [json.loads(row["fields"]) for row in ledger.read(query, (run_id, REJECTED))]
    return [row for row in found if "more" not in row], sum(row.get("more", 0) for row in found)


def count_events(ledger: Ledger, wanted: EventFilter) -> int:
    """How many events there are."""
    where, params = _where(wanted)
    return int(ledger.read(f"SELECT count(*) AS n FROM events WHERE id > 0 {where}", params)[0]["n"])


def _where(wanted: EventFilter) -> tuple[str, list[object]]:
    parts, params = [], list[object]()
    for name in ("run_id", "task", "item"):
        if value := getattr(wanted, name):
            parts.append(f"AND {name} = ?")
            params.append(value)
    if wanted.level:
        severe = LEVELS[LEVELS.index(wanted.level) :]
        parts.append(f"AND level IN ({', '.join('?' * len(severe))})")
        params.extend(severe)
    if wanted.text:
        parts.append("AND instr(lower(event || ' ' || item || ' ' || message), lower(?)) > 0")
        params.append(wanted.text)
    return " ".join(parts), params


def _split(record: logging.LogRecord) -> tuple[str, str]:
    """Name of the event and the rest of the line; a line without a name is of the event log."""
    if (event := getattr(record, "event", None)) is not None:
        told = str(getattr(record, "told", ""))
    else:
        event, _, told = record.getMessage().partition(" ")
        if not _EVENT.fullmatch(event):
            event, told = "log", record.getMessage()
    if record.exc_info and record.exc_info[0] is not None:
        told = f"{told}\n{''.join(traceback.format_exception(*record.exc_info))}"
    return event, told


def _plain(value: object) -> str:
    text = str(value)
    return repr(text) if " " in text else text
