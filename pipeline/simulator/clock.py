"""The simulator's own time: it starts anywhere, runs at any speed, can be set and moved on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime

__all__ = ["SimulatedClock", "day_of", "http_date", "instant", "iso"]

_EPOCH_DAY = date(1970, 1, 1).toordinal()
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST, _LATEST = datetime(1970, 1, 2, tzinfo=UTC).timestamp(), datetime(9000, 1, 1, tzinfo=UTC).timestamp()


class SimulatedClock:
    """Seconds since 1970 (UTC), `speed` times as fast as the monotonic clock; at speed 0 it stands until moved."""

    def __init__(self, start: float, speed: float = 1.0, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._lock = threading.Lock()
        self._monotonic = monotonic
        self._speed = speed
        self._set(start)

    def now(self) -> float:
        """The simulated instant, in seconds since 1970 (UTC)."""
        origin, base = self._state
        return base + (self._monotonic() - origin) * self._speed

    def set(self, instant: float) -> None:
        """Makes it this instant now."""
        with self._lock:
            self._set(instant)

    def advance(self, seconds: float) -> None:
        """Moves the clock on (or back, when negative) by this many seconds."""
        with self._lock:
            self._set(self.now() + seconds)

    def _set(self, instant: float) -> None:
        if not _EARLIEST <= instant <= _LATEST:
            raise ValueError("the simulated time must lie between the years 1970 and 9000")
        self._state = (self._monotonic(), instant)


def instant(text: str | datetime | date) -> float:
    """Seconds since 1970 of an ISO date or time; without an offset it is UTC. Raises ValueError."""
    if isinstance(text, str):
        text = datetime.fromisoformat(text)
    elif not isinstance(text, datetime):
        text = datetime(text.year, text.month, text.day, tzinfo=UTC)
    return (text if text.tzinfo else text.replace(tzinfo=UTC)).timestamp()


def day_of(instant: float) -> int:
    """The UTC day as `date.toordinal()` counts it."""
    return int(instant // 86400) + _EPOCH_DAY


def iso(instant: float) -> str:
    """For example 2026-01-05T00:00:00.000Z."""
    moment = _EPOCH + timedelta(seconds=instant)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def http_date(instant: float) -> str:
    """The value of a Date header, whole seconds."""
    return format_datetime((_EPOCH + timedelta(seconds=instant)).replace(microsecond=0), usegmt=True)
