"""Questions narrowed to a list of artists: their numbers in a generation. Imports `generations`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from weakref import WeakKeyDictionary

from pipeline.published.generations import Generation

__all__ = ["LISTED", "numbers"]

# Of numbers given as the text of a list: handed over one by one, some thousand take as long as the rest of a question.
LISTED = "SELECT unnest(from_json(?, '[\"INTEGER\"]'))"
_LOOKED_UP = """
    SELECT artist_id, artist_no FROM artists
    WHERE artist_no >= ? AND artist_id IN (SELECT unnest(from_json(?, '["VARCHAR"]')))"""


@dataclass(frozen=True)
class _Places:
    """Numbers of those of a list who are known; `looked_at`: how many artists there were when they were looked up."""

    numbered: str
    generation: int
    asked: tuple[str, ...]
    found: dict[str, int]
    looked_at: int


_last: WeakKeyDictionary[Generation, tuple[tuple[str, ...], list[int]]] = WeakKeyDictionary()
_before: dict[Path, _Places] = {}  # of each folder's latest generation that was asked


def numbers(generation: Generation, artist_ids: Sequence[str]) -> list[int]:
    """Numbers of the artists that are known; of the list asked for last they are at hand: a page asks several times.

    In the next generation the same artists have the same numbers: only who was unknown is looked up, among new artists.
    """
    asked = tuple(artist_ids)
    known = _last.get(generation)
    if known is None or known[0] != asked:
        known = _last[generation] = asked, sorted(_found(generation, asked).values())
    return known[1]


def _found(generation: Generation, asked: tuple[str, ...]) -> dict[str, int]:
    numbered, folder = generation.meta("numbered"), generation.path.parent
    before = _before.get(folder)
    if before is None or before.generation > generation.number or (before.numbered, before.asked) != (numbered, asked):
        before = _Places(numbered, generation.number, asked, {}, 0)
    missing = [artist_id for artist_id in asked if artist_id not in before.found]
    if not missing:
        return before.found
    found = before.found | dict(generation.rows(_LOOKED_UP, [before.looked_at, json.dumps(missing)]))
    if numbered:
        looked_at = generation.rows("SELECT coalesce(max(artist_no) + 1, 0) FROM artists")[0][0]
        _before[folder] = _Places(numbered, generation.number, asked, found, looked_at)
    return found
