"""Rows of the ledger that are let go of by age: log lines, requests, items that were answered.

Imports `events`, `ledger`.
"""

from __future__ import annotations

from pipeline.records import events
from pipeline.records.database import Row
from pipeline.records.ledger import Ledger

__all__ = ["old_events", "retire_rows"]

DAY_S = 86_400.0
REQUEST_DAYS = 8  # the budget looks back one day, pages a week
CHUNK = 2_000  # rows deleted in one transaction: nobody waits for it


def old_events(ledger: Ledger, keep_days: int) -> Row:
    """How many events `retire_rows` would delete, `n`, and the instants (s) of the first and last of them."""
    query = "SELECT count(*) AS n, min(at) AS first_at, max(at) AS last_at FROM events WHERE at < ? OR id <= ?"
    return ledger.read(query, _oldest_kept(ledger, keep_days))[0]


def retire_rows(ledger: Ledger, keep_days: int) -> int:
    """Delete events and answered items older than `keep_days`, events beyond MOST_EVENTS, requests no page shows.

    How many rows. What an item still asks for a later run may ask.
    """
    oldest = _oldest_kept(ledger, keep_days)
    retired = _retire(ledger, "events", *oldest) + _retire_items(ledger, oldest[0])
    return retired + _retire(ledger, "requests", ledger.now().timestamp() - REQUEST_DAYS * DAY_S, 0)


def _oldest_kept(ledger: Ledger, keep_days: int) -> tuple[float, int]:
    newest = ledger.read("SELECT max(id) AS id FROM events")[0]["id"] or 0
    return ledger.now().timestamp() - keep_days * DAY_S, newest - events.MOST_EVENTS


def _retire(ledger: Ledger, table: str, before: float, up_to_id: int) -> int:
    """Rows are in order of time but for a clock that was set back: the oldest ids go first, until one is young."""
    total = 0
    while True:
        with ledger.write(durable=False) as connection:
            oldest = connection.execute(f"SELECT id, at, run_id FROM {table} ORDER BY id LIMIT {CHUNK}").fetchall()
            old = [(row[0], row[2]) for row in oldest if row[1] < before or row[0] <= up_to_id]
            connection.executemany(f"DELETE FROM {table} WHERE id = ?", [(number,) for number, _ in old])
            if table == "requests":
                connection.executemany(
                    "UPDATE runs SET old_requests = old_requests + 1 WHERE run_id = ?", [(run_id,) for _, run_id in old]
                )
        total += len(old)
        if len(old) < CHUNK:
            return total


def _retire_items(ledger: Ledger, before: float) -> int:
    """Items of tasks that ended: those know how many there were."""
    old = (
        "SELECT i.rowid FROM items i JOIN run_tasks t ON t.run_id = i.run_id AND t.task = i.task "
        "WHERE i.planned_at < ? AND i.calls = '[]' AND t.items > 0 LIMIT ?"
    )
    total = 0
    while True:
        with ledger.write(durable=False) as connection:
            gone = connection.execute(f"DELETE FROM items WHERE rowid IN ({old})", (before, CHUNK)).rowcount
        total += gone
        if gone < CHUNK:
            return total
