"""The budget of a whole batch, for workers that cannot ask the ledger: reserved before it leaves, settled after.

Each of `workers` batches under way sends at its share of the pace, and a batch starts when the pace has room for all of
its requests. So many requests as there are workers are kept free in every window, since nobody aligns their pace.
Imports `budget`, `calls`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.records.budget import APP, CATCH_UP_S, PATIENCE_S, WINDOW_S, Budget
from pipeline.source.calls import Batch, Exchange, bucket_of

__all__ = ["Grant", "Grants"]

SPAN_S = WINDOW_S * 1.01  # arrivals are less even than departures


@dataclass(frozen=True)
class Grant:
    """Requests reserved for a batch: it starts in `wait_s`, sends so many a second; `cost_s`: of the pace, each."""

    tickets: tuple[int, ...]
    wait_s: float
    per_second: float
    cost_s: float


class Grants(Budget):
    """The same budget, reserved by the batch."""

    def grant(self, batch: Batch, most: int, workers: int) -> Grant:
        """At most so many requests for a batch; raises BudgetSpent, nothing written."""
        first = batch.calls[0].endpoint
        bucket = bucket_of(first)
        with self.ledger.write(durable=False) as connection:
            now = self.ledger.now().timestamp()
            app, own = self._states(connection, bucket)
            self._refuse_locked(bucket, app, own, now)
            self._refuse_spent(connection, bucket, own, now)
            pace = self._interval(app, now)
            cost = SPAN_S / max(1.0, SPAN_S / pace - workers)
            many = min(most, self._most_at_once(connection, bucket, own, now), max(1, int(SPAN_S / cost) // 2))
            turn = max(now - CATCH_UP_S, _believable(float(app["next_slot_at"]) if app else 0.0, now))
            start = _when_free(connection, max(now, turn), many, cost, cost * workers)
            connection.execute(
                "INSERT INTO buckets (bucket, next_slot_at) VALUES (?, ?) "
                "ON CONFLICT (bucket) DO UPDATE SET next_slot_at = excluded.next_slot_at",
                (APP, turn + many * cost),
            )
            tickets = tuple(
                int(
                    connection.execute(
                        "INSERT INTO requests (at, bucket, endpoint, run_id, batch_id, attempt) "
                        "VALUES (?, ?, ?, ?, ?, ?)",
                        (start + n * cost * workers, bucket, first, batch.run_id, batch.batch_id, batch.attempt),
                    ).lastrowid
                    or 0
                )
                for n in range(many)
            )
            return Grant(tickets, start - now, 1 / (cost * workers), cost)

    def settle_batch(self, grant: Grant, exchanges: Sequence[Exchange], began: float) -> None:
        """Book what a batch sent since `began` (POSIX time); what it did not send is free again at once."""
        with self.ledger.write(durable=False) as connection:
            for ticket, sent in zip(grant.tickets, exchanges, strict=False):
                connection.execute(
                    "UPDATE requests SET at = ?, bucket = ?, endpoint = ?, status = ?, retry_after_s = ?, "
                    "duration_ms = ?, bytes = ? WHERE id = ?",
                    (began + sent.at_s, sent.bucket, sent.endpoint, sent.status, sent.retry_after_s,
                     sent.duration_ms, sent.size, ticket),
                )  # fmt: skip
                if sent.status == 429:
                    self._lock(connection, sent.bucket, sent.reason, sent.retry_after_s)
            unsent = grant.tickets[len(exchanges) :]
            connection.executemany("DELETE FROM requests WHERE id = ?", [(ticket,) for ticket in unsent])
            connection.execute(  # a pace that a refusal has put off stays put off
                "UPDATE buckets SET next_slot_at = next_slot_at - ? WHERE bucket = ? AND locked_until <= ?",
                (len(unsent) * grant.cost_s, APP, self.ledger.now().timestamp()),
            )

    def _most_at_once(self, connection: sqlite3.Connection, bucket: str, own: sqlite3.Row | None, now: float) -> int:
        """What is left of a bucket's quota."""
        ceiling = self._ceiling(own, now)
        if ceiling is None:
            return 1_000_000
        query = "SELECT count(*) FROM requests WHERE bucket = ? AND at > ?"
        return max(1, ceiling - int(connection.execute(query, (bucket, now - 86_400.0)).fetchone()[0]))


def _when_free(connection: sqlite3.Connection, start: float, many: int, cost: float, spacing: float) -> float:
    """The first instant from which `many` requests, spaced so, fit into the window that their last one closes."""
    full = int(SPAN_S / cost)
    for _ in range(5):  # later rows come into the window while it moves
        end = start + (many - 1) * spacing
        count = connection.execute(
            "SELECT count(*) FROM requests WHERE at > ? AND at <= ?", (end - SPAN_S, end)
        ).fetchone()[0]
        over = count + many - full
        if over <= 0:
            break
        oldest = connection.execute(
            "SELECT at FROM requests WHERE at > ? ORDER BY at LIMIT 1 OFFSET ?", (end - SPAN_S, min(over, count) - 1)
        ).fetchone()[0]
        start += max(0.01, float(oldest) + SPAN_S - end)
    return start


def _believable(slot: float, now: float) -> float:
    """A slot, or 0 when it is so far ahead that it was written before the clock was set back."""
    return slot if slot - now < PATIENCE_S * 2 else 0.0
