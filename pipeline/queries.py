"""One read-only function per question a page asks of a published generation; frames out, never a connection.

Each takes the generation first. Numbers that Spotify withholds are NULL here and stay NULL: a sum or a growth counts
only what was given, and says over how many artists. Imports `generations`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from pipeline.generations import Generation

__all__ = [
    "ARTIST_ORDERS",
    "artist",
    "artist_genres",
    "artist_history",
    "artist_releases",
    "artists",
    "artists_count",
    "coverage",
    "followers_over_time",
    "genres",
    "growth_leaders",
    "most_active",
    "newest_releases",
    "recent_followers",
    "releases_per_week",
]

Row = dict[str, Any]

_FOLDED = "lower(strip_accents(a.name))"

# What a list of artists can be ordered by; ties fall to the name, then the id, so that pages never overlap.
ARTIST_ORDERS = {
    "followers": "a.followers DESC NULLS LAST",
    "popularity": "a.popularity DESC NULLS LAST",
    "growth": "g.growth DESC NULLS LAST",
    "new": "a.first_seen_on DESC",
    "name": _FOLDED,
}

_CREDITS = "list(x.artist_name ORDER BY x.position) FILTER (x.artist_name IS NOT NULL) AS artist_names"
_RELEASE = """r.album_id, r.name, r.album_type, r.release_date, r.release_date_precision, r.total_tracks,
            r.image_url, r.spotify_url"""

# Growth of an artist over a window that ends on the last day of all: its first and last number in it, compared. The
# first must stand within a week of the window's start (or of the first day there is), else windows would differ.
_GROWTH = """
    WITH known AS (SELECT * FROM artist_snapshots WHERE followers IS NOT NULL),
    reach AS (SELECT min(observed_on) AS first_on, max(observed_on) AS last_on FROM known),
    ends AS (
        SELECT artist_id, arg_min(followers, observed_on) AS before, arg_max(followers, observed_on) AS after,
            min(observed_on) AS since, max(observed_on) AS until
        FROM known, reach WHERE observed_on >= last_on - ?::INTEGER GROUP BY artist_id),
    growth AS (
        SELECT artist_id, before, after - before AS gained, after / nullif(before, 0) - 1 AS growth, since, until
        FROM ends, reach WHERE since < until AND since <= greatest(first_on, last_on - ?::INTEGER) + 7)
"""


def coverage(generation: Generation) -> Row:
    """Counts of everything, each with how much of it is known: one row."""
    return _one(
        generation,
        """
        SELECT (SELECT count(*) FROM artists) AS artists,
            (SELECT count(followers) FROM artists) AS artists_with_followers,
            (SELECT count(popularity) FROM artists) AS artists_with_popularity,
            (SELECT count(releases_checked_on) FROM artists) AS artists_with_releases,
            (SELECT count(*) FROM releases) AS releases,
            (SELECT count(*) FROM releases, (SELECT max(last_seen_on) AS last_day FROM artists) WHERE
                release_date_precision = 'day' AND release_date BETWEEN last_day - 29 AND last_day) AS releases_recent,
            (SELECT count(*) FROM releases WHERE tracks_read >= total_tracks) AS releases_with_tracks,
            (SELECT count(*) FROM tracks) AS tracks,
            (SELECT count(DISTINCT genre) FROM artist_genres) AS genres,
            (SELECT count(*) FROM artist_snapshots) AS snapshots,
            (SELECT count(DISTINCT observed_on) FROM artist_snapshots) AS days,
            (SELECT min(first_seen_on) FROM artists) AS first_on,
            (SELECT max(last_seen_on) FROM artists) AS last_on
        """,
    ) or {}  # fmt: skip


def genres(generation: Generation) -> pl.DataFrame:
    """One row per genre, most artists first: genre, artists."""
    counted = "SELECT genre, count(DISTINCT artist_id) AS artists FROM artist_genres GROUP BY genre"
    return generation.frame(f"{counted} ORDER BY artists DESC, genre")


def newest_releases(generation: Generation, limit: int) -> pl.DataFrame:
    """Albums and singles with the latest dates, newest first, on one day those of the most followed first.

    With every credited name; `artist_id` is the first credited artist that we know, so that a page can lead to it.
    """
    return generation.frame(
        f"""
        WITH dated AS (SELECT * FROM releases WHERE release_date IS NOT NULL AND album_type <> 'compilation'),
        latest AS (FROM dated ORDER BY release_date DESC LIMIT ?),
        newest AS (SELECT * FROM dated WHERE release_date >= (SELECT min(release_date) FROM latest))
        SELECT {_RELEASE}, {_CREDITS},
            first(a.artist_id ORDER BY x.position) FILTER (a.artist_id IS NOT NULL) AS artist_id
        FROM newest r LEFT JOIN release_artists x USING (album_id) LEFT JOIN artists a ON a.artist_id = x.artist_id
        GROUP BY ALL ORDER BY r.release_date DESC, max(a.followers) DESC NULLS LAST, r.album_id LIMIT ?
        """,
        [limit, limit],
    )


def growth_leaders(generation: Generation, days: int, limit: int, least: int = 1000) -> pl.DataFrame:
    """Artists whose followers, `least` or more, grew most in proportion: with before, gained, growth, since, until."""
    return generation.frame(
        f"""
        {_GROWTH}
        SELECT a.artist_id, a.name, a.image_url, a.genres, a.followers, a.popularity,
            g.before, g.gained, g.growth, g.since, g.until
        FROM growth g JOIN artists a USING (artist_id) WHERE g.before >= ? AND g.gained > 0
        ORDER BY g.growth DESC, a.artist_id LIMIT ?
        """,
        [days, days, least, limit],
    )


def most_active(generation: Generation, days: int, limit: int) -> pl.DataFrame:
    """Artists with most albums and singles in the last `days` of data: with releases, latest_release_on."""
    return generation.frame(
        """
        WITH reach AS (SELECT max(last_seen_on) AS last_on FROM artists),
        recent AS (
            SELECT album_id, release_date FROM releases, reach
            WHERE album_type <> 'compilation' AND release_date BETWEEN last_on - ?::INTEGER AND last_on)
        SELECT a.artist_id, a.name, a.image_url, a.genres, a.followers, a.popularity,
            (SELECT list(DISTINCT genre ORDER BY genre) FROM artist_genres x WHERE x.artist_id = a.artist_id) AS found,
            count(DISTINCT r.album_id) AS releases, max(r.release_date) AS latest_release_on
        FROM artists a JOIN release_artists x USING (artist_id) JOIN recent r USING (album_id)
        GROUP BY ALL ORDER BY releases DESC, latest_release_on DESC, a.artist_id LIMIT ?
        """,
        [days, limit],
    )


def followers_over_time(generation: Generation, genre: str, days: int = 180) -> pl.DataFrame:
    """One row per day: observed_on, followers, artists; the same artists all along, since finding more is no growth.

    The line begins when at least half of the genre's artists had a number; a day without an answer keeps the last one.
    Empty where Spotify gives no followers.
    """
    return generation.frame(
        """
        WITH seen AS (
            SELECT artist_id, observed_on, followers FROM artist_snapshots
            WHERE followers IS NOT NULL AND artist_id IN (SELECT artist_id FROM artist_genres WHERE genre = ?)),
        firsts AS (SELECT artist_id, min(observed_on) AS first_on FROM seen GROUP BY artist_id),
        span AS (
            SELECT max(observed_on) AS end_on,
                greatest((SELECT quantile_disc(first_on, 0.5) FROM firsts), max(observed_on) - ?::INTEGER) AS start_on
            FROM seen),
        panel AS (SELECT artist_id FROM firsts, span WHERE first_on <= start_on),
        grid AS (
            SELECT artist_id, unnest(generate_series(start_on, end_on, INTERVAL 1 DAY))::DATE AS day FROM panel, span)
        SELECT grid.day AS observed_on, sum(seen.followers)::BIGINT AS followers, count(*) AS artists
        FROM grid ASOF JOIN seen ON seen.artist_id = grid.artist_id AND seen.observed_on <= grid.day
        GROUP BY grid.day ORDER BY grid.day
        """,
        [genre, days],
    )


def releases_per_week(generation: Generation, genre: str, weeks: int = 26) -> pl.DataFrame:
    """One row per week, gaps included: week (its Friday), releases of the genre's artists; compilations left out.

    Weeks run from Friday, the day records come out, and end with the last one that data reach.
    """
    return generation.frame(
        """
        WITH reach AS (SELECT max(last_seen_on) AS last_on FROM artists),
        friday AS (SELECT last_on - ((isodow(last_on) + 2) % 7)::INTEGER AS last_week FROM reach),
        weeks AS (SELECT unnest(range(?::INTEGER)) AS back),
        found AS (
            SELECT DISTINCT r.album_id, r.release_date - ((isodow(r.release_date) + 2) % 7)::INTEGER AS week
            FROM releases r JOIN release_artists x USING (album_id) JOIN artist_genres g USING (artist_id), reach
            WHERE g.genre = ? AND r.release_date_precision = 'day' AND r.album_type <> 'compilation'
                AND r.release_date <= last_on)
        SELECT last_week - (7 * back)::INTEGER AS week, count(found.album_id) AS releases
        FROM weeks CROSS JOIN friday LEFT JOIN found ON found.week = last_week - (7 * back)::INTEGER
        WHERE last_week IS NOT NULL GROUP BY ALL ORDER BY week
        """,
        [weeks, genre],
    )


def artists_count(generation: Generation, search: str = "", genre: str = "") -> int:
    """How many artists match a name (parts of it, without accents or case) and a genre."""
    found = generation.frame(f"SELECT count(*) FROM artists a WHERE {_MATCH}", _match(search, genre))
    return int(found.item())


def artists(
    generation: Generation,
    *,
    search: str = "",
    genre: str = "",
    order: str = "followers",
    limit: int = 25,
    offset: int = 0,
) -> pl.DataFrame:
    """A page of artists that match, with growth over 30 days: gained, growth, since (NULL where it cannot be said)."""
    return generation.frame(
        f"""
        {_GROWTH}
        SELECT a.*, g.gained, g.growth, g.since,
            (SELECT list(DISTINCT genre ORDER BY genre) FROM artist_genres x WHERE x.artist_id = a.artist_id) AS found
        FROM artists a LEFT JOIN growth g USING (artist_id) WHERE {_MATCH}
        ORDER BY {ARTIST_ORDERS[order]}, {_FOLDED}, a.artist_id LIMIT ? OFFSET ?
        """,
        [30, 30, *_match(search, genre), limit, offset],
    )


_MATCH = f"""
    (? = '' OR list_bool_and(
        list_transform(string_split(lower(strip_accents(?)), ' '), lambda word: contains({_FOLDED}, word))))
    AND (? = '' OR a.artist_id IN (SELECT artist_id FROM artist_genres WHERE genre = ?))"""


def _match(search: str, genre: str) -> list[str]:
    return [" ".join(search.split())] * 2 + [genre] * 2


def recent_followers(generation: Generation, artist_ids: Sequence[str], days: int = 30) -> dict[str, list[int]]:
    """Followers day by day of some artists, oldest first; an artist without numbers is left out."""
    frame = generation.frame(
        """
        SELECT artist_id, list(followers ORDER BY observed_on) AS followers FROM artist_snapshots
        WHERE list_contains(?::VARCHAR[], artist_id) AND followers IS NOT NULL
            AND observed_on >= (SELECT max(observed_on) FROM artist_snapshots) - ?::INTEGER
        GROUP BY artist_id
        """,
        [list(artist_ids), days],
    )
    return dict(frame.iter_rows())


def artist(generation: Generation, artist_id: str) -> Row | None:
    """An artist as last known, with growth over 30 days and counts of releases; None when the id is unknown."""
    return _one(
        generation,
        f"""
        {_GROWTH}
        SELECT a.*, g.gained, g.growth, g.since,
            (SELECT count(*) FROM release_artists x WHERE x.artist_id = a.artist_id) AS releases,
            (SELECT max(r.release_date) FROM release_artists x JOIN releases r USING (album_id)
                WHERE x.artist_id = a.artist_id) AS latest_release_on
        FROM artists a LEFT JOIN growth g USING (artist_id) WHERE a.artist_id = ?
        """,
        [30, 30, artist_id],
    )


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


def artist_releases(generation: Generation, artist_id: str, limit: int, offset: int = 0) -> pl.DataFrame:
    """A page of the releases an artist is credited on, newest first, undated last; with every credited name."""
    return generation.frame(
        f"""
        SELECT {_RELEASE}, {_CREDITS} FROM releases r JOIN release_artists x USING (album_id)
        WHERE r.album_id IN (SELECT album_id FROM release_artists WHERE artist_id = ?)
        GROUP BY ALL ORDER BY r.release_date DESC NULLS LAST, r.album_id LIMIT ? OFFSET ?
        """,
        [artist_id, limit, offset],
    )


def _one(generation: Generation, sql: str, params: Sequence[object] = ()) -> Row | None:
    frame = generation.frame(sql, params)
    return frame.row(0, named=True) if frame.height else None
