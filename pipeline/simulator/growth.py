"""How an audience changes: followers day by day (steady, viral, declining) and the popularity that follows."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .draws import Dice, normal, poisson

__all__ = ["ANCHOR_DAY", "Curve", "followers_at_anchor", "popularity_score"]

ANCHOR_DAY = 739617  # 2026-01-01: the synthetic catalogue's followers are drawn for this day
_HORIZON_DAYS = 30 * 365.25  # viral moments are spread over the 30 years around the anchor
_YEAR = 365.25


@dataclass(frozen=True, slots=True)
class Curve:
    """The logarithm of an audience's size over time, up to a constant."""

    yearly: float
    jumps: tuple[tuple[float, float, float], ...]  # (day, size in log, width in days)
    phase: float

    @classmethod
    def drawn(cls, dice: Dice, index: int) -> Curve:
        """The curve of artist `index`: four in five grow, the rest decline; one in three has viral moments."""
        draws = dice(20, index)
        declining = draws[0] < 0.2
        yearly = -0.02 - 0.14 * draws[1] if declining else 0.03 + 0.32 * draws[1] ** 2
        jumps = []
        for number in range(poisson(draws[2], 1.4, 6)):
            where = dice(21, index, number)
            day = ANCHOR_DAY + (where[0] - 0.5) * _HORIZON_DAYS
            jumps.append((day, 0.25 + 1.6 * where[1] ** 2, 2 + 7 * where[2]))
        return cls(yearly, tuple(jumps), draws[3] * 6.283)

    def log_size(self, day: float) -> float:
        """Log size on this day; differences between two days are growth."""
        years = (day - ANCHOR_DAY) / _YEAR
        size = self.yearly * 15 * math.tanh(years / 15)
        for where, height, width in self.jumps:
            distance = (day - where) / width
            size += height / (1 + math.exp(-distance)) if abs(distance) < 40 else height * (distance > 0)
        wobble = 0.25 * abs(self.yearly) / _YEAR + 2e-6
        return size + wobble * (math.sin(day * 0.9 + self.phase) + math.sin(day * 0.37 + 2 * self.phase))


def followers_at_anchor(dice: Dice, index: int) -> float:
    """A heavy-tailed draw: median about 8,000, one in a thousand above eight million."""
    draws = dice(22, index)
    size = math.exp(9.0 + 2.2 * normal(draws[0]))
    return min(max(size, 4.0), 9e7)


def popularity_score(followers: int, growth_30d: float, days_since_release: int | None, offset: float) -> float:
    """Popularity before rounding to 0-100: followers on a log scale, freshness, momentum, the artist's own offset."""
    recency = -3.0 if days_since_release is None else 8.0 * math.exp(-days_since_release / 45) - 3.0
    momentum = min(max(25.0 * growth_30d, -6.0), 10.0)
    return 14.5 * math.log10(followers + 1) - 24.0 + recency + momentum + offset
