"""What an app may ask: a rolling 30 s window over everything, a rolling 24 h quota of successes per bucket, locks."""

from __future__ import annotations

import math
from collections import deque
from typing import NamedTuple

from .config import SimulatorConfig

__all__ = ["DAY_S", "WINDOW", "WINDOW_S", "Allowance", "Verdict"]

WINDOW = "window"

WINDOW_S = 30.0
DAY_S = 86_400.0


class Verdict(NamedTuple):
    """Why a request is refused: `window` or `quota`, how long to wait, and whether the client had been told before."""

    kind: str
    retry_after_s: int
    told: bool


class _Lock:
    """Until when something is locked, and when (by the real clock) a client was first told."""

    def __init__(self, until: float) -> None:
        self.until = until
        self.told_at: float | None = None


class Allowance:
    """Admits or refuses by the simulated clock. A request counts from its arrival; the quota gets failed ones back."""

    def __init__(self, config: SimulatorConfig) -> None:
        self._config, self._quotas = config, dict(config.quotas)
        self.forget()

    def forget(self) -> None:
        """Lifts every lock and empties window and quotas."""
        self._window: deque[float] = deque()
        self._spent: dict[str, deque[float]] = {}
        self._locks: dict[str, _Lock] = {}

    def admit(self, bucket: str, now: float, real: float) -> Verdict | None:
        """None when the request may pass; it is then counted. A call into a quota lock lengthens the lock.

        `real` is a monotonic clock: what was on its way when the lock was announced has not run into it.
        """
        for name, kind in ((WINDOW, "window"), (bucket, "quota")):
            lock = self._locks.get(name)
            if lock and now < lock.until:
                told = lock.told_at is not None and real - lock.told_at > self._config.lock_notice_s
                lock.until += self._config.lock_penalty_s if told and kind == "quota" else 0
                return Verdict(kind, _seconds(lock.until - now), told)
            if self._locks.pop(name, None) and self._config.lock_s is not None:
                self._spent.pop(name, None)  # a lock of fixed length ends with a fresh quota
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
        """Locks a bucket (or WINDOW: everything) for this long, as a lock-out that comes from outside."""
        lock = self._locks.setdefault(bucket, _Lock(0.0))
        lock.until = max(lock.until, now + seconds)

    def announced(self, bucket: str, real: float) -> None:
        """A client has just been told of the locks that concern this bucket."""
        for name in (WINDOW, bucket):
            if (lock := self._locks.get(name)) and lock.told_at is None:
                lock.told_at = real

    def _count(self, bucket: str, now: float) -> None:
        if self._config.window_requests is not None:
            self._window.append(now)
        if bucket in self._quotas:
            self._spent.setdefault(bucket, deque()).append(now)

    def _window_verdict(self, now: float) -> Verdict | None:
        if self._config.window_requests is None:
            return None
        while self._window and self._window[0] <= now - WINDOW_S:
            self._window.popleft()
        if len(self._window) < self._config.window_requests:
            return None
        tenth = max(len(self._window) // 10 - 1, 0)  # wait until a tenth of the window is free again
        wait = _seconds(self._window[tenth] + WINDOW_S - now) if self._window else int(WINDOW_S)
        self._locks[WINDOW] = _Lock(now + wait)
        return Verdict("window", wait, told=False)

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
        wait = _seconds(half) if self._config.lock_s is None else self._config.lock_s
        self._locks[bucket] = _Lock(now + wait)
        return Verdict("quota", wait, told=False)


def _seconds(wait: float) -> int:
    return max(math.ceil(wait), 1)
