"""What the simulator was asked and how it answered, so that a test can prove what was not sent."""

from __future__ import annotations

from collections import Counter, deque
from typing import Any

from .clock import iso
from .quotas import WINDOW_S
from .routes import Route

__all__ = ["Counts"]


class Counts:
    """Counts since the last reset; every request to /v1/ counts once, when it is answered (or dropped)."""

    def __init__(self, now: float) -> None:
        self.reset(now)

    def reset(self, now: float) -> None:
        """Starts counting afresh."""
        self._since = now
        self._answers: Counter[tuple[str, str, str]] = Counter()
        self._into_lock: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()
        self._faults: Counter[str] = Counter()
        self._received = self._tokens = self._most = 0
        self._recent: deque[float] = deque()

    def received(self, now: float) -> None:
        """A request arrived."""
        self._received += 1
        recent = self._recent
        recent.append(now)
        while recent[0] <= now - WINDOW_S or recent[0] > now + WINDOW_S:
            recent.popleft()
        self._most = max(self._most, len(recent))

    def answered(self, route: Route, outcome: str) -> None:
        """It ends with this outcome: a status, or timeout, reset, truncated."""
        self._answers[route.bucket, route.endpoint, outcome] += 1

    def refused(self, cause: str) -> None:
        """A 429 was answered because of: window, quota, or fault."""
        self._refused[cause] += 1

    def ran_into_lock(self, bucket: str) -> None:
        """The request came while its bucket was locked (or the window: bucket `window`)."""
        self._into_lock[bucket] += 1

    def fault(self, what: str) -> None:
        """A fault was injected."""
        self._faults[what] += 1

    def token(self) -> None:
        """The token endpoint was asked."""
        self._tokens += 1

    def snapshot(self) -> dict[str, Any]:
        """All counts as JSON values."""
        answers = dict(self._answers)
        return {
            "since": iso(self._since),
            "total": self._received,
            "by_bucket": _sums(answers, 0),
            "by_endpoint": _sums(answers, 1),
            "by_status": _sums(answers, 2),
            "answers": [
                {"bucket": bucket, "endpoint": endpoint, "status": outcome, "count": count}
                for (bucket, endpoint, outcome), count in sorted(answers.items())
            ],
            "token_requests": self._tokens,
            "into_lock": dict(self._into_lock),
            "into_lock_total": sum(self._into_lock.values()),
            "max_in_30_s": self._most,
            "answers_429": dict(self._refused),
            "faults": dict(self._faults),
        }


def _sums(answers: dict[tuple[str, str, str], int], part: int) -> dict[str, int]:
    sums: Counter[str] = Counter()
    for key, count in answers.items():
        sums[key[part]] += count
    return dict(sorted(sums.items()))
