"""What orders a list of artists: of all of them in memory, once many were asked for; of a few, of those alone.

Imports `generations`, `among`, `growth` and `schema`.
"""

from __future__ import annotations

import math
from operator import itemgetter
from typing import Any
from weakref import WeakKeyDictionary

import polars as pl

from pipeline.published.generations import Generation
from pipeline.queries.among import LISTED
from pipeline.queries.growth import grown
from pipeline.schema import folded

__all__ = ["ARTIST_ORDERS", "FOLDED", "KEPT", "UNKNOWN", "Worths", "best", "ordered_table", "worths"]

Worths = list[tuple[int, Any]]  # numbers of artists, each with what orders them

FOLDED = folded("a.name")
UNKNOWN = -math.inf

# What a list of artists can be ordered by: a value, and which end comes first; unknown values come last.
ARTIST_ORDERS = {
    "followers": ("a.followers", "DESC"),
    "popularity": ("a.popularity", "DESC"),
    "growth": ("g.growth", "DESC"),
    "released": ("CASE WHEN a.releases_checked_on IS NOT NULL THEN l.latest - DATE '1970-01-01' END", "DESC"),
    "new": ("a.first_seen_on - DATE '1970-01-01'", "DESC"),
    "name": (FOLDED, "ASC"),
}

KEPT = ("released",)  # orders of which the values are kept for the list of all, too: to find them takes long
OF_ARTISTS = ("followers", "popularity", "new")  # orders by what stands in `artists` itself: a few are soon looked up
FEW, OFTEN = 10_000, 3  # to look up so many so often takes as long as to read the values of a million, 20 ms

_LATEST = """
    SELECT artist_no, max(release_date) AS latest FROM release_artists JOIN releases USING (album_id) GROUP BY artist_no
"""

_kept: WeakKeyDictionary[Generation, dict[str, pl.Series]] = WeakKeyDictionary()
_looked_up: WeakKeyDictionary[Generation, int] = WeakKeyDictionary()  # how often a few were


def ordered_table(generation: Generation, order: str) -> str:
    """SQL of artists as `a`, joined with what the value of an order is taken from."""
    if order == "growth":
        return f"artists a LEFT JOIN ({grown(generation, 30)}) g USING (artist_no)"
    return f"artists a LEFT JOIN ({_LATEST}) l USING (artist_no)" if order == "released" else "artists a"


def worths(generation: Generation, order: str, found: pl.Series) -> pl.Series:
    """What orders the artists with these numbers, in their order; UNKNOWN where it is NULL. Not for names."""
    times = _looked_up.get(generation, 0)
    if order in _kept.get(generation, {}) or order not in OF_ARTISTS or len(found) > FEW or times == OFTEN:
        return _of_all(generation, order).gather(found)
    _looked_up[generation] = times + 1
    asked = f"SELECT artist_no, {_worth(order)} FROM artists a WHERE artist_no IN ({LISTED})"
    worth = dict(generation.rows(asked, [str(found.to_list())]))
    return pl.Series([worth.get(number, UNKNOWN) for number in found], dtype=pl.Float64)


def _worth(order: str) -> str:
    return f"coalesce(({ARTIST_ORDERS[order][0]})::DOUBLE, '-inf') AS worth"


def _of_all(generation: Generation, order: str) -> pl.Series:
    """What orders artists, of each at the place of its number; read once of a generation."""
    kept = _kept.setdefault(generation, {})
    if order not in kept:
        table = ordered_table(generation, order)
        numbers, worth = generation.frame(f"SELECT artist_no, {_worth(order)} FROM {table}")
        places = int(numbers.max() or 0) + 1  # type: ignore[arg-type]  # a bundle has some of the numbers
        kept[order] = pl.repeat(UNKNOWN, places, dtype=pl.Float64, eager=True).scatter(numbers, worth)
    return kept[order]


def best(found: pl.Series, worth: pl.Series, many: int) -> Worths:
    """The first so many, each once: of all to find out who stands there twice would take longer than all the rest."""
    taken = 2 * many
    while len(found):
        least = worth.top_k(taken).min()
        above, tied = worth > least, found.filter(worth == least).head(taken)
        first = {**dict.fromkeys(tied, least), **dict(zip(found.filter(above), worth.filter(above), strict=True))}
        if len(first) >= many or taken >= len(found):
            ordered = sorted(first.items(), key=itemgetter(1), reverse=True)[:many]
            return [(number, None if value == UNKNOWN else value) for number, value in ordered]
        taken *= 2
    return []
