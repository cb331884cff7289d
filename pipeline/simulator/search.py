"""What a search query means, and which artists it finds, in which order."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from .catalog import Catalog, fold

__all__ = ["Query", "matching_artists", "parsed_query"]

_FILTER = re.compile(r'(?:^|(?<=\s))(genre|artist|year|album|track|upc|isrc|tag):(?:"([^"]*)"?|(\S*))', re.IGNORECASE)
_YEARS = re.compile(r"(\d{4})(?:-(\d{4}))?$")


@dataclass(frozen=True, slots=True)
class Query:
    """A query taken apart: folded genres, words of names, a range of years, and whether it can match artists at all."""

    genres: tuple[str, ...]
    words: tuple[str, ...]
    years: tuple[int, int] | None
    possible: bool


def parsed_query(text: str) -> Query:
    """The parts of a query; a genre of several words needs quotes, else only its first word belongs to the filter."""
    genres, words, years, possible = [], [], None, True
    for name, quoted, bare in _FILTER.findall(text):
        value = fold(quoted or bare).strip()
        match name.lower():
            case "genre":
                genres.append(value)
            case "artist":
                words += value.split()
            case "year" if found := _YEARS.match(value):
                years = (int(found[1]), int(found[2] or found[1]))
            case _:
                possible = False
    words += fold(_FILTER.sub(" ", text)).replace('"', " ").split()
    return Query(tuple(genres), tuple(words), years, possible)


def matching_artists(catalog: Catalog, query: Query, day: int) -> list[int]:
    """The artists found, most popular first; more than one genre finds nothing, an unknown one neither."""
    if not query.possible or len(query.genres) > 1:
        return []
    found = catalog.ranking(query.genres[0] if query.genres else "", day) if query.genres != ("",) else []
    if query.words:
        names = catalog.folded_names
        found = [index for index in found if all(word in names[index] for word in query.words)]
    if query.years:
        last = min(query.years[1], date.fromordinal(day).year)
        years = range(query.years[0], last + 1)
        found = [index for index in found if any(r.day <= day for year in years for r in catalog.led(index, year))]
    return found
