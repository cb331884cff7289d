"""Random numbers from nothing but a seed and a place: the same on every machine, in every order, after any restart."""

from __future__ import annotations

import hashlib
import math
import struct
from collections.abc import Callable, Sequence
from statistics import NormalDist
from typing import TypeVar

__all__ = ["Dice", "normal", "pick", "poisson", "weighted"]

_PACK: tuple[Callable[..., bytes], ...] = tuple(struct.Struct(f"<{n}q").pack for n in range(8))
_UNPACK = struct.Struct("<8Q").unpack
_UNIT = 2.0**-53
_NORMAL = NormalDist()
_Choice = TypeVar("_Choice")


class Dice:
    """Eight uniform draws for each tuple of integers, such as `dice(topic, artist, year)`."""

    def __init__(self, seed: str) -> None:
        self._base = hashlib.blake2b(seed.encode(), digest_size=64, person=b"simulator")

    def __call__(self, *place: int) -> list[float]:
        """Eight numbers in [0, 1), a pure function of the seed and the place."""
        digest = self._base.copy()
        digest.update(_PACK[len(place)](*place))
        return [(word >> 11) * _UNIT for word in _UNPACK(digest.digest())]


def normal(uniform: float) -> float:
    """The standard normal value at this quantile, within ±6."""
    return _NORMAL.inv_cdf(min(max(uniform, 1e-9), 1 - 1e-9))


def poisson(uniform: float, mean: float, most: int) -> int:
    """The Poisson count at this quantile, at most `most`."""
    chance = cumulated = math.exp(-mean)
    count = 0
    while uniform > cumulated and count < most:
        count += 1
        chance *= mean / count
        cumulated += chance
    return count


def pick(uniform: float, choices: Sequence[_Choice]) -> _Choice:
    """One of the choices, each equally likely."""
    return choices[int(uniform * len(choices))]


def weighted(uniform: float, cumulated: Sequence[float]) -> int:
    """The index drawn from cumulated weights (the last one is their sum)."""
    target = uniform * cumulated[-1]
    for index, weight in enumerate(cumulated):
        if target < weight:
            return index
    return len(cumulated) - 1
