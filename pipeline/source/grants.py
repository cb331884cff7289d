"""The budget of a whole batch, for workers that cannot ask the ledger: reserved before it leaves, settled after.

Batches start at the pace that threads keep, each counted by what it is likely to send: what is reserved beyond that
holds nobody up. When exactly a worker sends, nobody here knows: no sooner than its pace permits, and as late as it
likes. So every window is counted as if what is away were sent at its soonest and left the window only once it is back:
then no window is overdrawn, however late a worker is. Imports `budget`, `calls`, `ledger`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.records.budget import APP, BELIEVED_S, CATCH_UP_S, WINDOW_S, Budget, Limits, believable
from pipeline.records.database import Connection, Row
from pipeline.records.ledger import Ledger
from pipeline.source.calls import Batch, SentRequest, bucket_of

__all__ = ["Grant", "Grants"]

SPAN_S = WINDOW_S * 1.01  # arrivals are less even than departures
AGAIN_S = 0.2  # when only batches that come back make room


@dataclass(frozen=True)
class Grant:
    """Requests reserved for a batch: it starts in `wait_s`, sends so many a second, and is likely to send `likely`.

    `cost_s`: of the pace, each. Without tickets it is no batch's yet: ask again after `wait_s`.
    """

    tickets: tuple[int, ...]
    wait_s: float
    per_second: float
    cost_s: float
    likely: int = 0


class Grants(Budget):
    """The same budget, reserved by the batch."""

    def __init__(self, ledger: Ledger, limits: Limits) -> None:
        super().__init__(ledger, limits)
        self._away: dict[int, float] = {}  # tickets of batches under way, and the soonest instant of each
        self.catch_up_s = CATCH_UP_S  # longer where workers took time to come: see `Elsewhere`

    def grant(self, batch: Batch, most: int, likely: int, workers: int) -> Grant:
        """At most so many requests for one of `workers` batches under way; raises BudgetSpent, nothing written."""
        first = batch.calls[0].endpoint
        bucket = bucket_of(first)
        with self.ledger.write(durable=False) as connection:
            now, app, own, used = self._open(connection, bucket)
            cost = self._interval(app, now)
            # Twice its share of the pace, as threads have: about half of those under way wait for their turn.
            spacing, full = cost * max(1.0, workers / 2), max(1, int(SPAN_S / cost))
            many = min(most, self._most_at_once(own, used, now), max(1, full // 2))
            turn = max(now - self.catch_up_s, believable(float(app["next_slot_at"]) if app else 0.0, now))
            start = self._when_free(connection, max(now, turn), many, spacing, full)
            if start is None:
                return Grant((), AGAIN_S, 1 / spacing, cost)
            self._set_next_slot(connection, turn + min(likely, many) * cost)
            booked = {
                int(
                    connection.execute(
                        "INSERT INTO requests (at, bucket, endpoint, run_id, batch_id, attempt) "
                        "VALUES (?, ?, ?, ?, ?, ?) RETURNING id",
                        (start + n * spacing, bucket, first, batch.run_id, batch.batch_id, batch.attempt),
                    ).fetchall()[0][0]
                ): start + n * spacing
                for n in range(many)
            }
            self._away |= booked
            return Grant(tuple(booked), start - now, 1 / spacing, cost, min(likely, many))

    def settle_batch(self, grant: Grant, requests: Sequence[SentRequest], began: float) -> None:
        """Book what a batch sent since `began` (POSIX time); what it did not send is free again at once."""
        with self.ledger.write(durable=False) as connection:
            for ticket, sent in zip(grant.tickets, requests, strict=False):
                connection.execute(
                    "UPDATE requests SET at = ?, bucket = ?, endpoint = ?, status = ?, retry_after_s = ?, "
                    "duration_ms = ?, bytes = ? WHERE id = ?",
                    (began + sent.at_s, sent.bucket, sent.endpoint, sent.status, sent.retry_after_s,
                     sent.duration_ms, sent.size, ticket),
                )  # fmt: skip
                if sent.status == 429:
                    self._lock(connection, sent.bucket, sent.reason, sent.retry_after_s)
            unsent = grant.tickets[len(requests) :]
            connection.executemany("DELETE FROM requests WHERE id = ?", [(ticket,) for ticket in unsent])
            now = self.ledger.now().timestamp()
            for bucket in {sent.bucket for sent in requests}:
                own, used = self._states(connection, bucket)[1], self._used(connection, bucket, now)
                self._confirm(connection, bucket, own, used, now)
            connection.execute(  # a pace that a refusal has put off stays put off
                "UPDATE buckets SET next_slot_at = next_slot_at + ? WHERE bucket = ? AND locked_until <= ?",
                ((len(requests) - grant.likely) * grant.cost_s, APP, now),
            )
            self._forget(grant)

    def lose(self, grant: Grant) -> None:
        """Count all of a batch that does not come back, as if sent at the last moment: nobody knows what was."""
        with self.ledger.write(durable=False) as connection:
            now = self.ledger.now().timestamp()
            connection.executemany(
                "UPDATE requests SET at = max(at, ?) WHERE id = ?", [(now, ticket) for ticket in grant.tickets]
            )
            self._forget(grant)

    def _forget(self, grant: Grant) -> None:
        for ticket in grant.tickets:
            self._away.pop(ticket, None)

    def _when_free(self, connection: Connection, start: float, many: int, spacing: float, full: int) -> float | None:
        """The first instant from which `many` requests, spaced so, fit into every window; None: not known yet."""
        now = self.ledger.now().timestamp()
        query = "SELECT id, at FROM requests WHERE at > ? AND at < ? ORDER BY at"
        rows = connection.execute(query, (now - SPAN_S, now + BELIEVED_S)).fetchall()
        sent = [float(at) for ticket, at in rows if ticket not in self._away]
        if len(sent) + len(self._away) + many <= full:
            return start
        for _ in range(50):
            late_s = _over(sent, sorted([*self._away.values(), *(start + n * spacing for n in range(many))]), full)
            if not late_s:
                return start
            if late_s < 0:
                return None
            start += late_s
        return None

    def _most_at_once(self, own: Row | None, used: int, now: float) -> int:
        """What is left of a bucket's quota."""
        ceiling = self._ceiling(own, now)
        if ceiling is None:
            return 1_000_000
        return max(1, ceiling - used)


def _over(sent: Sequence[float], pending: Sequence[float], full: int) -> float:
    """Seconds until a window that is overdrawn has room; 0 when none is, -1 when time alone makes none."""
    late_s = 0.0
    for number, at in enumerate(pending, start=1):
        left = bisect_right(sent, at - SPAN_S)  # rows that have left the window by then
        over = len(sent) - left + number - full
        if over > 0:
            if left + over > len(sent):
                return -1.0
            late_s = max(late_s, sent[left + over - 1] + SPAN_S - at + 0.001)
    return late_s
