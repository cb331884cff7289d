"""What an app may ask: a rolling 30 s window over everything, a rolling 24 h quota of successes per bucket, locks."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from typing import NamedTuple

__all__ = ["DAY_S", "WINDOW_S", "Allowance", "Verdict"]

WINDOW_S = 30.0
DAY_S = 86_400.0


class Verdict(NamedTuple):
    """Why a request is refused: `window` or `quota`, how long to wait, and whether that had been announced before."""

    kind: str
    retry_after_s: int
    locked: bool


class Allowance:
    """Admits or refuses by the simulated clock. A request counts from its arrival; the quota gets failed ones back."""

    def __init__(
        self, quotas: Mapping[str, int], window_requests: int | None, lock_s: int | None = None, penalty_s: int = 600
    ) -> None:
        self._quotas, self._window_requests = dict(quotas), window_requests
        self._lock_s, self._penalty_s = lock_s, penalty_s
        self.forget()

    def forget(self) -> None:
        """Lifts every lock and empties window and quotas."""
        self._window: deque[float] = deque()
        self._spent: dict[str, deque[float]] = {}
        self._locks: dict[str, float] = {}
        self._window_lock = 0.0

    def admit(self, bucket: str, now: float) -> Verdict | None:
        """None when the request may pass; it is then counted. A call into a quota lock lengthens the lock."""
        if now < self._window_lock:
            return Verdict("window", _seconds(self._window_lock - now), locked=True)
        if now < self._locks.get(bucket, 0.0):
            self._locks[bucket] += self._penalty_s
            return Verdict("quota", _seconds(self._locks[bucket] - now), locked=True)
        if self._locks.pop(bucket, 0.0) and self._lock_s is not None:
            self._spent.pop(bucket, None)  # a lock of fixed length ends with a fresh quota
        verdict = self._window_verdict(now) or self._quota_verdict(bucket, now)
        if verdict is None:
            self._count(bucket, now)
        return verdict

    def give_back(self, bucket: str, admitted_at: float) -> None:
        """Takes a request that did not succeed out of its bucket's quota (the window keeps it)."""
        spent = self._spent.get(bucket, deque())
        if admitted_at in spent:
            spent.remove(admitted_at)

    def lock(self, bucket: str, now: float, seconds: float) -> None:
        """Locks a bucket for this long, as a lock-out that comes from outside."""
        self._locks[bucket] = max(self._locks.get(bucket, 0.0), now + seconds)

    def lock_window(self, now: float, seconds: float) -> None:
        """Refuses everything for this long, as the 30 s limit does."""
        self._window_lock = max(self._window_lock, now + seconds)

    def _count(self, bucket: str, now: float) -> None:
        if self._window_requests is not None:
            self._window.append(now)
        if bucket in self._quotas:
            self._spent.setdefault(bucket, deque()).append(now)

    def _window_verdict(self, now: float) -> Verdict | None:
        if self._window_requests is None:
            return None
        while self._window and self._window[0] <= now - WINDOW_S:
            self._window.popleft()
        if len(self._window) < self._window_requests:
            return None
        tenth = max(len(self._window) // 10 - 1, 0)  # wait until a tenth of the window is free again
        wait = _seconds(self._window[tenth] + WINDOW_S - now) if self._window else int(WINDOW_S)
        self._window_lock = now + wait
        return Verdict("window", wait, locked=False)

    def _quota_verdict(self, bucket: str, now: float) -> Verdict | None:
        quota = self._quotas.get(bucket)
        if quota is None:
            return None
        spent = self._spent.setdefault(bucket, deque())
        while spent and spent[0] <= now - DAY_S:
            spent.popleft()
        if len(spent) < quota:
            return None
        half = spent[len(spent) // 2] + DAY_S - now if spent else DAY_S  # locked until half of the quota has rolled out
        wait = _seconds(half) if self._lock_s is None else self._lock_s
        self._locks[bucket] = now + wait
        return Verdict("quota", wait, locked=False)


def _seconds(wait: float) -> int:
    return max(math.ceil(wait), 1)
