"""Questions about releases: the newest, who releases most, what one artist released.

Imports `generations` and `among`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from itertools import groupby
from operator import itemgetter
from typing import Any

import polars as pl

from pipeline.published.generations import Generation
from pipeline.queries.among import LISTED, numbers

__all__ = ["artist_releases", "most_active", "newest_releases", "release_counts"]

RADAR_DAYS = 365  # older releases are not news of anybody, and to look among all takes a million artists 160 ms
_CREDITS = "list(x.artist_name ORDER BY x.position) FILTER (x.artist_name IS NOT NULL) AS artist_names"
_RELEASE = """r.album_id, r.name, r.album_type, r.release_date, r.release_date_precision, r.total_tracks,
            r.image_url, r.spotify_url"""
_NEWEST: dict[str, Any] = {
    "album_id": pl.String, "name": pl.String, "album_type": pl.String, "release_date": pl.Date,
    "release_date_precision": pl.String, "total_tracks": pl.Int32, "image_url": pl.String, "spotify_url": pl.String,
    "artist_names": pl.List(pl.String), "artist_id": pl.String,
}  # fmt: skip


def newest_releases(
    generation: Generation, limit: int, among: Sequence[str] | None = None, days: int = RADAR_DAYS
) -> pl.DataFrame:
    """Albums and singles with the latest dates, newest first, on one day those of the most followed first.

    With every credited name; `artist_id` is the first credited artist that we know, so that a page can lead to it.
    `among`: ids of artists of whom alone is asked, over the last `days` of data; None: of all.
    """
    newest = _newest(generation, limit) if among is None else _newest_among(generation, limit, among, days)
    named = generation.rows(
        "SELECT album_id, artist_no, artist_name FROM release_artists "
        "WHERE album_id IN (SELECT unnest(?::VARCHAR[])) ORDER BY album_id, position",
        [[row[0] for row in newest]],
    )
    rows = generation.rows(
        "SELECT artist_no, artist_id, coalesce(followers, -1) FROM artists "
        "WHERE artist_no IN (SELECT unnest(?::INTEGER[]))",
        [[number for _, number, _ in named]],
    )
    known = {number: (artist_id, followers) for number, artist_id, followers in rows}
    credited = {album_id: list(each) for album_id, each in groupby(named, itemgetter(0))}

    def place(row: tuple[Any, ...]) -> tuple[int, int, str]:
        most = max((known[number][1] for _, number, _ in credited.get(row[0], ()) if number in known), default=-1)
        return -row[3].toordinal(), -most, row[0]

    shown = [(*row, *_credits(credited.get(row[0]), known)) for row in sorted(newest, key=place)[:limit]]
    return pl.DataFrame(shown, _NEWEST, orient="row")


def _newest(generation: Generation, limit: int) -> list[tuple[Any, ...]]:
    """The newest releases of all, with all of the last day among them."""
    dated = "FROM releases WHERE release_date IS NOT NULL AND album_type <> 'compilation'"
    edge = generation.rows(f"SELECT release_date {dated} ORDER BY release_date DESC LIMIT 1 OFFSET ?", [limit - 1])
    return generation.rows(
        f"SELECT {_RELEASE} {dated.replace('releases', 'releases r')} AND release_date >= ?",
        [edge[0][0] if edge else date.min],
    )


def _newest_among(generation: Generation, limit: int, among: Sequence[str], days: int) -> list[tuple[Any, ...]]:
    """The newest of some artists. Their releases are gathered first: joined any other way, all would be hashed."""
    last_on = generation.rows("SELECT max(last_seen_on) FROM artists")[0][0] or date.max
    return generation.rows(
        f"""
        WITH theirs AS MATERIALIZED (SELECT album_id FROM release_artists WHERE artist_no IN ({LISTED}))
        SELECT {_RELEASE} FROM releases r
        WHERE release_date > ? AND album_type <> 'compilation' AND album_id IN (FROM theirs)
        ORDER BY release_date DESC, album_id LIMIT ?
        """,
        [str(numbers(generation, among)), last_on - timedelta(days), limit],
    )


def _credits(
    named: list[tuple[Any, ...]] | None, known: Mapping[int, tuple[str, int]]
) -> tuple[list[str] | None, str | None]:
    """Every name of a release's credits, and the id of the first artist that we know."""
    names = None if named is None else [name for *_, name in named if name is not None]
    return names, next((known[number][0] for _, number, _ in named or () if number in known), None)


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


def release_counts(generation: Generation, artist_ids: Sequence[str]) -> pl.DataFrame:
    """One row per known artist: artist_id, releases, latest_release_on; NULL until its releases were read."""
    return generation.frame(
        """
        WITH wanted AS (SELECT artist_id, releases_checked_on FROM artists
            WHERE artist_id IN (SELECT unnest(?::VARCHAR[]))),
        counted AS (SELECT artist_id, count(*) AS releases, max(release_date) AS latest_release_on
            FROM wanted JOIN release_artists USING (artist_id) JOIN releases USING (album_id)
            WHERE releases_checked_on IS NOT NULL GROUP BY artist_id)
        SELECT artist_id, CASE WHEN releases_checked_on IS NOT NULL THEN coalesce(releases, 0) END AS releases,
            latest_release_on
        FROM wanted LEFT JOIN counted USING (artist_id) ORDER BY artist_id
        """,
        [list(artist_ids)],
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
