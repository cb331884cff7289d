"""What may be sent now: the rolling 30 s window of the app and the rolling 24 h ceiling of each bucket.

Every request is a row of the ledger before it is sent, so the app and headless runs share one count that no kill loses.
Numbers are planning figures until the API teaches otherwise. Imports `errors`, `ledger`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pipeline.errors import BudgetSpent, QuotaExceeded
from pipeline.records.database import Connection, Row
from pipeline.records.ledger import Ledger

__all__ = ["APP", "BELIEVED_S", "BUCKETS", "PATIENCE_S", "BucketView", "Budget", "Limits", "believable"]

APP = "*"  # the bucket that stands for the whole app: its 30 s window
BUCKETS = ("search", "artist", "albums", "tracks", "other")
WINDOW_S, DAY_S = 30.0, 86_400.0
FARTHEST_S = 7 * DAY_S  # a lock farther ahead was written before the clock was set back, as was a request a day ahead
# A plain 429 asks for seconds; whoever waits longer than this is better told to come back.
PATIENCE_S = 60.0
BELIEVED_S = PATIENCE_S * 2  # a slot farther ahead was written before the clock was set back
# Slots that nobody took (while a task ends and the next is planned) may be made up for, within any 30 s.
CATCH_UP_S = 5.0
GROWTH_PER_DAY = 1.05  # of what a refusal taught, up to what is planned; a day ahead of what was asked at most
_OF_A_DAY = "FROM requests WHERE bucket = ? AND at > ? AND at < ?"


@dataclass(frozen=True)
class Limits:
    """Planning figures: requests in any 30 s, and requests per bucket in any 24 h (None: no quota known)."""

    window_requests: int
    quota_requests: int | None


@dataclass(frozen=True)
class BucketView:
    """One bucket now: `used` in the last 24 h, `ceiling`, `left` and `soon` None where no quota is known.

    `soon`: what is left to whoever waits as the gate does, for requests of yesterday that leave the 24 h meanwhile.
    """

    bucket: str
    used: int
    ceiling: int | None
    left: int | None
    soon: int | None
    locked_until: datetime | None
    reason: str


class Budget:
    """Reads and writes the shared budget of one workspace."""

    def __init__(self, ledger: Ledger, limits: Limits) -> None:
        self.ledger, self.limits = ledger, limits

    def view(self, bucket: str) -> BucketView:
        """What is left in one bucket."""
        now = self.ledger.now().timestamp()
        count = f"SELECT count(*) AS used, count(CASE WHEN at > ? THEN 1 END) AS still {_OF_A_DAY}"
        sent = self.ledger.read(count, (now - DAY_S + PATIENCE_S, bucket, now - DAY_S, now + DAY_S))[0]
        state = {
            row["bucket"]: row
            for row in self.ledger.read("SELECT * FROM buckets WHERE bucket IN (?, ?)", (bucket, APP))
        }
        ceiling = self._ceiling(state.get(bucket), now)
        locks = [row for row in state.values() if 0 < row["locked_until"] - now < FARTHEST_S]
        longest = max(locks, key=lambda row: row["locked_until"], default=None)
        left, soon = (
            None if ceiling is None else max(0, ceiling - counted) for counted in (sent["used"], sent["still"])
        )
        return BucketView(
            bucket, sent["used"], ceiling, left, soon,
            datetime.fromtimestamp(longest["locked_until"], UTC) if longest else None,
            longest["reason"] if longest else "",
        )  # fmt: skip

    def rate(self) -> float:
        """Requests a second that the 30 s window permits."""
        rows = self.ledger.read("SELECT ceiling, learned_at FROM buckets WHERE bucket = ?", (APP,))
        return 1.0 / self._interval(rows[0] if rows else None, self.ledger.now().timestamp())

    def latency_s(self) -> float:
        """Median seconds of the last 50 answers; 0.2 where there are none."""
        rows = self.ledger.read(
            "SELECT duration_ms FROM requests WHERE status > 0 AND duration_ms > 0 ORDER BY id DESC LIMIT 50"
        )
        return sorted(row["duration_ms"] for row in rows)[len(rows) // 2] / 1000 if rows else 0.2

    def reserve(self, bucket: str, endpoint: str, run_id: str = "") -> tuple[int, float]:
        """Write one reservation: its ticket and the seconds until its slot; raises BudgetSpent, nothing written."""
        with self.ledger.write(durable=False) as connection:
            now, app, own, used = self._open(connection, bucket)
            interval = self._interval(app, now)
            turn = max(now - CATCH_UP_S, believable(float(app["next_slot_at"]) if app else 0.0, now))
            slot = max(now, turn, believable(self._window_frees_at(connection, interval), now))
            self._set_next_slot(connection, turn + interval)
            ticket = connection.execute(
                "INSERT INTO requests (at, bucket, endpoint, run_id) VALUES (?, ?, ?, ?) RETURNING id",
                (slot, bucket, endpoint, run_id),
            ).fetchall()[0][0]
            self._confirm(connection, bucket, own, used + 1, now)
            return int(ticket), slot - now

    def pacemakers(self) -> float:
        """Requests that keep the permitted rate: by Little's law rate × latency; twice that for slots nobody took."""
        return 2 * self.rate() * self.latency_s()

    def refuse(self, bucket: str) -> None:
        """Raises BudgetSpent where `reserve` would; writes nothing."""
        with self.ledger.write(durable=False) as connection:
            self._open(connection, bucket)

    def release(self, ticket: int) -> None:
        """Take back a reservation whose request was never sent."""
        with self.ledger.write(durable=False) as connection:
            connection.execute("DELETE FROM requests WHERE id = ? AND status IS NULL", (ticket,))

    def settle(
        self,
        ticket: int,
        status: int,
        *,
        retry_after_s: float | None = None,
        reason: str = "",
        duration_ms: float = 0.0,
        size: int = 0,
    ) -> None:
        """Record how a reserved request ended; a 429 locks its bucket, or the app, and teaches the ceiling."""
        with self.ledger.write(durable=False) as connection:
            connection.execute(
                "UPDATE requests SET status = ?, retry_after_s = ?, duration_ms = ?, bytes = ? WHERE id = ?",
                (status, retry_after_s, duration_ms, size, ticket),
            )
            if status == 429:
                bucket = connection.execute("SELECT bucket FROM requests WHERE id = ?", (ticket,)).fetchone()[0]
                self._lock(connection, bucket, reason, retry_after_s)

    def _lock(self, connection: Connection, bucket: str, reason: str, retry_after_s: float | None) -> None:
        now = self.ledger.now().timestamp()
        quota = "QUOTA" in reason or (retry_after_s or 0.0) > QuotaExceeded.beyond_s
        name = bucket if quota else APP
        wait = retry_after_s if retry_after_s is not None else (DAY_S if quota else WINDOW_S)
        since = now - (DAY_S if quota else WINDOW_S)
        own = "AND bucket = ?" if quota else "AND ? <> ''"
        good = connection.execute(
            f"SELECT count(*) FROM requests WHERE at > ? AND status BETWEEN 200 AND 299 {own}", (since, name)
        ).fetchone()[0]
        text = "daily quota exceeded" if quota else "rate limit of the 30 s window"
        learned = self._learned(good, self.limits.quota_requests if quota else self.limits.window_requests, quota=quota)
        connection.execute(
            "INSERT INTO buckets (bucket, ceiling, learned_at, locked_until, reason, next_slot_at) VALUES (?,?,?,?,?,?)"
            " ON CONFLICT (bucket) DO UPDATE SET ceiling = excluded.ceiling, learned_at = excluded.learned_at, "
            "reason = excluded.reason, locked_until = max(buckets.locked_until, excluded.locked_until), "
            "next_slot_at = max(buckets.next_slot_at, excluded.next_slot_at)",  # nothing is made up for after a refusal
            (name, learned, now, now + wait, text, now + wait),
        )

    @staticmethod
    def _learned(good: int, planned: int | None, *, quota: bool) -> float:
        # One stray 429 must not strangle the app: a window never falls below a third of the plan, a quota below ten.
        floor = 10.0 if quota else (planned or 90) / 3
        return max(floor, 0.9 * good)

    def _ceiling(self, own: Row | None, now: float) -> int | None:
        if own is None or own["ceiling"] is None:
            return self.limits.quota_requests
        learned, planned = int(_grown(own, now, most_days=1.0)), self.limits.quota_requests
        return learned if planned is None else min(learned, planned)

    @staticmethod
    def _confirm(connection: Connection, bucket: str, own: Row | None, used: int, now: float) -> None:
        """Let what a ceiling has grown stay once requests come up to what it was: a day without them adds nothing."""
        if own is None or own["ceiling"] is None or used < int(own["ceiling"]):
            return
        ahead_s = own["learned_at"] - now  # more than a day: the clock was wrong then, and is not waited for
        connection.execute(
            "UPDATE buckets SET ceiling = ?, learned_at = ? WHERE bucket = ?",
            (_grown(own, now, most_days=1.0), own["learned_at"] if 0 < ahead_s < DAY_S else now, bucket),
        )

    def _interval(self, app: Row | None, now: float) -> float:
        permitted = float(self.limits.window_requests)
        if app is not None and app["ceiling"] is not None:
            permitted = min(permitted, _grown(app, now))
        # One per cent and one request of headroom: arrivals are less even than departures.
        return WINDOW_S / max(1.0, permitted * 0.99 - 1)

    @staticmethod
    def _set_next_slot(connection: Connection, at: float) -> None:
        connection.execute(
            "INSERT INTO buckets (bucket, next_slot_at) VALUES (?, ?) "
            "ON CONFLICT (bucket) DO UPDATE SET next_slot_at = excluded.next_slot_at",
            (APP, at),
        )

    @staticmethod
    def _window_frees_at(connection: Connection, interval: float) -> float:
        """When the oldest request of a full window has left it; 0 while the window is not full.

        Ids grow with slots. A gap between them makes this look at a younger request, which only waits longer.
        """
        span = WINDOW_S * 1.01  # as much longer as the pace has headroom
        full = round(span / interval)
        query = (
            "SELECT at FROM requests WHERE id > (SELECT max(id) FROM requests) - ? "
            "AND (SELECT max(id) FROM requests) >= ? ORDER BY id LIMIT 1"
        )
        oldest = connection.execute(query, (full, full)).fetchone()
        return float(oldest[0]) + span if oldest else 0.0

    def _open(self, connection: Connection, bucket: str) -> tuple[float, Row | None, Row | None, int]:
        """The instant, what is known of app and bucket, its requests of a day; BudgetSpent where it is closed."""
        now = self.ledger.now().timestamp()
        app, own = self._states(connection, bucket)
        self._refuse_locked(bucket, app, own, now)
        return now, app, own, self._refuse_spent(connection, bucket, own, now)

    def _refuse_locked(self, bucket: str, app: Row | None, own: Row | None, now: float) -> None:
        for row in (own, app):
            if row is not None and 0 < row["locked_until"] - now < FARTHEST_S:
                raise BudgetSpent(bucket, datetime.fromtimestamp(row["locked_until"], UTC), row["reason"])

    def _refuse_spent(self, connection: Connection, bucket: str, own: Row | None, now: float) -> int:
        """Requests of a bucket in the last 24 h, not counted where nothing bounds them."""
        ceiling = self._ceiling(own, now)
        if ceiling is None:
            return 0
        if (used := self._used(connection, bucket, now)) >= ceiling:
            nth = connection.execute(
                f"SELECT at {_OF_A_DAY} ORDER BY at LIMIT 1 OFFSET ?",
                (bucket, now - DAY_S, now + DAY_S, used - ceiling),
            ).fetchone()[0]
            due = datetime.fromtimestamp(nth, UTC) + timedelta(seconds=DAY_S)
            raise BudgetSpent(bucket, due, f"{used} of {ceiling} requests in 24 hours are spent")
        return used

    @staticmethod
    def _used(connection: Connection, bucket: str, now: float) -> int:
        """Requests of a bucket in the last 24 h."""
        count = connection.execute(f"SELECT count(*) {_OF_A_DAY}", (bucket, now - DAY_S, now + DAY_S))
        return int(count.fetchone()[0])

    @staticmethod
    def _states(connection: Connection, bucket: str) -> tuple[Row | None, Row | None]:
        """What is known of the app and of one bucket."""
        names = ("bucket", "ceiling", "learned_at", "locked_until", "reason", "next_slot_at")
        query = f"SELECT {', '.join(names)} FROM buckets WHERE bucket IN (?, ?)"
        rows = {row[0]: dict(zip(names, row, strict=True)) for row in connection.execute(query, (APP, bucket))}
        return rows.get(APP), rows.get(bucket)


def _grown(row: Row, now: float, most_days: float = math.inf) -> float:
    """What a refusal taught, grown since."""
    return float(row["ceiling"] * GROWTH_PER_DAY ** min(max(0.0, now - row["learned_at"]) / DAY_S, most_days))


def believable(slot: float, now: float) -> float:
    """A slot, or 0 when it is farther ahead than BELIEVED_S."""
    return slot if slot - now < BELIEVED_S else 0.0
