"""Questions about releases: the newest, who releases most, what one artist released. Imports `generations`."""

from __future__ import annotations

import polars as pl

from pipeline.published.generations import Generation

__all__ = ["artist_releases", "most_active", "newest_releases"]

_CREDITS = "list(x.artist_name ORDER BY x.position) FILTER (x.artist_name IS NOT NULL) AS artist_names"
_RELEASE = """r.album_id, r.name, r.album_type, r.release_date, r.release_date_precision, r.total_tracks,
            r.image_url, r.spotify_url"""


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
