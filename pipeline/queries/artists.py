"""Questions about artists: the list with its search, one artist, its history and genres.

Imports `generations`, `among`, `growth` and `worths`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from unicodedata import category

import polars as pl

from pipeline.published.generations import Generation
from pipeline.queries.among import LISTED
from pipeline.queries.among import numbers as numbers_among
from pipeline.queries.growth import NEWS_DAYS, grown, last_day
from pipeline.queries.worths import ARTIST_ORDERS, FOLDED, KEPT, UNKNOWN, Worths, best, ordered_table, worths
from pipeline.schema import LETTERS

__all__ = [
    "ARTIST_ORDERS",
    "anything_read",
    "artist",
    "artist_genres",
    "artist_history",
    "artists",
    "artists_count",
    "numbers_given",
    "recent_followers",
]

Row = dict[str, Any]
Matching = list[tuple[str, list[object]]]

_SHOWN = "artist_no IN (SELECT unnest(?::INTEGER[]))"  # a list of constants would be compared row by row
_ROWS = f"SELECT artist_no, artist_id, name, followers, popularity, image_url FROM artists WHERE {_SHOWN}"
_PAGE: dict[str, Any] = {
    "artist_no": pl.Int32, "artist_id": pl.String, "name": pl.String, "followers": pl.Int64, "popularity": pl.Int16,
    "image_url": pl.String, "gained": pl.Int64, "growth": pl.Float64, "since": pl.Date, "found": pl.List(pl.String),
}  # fmt: skip
_TYPED = str.maketrans(LETTERS)
_LAST_WORD = "\U0010ffff"  # sorts behind every letter

MOST_TIED = 10_000  # artists whose names are compared here, and not by the engine


def artists_count(generation: Generation, search: str = "", genre: str = "", among: Sequence[str] | None = None) -> int:
    """How many artists match a name (beginnings of its words, `folded`), a genre, and stand in a list of ids."""
    if matching := _matching(generation, search, genre, among):
        return _found(generation, matching).n_unique()
    return int(generation.rows("SELECT count(*) FROM artists")[0][0])


def artists(  # noqa: PLR0913  one parameter for each choice that the list offers
    generation: Generation,
    *,
    search: str = "",
    genre: str = "",
    among: Sequence[str] | None = None,
    order: str = "followers",
    limit: int = 25,
    offset: int = 0,
) -> pl.DataFrame:
    """A page of artists that match: what lists show of them, growth over 30 days, and `found`, all their genres.

    `among`: ids of artists of whom alone is asked; None: of all. gained, growth and since are NULL where growth cannot
    be said, or followers are withheld by now. Ties fall to the name, then the id, so that pages never overlap.
    """
    numbers = _page(generation, _matching(generation, search, genre, among), order, limit, offset)
    # Three short statements take half as long as one: to plan that takes longer than to carry it out.
    shown = {row[0]: row for row in generation.rows(_ROWS, [numbers])}
    gains = f"SELECT artist_no, gained, growth, since FROM ({grown(generation, 30, _SHOWN)})"
    given = {number for number, _, _, followers, *_ in shown.values() if followers is not None}
    gained = {number: gain for number, *gain in generation.rows(gains, [numbers]) if number in given}
    found: dict[int, set[str]] = {}
    for number, name in generation.rows(f"SELECT artist_no, genre FROM artist_genres WHERE {_SHOWN}", [numbers]):
        found.setdefault(number, set()).add(name)
    rows = [(*shown[n], *gained.get(n, (None, None, None)), sorted(found[n]) if n in found else None) for n in numbers]
    return pl.DataFrame(dict(zip(_PAGE, zip(*rows, strict=True), strict=True)) if rows else None, _PAGE)


def numbers_given(generation: Generation) -> dict[str, bool]:
    """Whether followers and popularity are given: False where artists were seen in the last month of data, all without.

    Who was not seen since a number was withdrawn keeps the last one for ever.
    """
    frame = generation.frame(
        "SELECT count(followers) > 0 OR count(*) = 0 AS followers, count(popularity) > 0 OR count(*) = 0 AS popularity "
        "FROM artists WHERE last_seen_on IS NULL OR last_seen_on > ?::DATE - ?::INTEGER",
        [last_day(generation), NEWS_DAYS],
    )
    return frame.row(0, named=True)


def anything_read(generation: Generation) -> dict[str, bool]:
    """Whether anybody's name is known, and whether anybody's releases were read, as only a run does."""
    read = "SELECT count(name) > 0 AS names, count(releases_checked_on) > 0 AS releases FROM artists"
    return generation.frame(read).row(0, named=True)


def recent_followers(generation: Generation, artist_ids: Sequence[str], days: int = 30) -> dict[str, list[int]]:
    """Followers day by day of some artists, oldest first; an artist without numbers is left out."""
    frame = generation.frame(
        """
        SELECT artist_id, list(followers ORDER BY observed_on) AS followers
        FROM artist_snapshots JOIN (SELECT DISTINCT unnest(?::VARCHAR[]) AS artist_id) USING (artist_id)
        WHERE followers IS NOT NULL AND observed_on >= ?::DATE - ?::INTEGER
        GROUP BY artist_id
        """,
        [list(artist_ids), last_day(generation), days],
    )
    return dict(frame.iter_rows())


def artist(generation: Generation, artist_id: str) -> Row | None:
    """An artist as last known, with counts of releases, and growth from `since` until `until`; None if unknown.

    Where followers are withheld by now, growth is that of another time, and NULL as they are.
    """
    frame = generation.frame(
        f"""
        SELECT a.*, g.gained, g.growth, g.since, g.until,
            (SELECT count(*) FROM release_artists x WHERE x.artist_id = a.artist_id) AS releases,
            (SELECT max(r.release_date) FROM release_artists x JOIN releases r USING (album_id)
                WHERE x.artist_id = a.artist_id) AS latest_release_on
        FROM artists a LEFT JOIN ({grown(generation, 30)}) g
            ON g.artist_no = a.artist_no AND a.followers IS NOT NULL
        WHERE a.artist_id = ?
        """,
        [artist_id],
    )
    return frame.row(0, named=True) if frame.height else None


def artist_history(generation: Generation, artist_id: str) -> pl.DataFrame:
    """One row per day an artist was seen: observed_on, followers, popularity; NULL where withheld."""
    return generation.frame(
        "SELECT observed_on, followers, popularity FROM artist_snapshots WHERE artist_id = ? ORDER BY observed_on",
        [artist_id],
    )


def artist_genres(generation: Generation, artist_id: str) -> pl.DataFrame:
    """One row per genre: genre, provenances (search: found by our query; spotify: given by Spotify), last_seen_on."""
    return generation.frame(
        """
        SELECT genre, list(provenance ORDER BY provenance) AS provenances, max(last_seen_on) AS last_seen_on
        FROM artist_genres WHERE artist_id = ? GROUP BY genre ORDER BY genre
        """,
        [artist_id],
    )


def _page(generation: Generation, matching: Matching, order: str, limit: int, offset: int) -> list[int]:
    """Numbers of the artists of a page, in their order. Names are compared only where values tie: it takes long."""
    end = offset + limit
    if order in KEPT and not matching:
        matching = [("SELECT artist_no FROM artists", [])]
    first = _first(generation, matching, order, end + 1)
    if len({worth for _, worth in first}) == len(first):
        return [number for number, _ in first[offset:end]]
    standing = _standing(generation, matching, order, first, end)
    if standing is None:
        return _ordered_by_name(generation, matching, order, limit, offset, first[end - 1][1])
    worth = {**dict.fromkeys(standing, first[-1][1]), **dict(first)}
    named = generation.rows(f"SELECT artist_no, {FOLDED}, artist_id FROM artists a WHERE {_SHOWN}", [standing])

    def place(row: tuple[int, str | None, str]) -> tuple[object, ...]:
        value = UNKNOWN if worth[row[0]] is None else worth[row[0]]
        return 0 if order == "name" else -value, row[1] is None, row[1], row[2]

    return [number for number, _, _ in sorted(named, key=place)[offset:end]]


def _standing(generation: Generation, matching: Matching, order: str, first: Worths, end: int) -> list[int] | None:
    """All who may be among the first `end`: more where values tie behind them; None for too many to compare here."""
    edge = first[end - 1][1] if len(first) > end else None
    if len(first) <= end or edge != first[end][1]:
        return [number for number, _ in first[:end]]
    if not matching or order == "name":
        return None
    found = _found(generation, matching)
    standing = found.filter(worths(generation, order, found) >= (UNKNOWN if edge is None else edge)).unique()
    return standing.to_list() if len(standing) <= MOST_TIED else None


def _ordered_by_name(
    generation: Generation, matching: Matching, order: str, limit: int, offset: int, edge: Any
) -> list[int]:
    """Numbers of the artists of a page whose last one has the value `edge`, as others behind it do."""
    condition, params = _condition(matching)
    value, side = ARTIST_ORDERS[order]
    if edge is not None:
        condition, params = f"{condition} AND {value} {'>=' if side == 'DESC' else '<='} ?", [*params, edge]
    rows = generation.rows(
        f"""SELECT a.artist_no FROM {ordered_table(generation, order)} WHERE {condition}
        ORDER BY {value} {side} NULLS LAST, {FOLDED}, artist_id LIMIT ? OFFSET ?""",
        [*params, limit, offset],
    )
    return [number for (number,) in rows]


def _first(generation: Generation, matching: Matching, order: str, many: int) -> Worths:
    """Numbers of the first artists that match, each with what orders them, None for unknown; ties in any order."""
    value, side = ARTIST_ORDERS[order]
    if matching and order != "name":
        found = _found(generation, matching)
        return best(found, worths(generation, order, found), many)
    condition, params = _condition(matching)
    return generation.rows(
        f"""SELECT a.artist_no, {value} AS worth FROM {ordered_table(generation, order)} WHERE {condition}
        ORDER BY worth {side} NULLS LAST LIMIT ?""",
        [*params, many],
    )


def _matching(generation: Generation, search: str, genre: str, among: Sequence[str] | None) -> Matching:
    """SELECTs of the numbers of artists, with their parameters; who is in all of them matches."""
    words = sorted(_words(generation, search), key=len, reverse=True) if search else ()
    named = "SELECT artist_no FROM name_tokens WHERE token >= ? AND token < ?"
    matching: Matching = [(named, [word, word + _LAST_WORD]) for word in words]
    if genre:
        matching.append(("SELECT artist_no FROM artist_genres WHERE genre = ? AND artist_no IS NOT NULL", [genre]))
    if among is not None:
        matching.append((f"{LISTED} AS artist_no", [str(numbers_among(generation, among))]))
    return matching


def _found(generation: Generation, matching: Matching) -> pl.Series:
    """Numbers of those who match; an artist stands there once for each of its words that was found."""
    first, *others = (generation.frame(select, params)["artist_no"] for select, params in matching)
    for other in others:  # a third of the time that a join of frames takes
        first = other.filter(other.is_in(first.implode()))
    return first


def _condition(matching: Matching) -> tuple[str, list[object]]:
    """The same as a condition on `a`, and its parameters."""
    conditions = [f"a.artist_no IN ({select})" for select, _ in matching]
    return " AND ".join(conditions) or "true", [param for _, params in matching for param in params]


def _words(generation: Generation, search: str) -> list[str]:
    """The words of a search, as `name_tokens` has them; to compile its SQL takes longer than to look up a word."""
    plain = search.lower()
    if not search.isascii():
        plain = str(generation.rows("SELECT lower(strip_accents(?::VARCHAR))", [search])[0][0]).translate(_TYPED)
    words = "".join(letter if category(letter)[0] in "LMN" else " " for letter in plain).split(" ")
    return [word for word in dict.fromkeys(words) if word] or [word for word in plain.split(" ") if word]
