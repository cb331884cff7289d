"""Questions about artists: the list with its search, one artist, its history and genres. Imports `generations`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from unicodedata import category

import polars as pl

from pipeline.published.generations import Generation
from pipeline.queries.growth import grown

__all__ = [
    "ARTIST_ORDERS",
    "artist",
    "artist_genres",
    "artist_history",
    "artists",
    "artists_count",
    "recent_followers",
]

Row = dict[str, Any]

_FOLDED = "lower(strip_accents(a.name))"
_SHOWN = "artist_no IN (SELECT unnest(?::INTEGER[]))"  # a list of constants would be compared row by row
_READ_ONCE = 51  # rows from which DuckDB reads a table once; for fewer it reads twice, first what orders them
_FEW = 1000  # artists found, up to which their numbers are passed on
_LAST_WORD = "\U0010ffff"  # sorts behind every letter

# What a list of artists can be ordered by: a value, and which end comes first; unknown values come last.
ARTIST_ORDERS = {
    "followers": ("a.followers", "DESC"),
    "popularity": ("a.popularity", "DESC"),
    "growth": ("g.growth", "DESC"),
    "new": ("a.first_seen_on", "DESC"),
    "name": (_FOLDED, "ASC"),
}


def artists_count(generation: Generation, search: str = "", genre: str = "") -> int:
    """How many artists match a name (beginnings of its words, without accents or case) and a genre."""
    condition, params = _match(generation, search, genre)
    return int(generation.rows(f"SELECT count(*) FROM artists a WHERE {condition}", params)[0][0])


def artists(
    generation: Generation,
    *,
    search: str = "",
    genre: str = "",
    order: str = "followers",
    limit: int = 25,
    offset: int = 0,
) -> pl.DataFrame:
    """A page of artists that match, with growth over 30 days: gained, growth, since (NULL where it cannot be said).

    Ties fall to the name, then the id, so that pages never overlap.
    """
    condition, params = _match(generation, search, genre)
    value, end = ARTIST_ORDERS[order]
    table = f"artists a LEFT JOIN ({grown(generation, 30)}) g USING (artist_no)" if order == "growth" else "artists a"
    # Names are compared only where values tie: of all artists that would take longer than the rest. Four short
    # statements take half as long as one: to plan that takes longer than to carry it out.
    first = generation.rows(
        f"SELECT a.artist_no, {value} FROM {table} WHERE {condition} ORDER BY {value} {end} NULLS LAST LIMIT ?",
        [*params, offset + limit + 1],
    )
    last = [worth for _, worth in first[offset + limit - 1 :]]
    if len(last) < 2 or last[0] != last[1]:  # nobody behind them ties
        condition, params = f"a.{_SHOWN}", [[number for number, _ in first[: offset + limit]]]
    elif last[0] is not None:
        condition, params = f"{condition} AND {value} {'>=' if end == 'DESC' else '<='} ?", [*params, last[0]]
    page = generation.frame(
        f"""SELECT a.* FROM {table} WHERE {condition}
        ORDER BY {value} {end} NULLS LAST, {_FOLDED}, artist_id LIMIT ? OFFSET ?""",
        [*params, max(limit, _READ_ONCE), offset],
    ).head(limit)
    shown: list[object] = [page["artist_no"].to_list()]
    gains = f"SELECT artist_no, gained, growth, since FROM ({grown(generation, 30, _SHOWN)})"
    genres = f"SELECT DISTINCT artist_no, genre AS found FROM artist_genres WHERE {_SHOWN} ORDER BY genre"
    found = generation.frame(genres, shown).group_by("artist_no", maintain_order=True).agg("found")
    for more in (generation.frame(gains, shown), found):
        page = page.join(more, on="artist_no", how="left", maintain_order="left")
    return page


def recent_followers(generation: Generation, artist_ids: Sequence[str], days: int = 30) -> dict[str, list[int]]:
    """Followers day by day of some artists, oldest first; an artist without numbers is left out."""
    last_on = generation.rows("SELECT max(until) FROM artist_growth")[0][0]
    frame = generation.frame(
        """
        SELECT artist_id, list(followers ORDER BY observed_on) AS followers
        FROM artist_snapshots JOIN (SELECT DISTINCT unnest(?::VARCHAR[]) AS artist_id) USING (artist_id)
        WHERE followers IS NOT NULL AND observed_on >= ?::DATE - ?::INTEGER
        GROUP BY artist_id
        """,
        [list(artist_ids), last_on, days],
    )
    return dict(frame.iter_rows())


def artist(generation: Generation, artist_id: str) -> Row | None:
    """An artist as last known, with growth over 30 days and counts of releases; None when the id is unknown."""
    frame = generation.frame(
        f"""
        SELECT a.*, g.gained, g.growth, g.since,
            (SELECT count(*) FROM release_artists x WHERE x.artist_id = a.artist_id) AS releases,
            (SELECT max(r.release_date) FROM release_artists x JOIN releases r USING (album_id)
                WHERE x.artist_id = a.artist_id) AS latest_release_on
        FROM artists a LEFT JOIN ({grown(generation, 30)}) g USING (artist_no) WHERE a.artist_id = ?
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


def _match(generation: Generation, search: str, genre: str) -> tuple[str, list[object]]:
    """A condition on `a`, and its parameters: every word asked for begins a word of the name."""
    conditions, params = ["true"], list[object]()
    if search and (words := sorted(_words(generation, search), key=len, reverse=True)):
        found = "SELECT artist_no FROM name_tokens WHERE token >= ? AND token < ?"
        asked = [words[0], words[0] + _LAST_WORD, *(f" {word}" for word in words[1:])]
        found += " AND contains(name, ?)" * (len(words) - 1)
        few = generation.rows(f"{found} LIMIT {_FEW + 1}", asked)
        if len(few) <= _FEW:
            found, numbers = "SELECT unnest(?::INTEGER[])", [number for (number,) in few]
            params.append(numbers)
        else:
            params += asked
        conditions.append(f"a.artist_no IN ({found})")
    if genre:
        conditions.append("a.artist_no IN (SELECT artist_no FROM artist_genres WHERE genre = ?)")
        params.append(genre)
    return " AND ".join(conditions), params


def _words(generation: Generation, search: str) -> list[str]:
    """The words of a search, as `name_tokens` has them; to compile its pattern takes longer than to look up a word."""
    folded = str(generation.rows("SELECT lower(strip_accents(?::VARCHAR))", [search])[0][0])
    words = "".join(letter if category(letter)[0] in "LMN" else " " for letter in folded).split(" ")
    return [word for word in dict.fromkeys(words) if word] or [word for word in folded.split(" ") if word]
