"""Questions narrowed to a list of artists: their numbers in a generation. Imports `generations`."""

from __future__ import annotations

from collections.abc import Sequence
from weakref import WeakKeyDictionary

from pipeline.published.generations import Generation

__all__ = ["numbers"]

_last: WeakKeyDictionary[Generation, tuple[tuple[str, ...], list[int]]] = WeakKeyDictionary()


def numbers(generation: Generation, artist_ids: Sequence[str]) -> list[int]:
    """Numbers of the artists that are known; of the list asked for last they are at hand: a page asks several times."""
    asked = tuple(artist_ids)
    known = _last.get(generation)
    if known is None or known[0] != asked:
        query = "SELECT artist_no FROM artists WHERE artist_id IN (SELECT unnest(?::VARCHAR[])) ORDER BY artist_no"
        known = _last[generation] = asked, [number for (number,) in generation.rows(query, [list(asked)])]
    return known[1]
