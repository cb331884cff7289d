"""Questions about genres: their size, how they move, who came. Imports `generations`."""

from __future__ import annotations

from typing import Any

import polars as pl

from pipeline.published.generations import Generation

__all__ = ["followers_over_time", "genre_newcomers", "genre_turnover", "genres", "releases_per_week"]

RECENT_DAYS = 30  # that count as lately

# From which day on is lately in a genre (but for its first day, when everybody was new), and the artists who entered
# or left it since, each once: since when they are in it, if they are, and when they left it last. Most did neither.
_LATELY = f"""
    WITH lately AS (
        SELECT greatest(first_seen_on, max(last_seen_on) OVER () - {RECENT_DAYS}) AS since FROM genre_coverage
        QUALIFY genre = $genre),
    stays AS (SELECT artist_id, entered_on, left_on FROM genre_membership WHERE genre = $genre),
    moved AS (
        SELECT artist_id, min(entered_on) FILTER (left_on IS NULL) AS entered_on, max(left_on) AS left_on
        FROM stays SEMI JOIN (FROM stays, lately WHERE entered_on > since OR left_on > since) USING (artist_id)
        GROUP BY artist_id)
"""


def genres(generation: Generation) -> pl.DataFrame:
    """One row per genre, most artists first: genre, artists."""
    return generation.frame("SELECT genre, artists FROM genre_coverage ORDER BY artists DESC, genre")


def genre_newcomers(generation: Generation, genre: str, limit: int = 7) -> pl.DataFrame:
    """Artists who entered a genre lately and are in it still, the latest first: what lists show, and entered_on."""
    return generation.frame(
        f"""{_LATELY}
        SELECT a.artist_id, a.name, a.image_url, a.genres, a.followers, a.popularity, f.entered_on
        FROM (
            SELECT m.entered_on, a.artist_no
            FROM moved m JOIN lately l ON m.entered_on > l.since
            JOIN (SELECT artist_id, artist_no, followers FROM artists) a USING (artist_id)
            ORDER BY m.entered_on DESC, a.followers DESC NULLS LAST, a.artist_id LIMIT $limit
        ) f JOIN artists a USING (artist_no)
        ORDER BY f.entered_on DESC, a.followers DESC NULLS LAST, a.artist_id
        """,
        {"genre": genre, "limit": limit},
    )


def genre_turnover(generation: Generation, genre: str) -> dict[str, Any]:
    """How many artists `entered` a genre lately and are in it still, and how many `left`; `first_on`: see below.

    Of a genre first seen in the last 30 days nobody knows who was in it before: `first_on` is then that day, else None.
    """
    frame = generation.frame(
        f"""{_LATELY}
        SELECT count(*) FILTER (m.entered_on > l.since) AS entered,
            count(*) FILTER (m.entered_on IS NULL AND m.left_on > l.since) AS "left",
            (SELECT first_seen_on FROM genre_coverage WHERE genre = $genre
                AND first_seen_on > (SELECT max(last_seen_on) FROM genre_coverage) - {RECENT_DAYS}) AS first_on
        FROM moved m CROSS JOIN lately l
        """,
        {"genre": genre},
    )
    return frame.row(0, named=True)


def followers_over_time(generation: Generation, genre: str, days: int = 180) -> pl.DataFrame:
    """One row per day on which anybody's number came: observed_on, followers, artists; the same artists all along.

    Finding more artists is no growth: one found later stands from the start with its first number, and whoever has none
    on a day with the last one. The line begins when at least half of the artists had one. Empty where Spotify gives no
    followers.
    """
    return generation.frame(
        """
        WITH days AS (
            SELECT observed_on, with_followers, sum(gained) OVER w AS gained, sum(found) OVER w AS found
            FROM genre_days WHERE genre = ? WINDOW w AS (ORDER BY observed_on)),
        whole AS (
            SELECT sum(found) AS artists, sum(found_followers) AS followers,
                max(observed_on) FILTER (with_followers > 0) AS end_on
            FROM genre_days WHERE genre = ?)
        SELECT observed_on, (whole.followers + coalesce(days.gained, 0))::BIGINT AS followers,
            whole.artists::BIGINT AS artists
        FROM days CROSS JOIN whole
        WHERE with_followers > 0 AND 2 * found >= whole.artists AND observed_on >= end_on - ?::INTEGER
        ORDER BY observed_on
        """,
        [genre, genre, days],
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
