"""How often and how long a fault is waited out: up to four attempts, exponential waits with full jitter.

Owns no clock: whoever asks brings `pause`. Imports `errors` and `transport`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import TypeVar

from pipeline.errors import SourceUnavailable
from pipeline.source.transport import Fault

__all__ = ["ATTEMPTS", "Backoff"]

ATTEMPTS = 4
FIRST_WAIT_S, LONGEST_WAIT_S = 0.2, 5.0
T = TypeVar("T")


@dataclass(frozen=True)
class Backoff:
    """Waits between attempts, uniform between 0 and a bound that doubles, so that workers do not return in step."""

    pause: Callable[[float], None]
    rng: Random

    def attempts_at(self, what: str, action: Callable[[], T], may_go_on: Callable[[], bool] = lambda: True) -> T:
        """The first answer of `action` without a fault; raises SourceUnavailable when there is none."""
        attempt = 1
        while True:
            try:
                return action()
            except Fault as fault:
                if attempt == ATTEMPTS or not may_go_on():
                    raise SourceUnavailable(
                        f"{what}: {fault} (attempt {attempt} of {ATTEMPTS}). Nothing of it was stored; ask again later."
                    ) from None
            self.pause(self.rng.uniform(0, min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** (attempt - 1))))
            attempt += 1
