"""One read-only function per question a page asks of a published generation; frames out, never a connection.

Each takes the generation first. Numbers that Spotify withholds are NULL here and stay NULL: a sum or a growth counts
only what was given, and says over how many artists. By subject: `among` (a list of artists), `growth`,
`worths` (what orders a list), `artists`, `genres`, `releases`. Beside them, for the command line, `tracing`: where a
value came from, which the ledger and files say.
"""

from __future__ import annotations

from typing import Any

from pipeline.published.generations import Generation
from pipeline.queries.artists import (
    ARTIST_ORDERS,
    anything_read,
    artist,
    artist_genres,
    artist_history,
    artists,
    artists_count,
    numbers_given,
    recent_followers,
)
from pipeline.queries.genres import followers_over_time, genre_newcomers, genre_turnover, genres, releases_per_week
from pipeline.queries.growth import genre_leaders, genre_spans, growth_leaders
from pipeline.queries.releases import artist_releases, most_active, newest_releases, release_counts

__all__ = [
    "ARTIST_ORDERS",
    "anything_read",
    "artist",
    "artist_genres",
    "artist_history",
    "artist_releases",
    "artists",
    "artists_count",
    "coverage",
    "followers_over_time",
    "genre_leaders",
    "genre_newcomers",
    "genre_spans",
    "genre_turnover",
    "genres",
    "growth_leaders",
    "most_active",
    "newest_releases",
    "numbers_given",
    "recent_followers",
    "release_counts",
    "releases_per_week",
]

Row = dict[str, Any]


def coverage(generation: Generation) -> Row:
    """Counts of everything, each with how much of it is known: one row.

    `days`: with numbers, since `days_from`; `first_on` and `last_on`: when artists were seen, numbers kept or not.
    """
    frame = generation.frame(
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
            snapshots, days, days_from,
            (SELECT min(first_seen_on) FROM artists) AS first_on,
            (SELECT max(last_seen_on) FROM artists) AS last_on
        FROM (SELECT count(*) AS snapshots, count(DISTINCT observed_on) AS days, min(observed_on) AS days_from
            FROM artist_snapshots)
        """
    )
    return frame.row(0, named=True)
