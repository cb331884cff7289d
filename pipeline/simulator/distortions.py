"""Listings that are not what they say: extra slots that repeat an item, hold null or hold nothing.

Slots are inserted, nothing is removed, and where they are depends on the listing alone: whoever reads every page, in
any order, gets every item.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .draws import Dice

__all__ = ["GHOST", "NULL", "Distortion", "slots_of"]

NULL, GHOST = -1, -2
_KINDS = {"null_items": NULL, "short_pages": GHOST}


@dataclass(frozen=True)
class Distortion:
    """One rule in force: `what` it inserts, with chance `share` at each position or at every n-th."""

    what: str
    number: int
    share: float
    every: int
    params: Mapping[str, object]


def slots_of(dice: Dice, key: str, count: int, distortions: Sequence[Distortion]) -> Sequence[int]:
    """What the positions of a listing of `count` items show: an item's number, NULL, or GHOST (nothing at all)."""
    if not distortions:
        return range(count)
    listing = zlib.crc32(key.encode())
    slots: list[int] = []
    for position in range(count):
        for rule in distortions:
            if _hits(dice, rule, listing, position):
                back = int(str(rule.params.get("distance", 7)))
                slots.append(_KINDS.get(rule.what, max(position - back, 0)))
        slots.append(position)
    return slots


def _hits(dice: Dice, rule: Distortion, listing: int, position: int) -> bool:
    if rule.every:
        return (position + 1) % rule.every == 0
    return dice(70, rule.number, listing, position)[0] < rule.share
