"""How much is known, and of how many: the numbers that stand at the top of the first page."""

from __future__ import annotations

from datetime import date

from pipeline import queries
from tests.published import LAST_DAY, publish_many, publish_rows


def test_counts_come_with_coverage(workspace):
    """Each count has beside it of how many artists or releases it is known."""
    found = publish_rows(
        workspace,
        artists=[
            {"artist_id": "a", "followers": 5, "first_seen_on": date(2026, 11, 1), "last_seen_on": LAST_DAY},
            {"artist_id": "b", "popularity": 5, "last_seen_on": LAST_DAY, "releases_checked_on": LAST_DAY},
        ],
        artist_snapshots=[{"artist_id": "a", "observed_on": LAST_DAY}],
        releases=[
            {"album_id": "x", "release_date": date(2026, 10, 24), "release_date_precision": "day", "total_tracks": 2},
            {"album_id": "y", "release_date": date(2026, 10, 23), "release_date_precision": "day"},
            {"album_id": "z", "release_date": date(2026, 11, 1), "release_date_precision": "month"},
        ],
        tracks=[{"track_id": "t", "album_id": "x"}],
    )
    assert queries.coverage(found) == {
        "artists": 2,
        "artists_with_followers": 1,
        "artists_with_popularity": 1,
        "artists_with_releases": 1,
        "releases": 3,
        "releases_recent": 1,
        "releases_with_tracks": 0,
        "tracks": 1,
        "genres": 0,
        "snapshots": 1,
        "days": 1,
        "days_from": LAST_DAY,
        "first_on": date(2026, 11, 1),
        "last_on": LAST_DAY,
    }


def test_empty_database_counts_nothing(workspace):
    """Before the first artist everything is zero and the days are unknown."""
    known = queries.coverage(publish_rows(workspace))
    days = [known.pop(name) for name in ("days_from", "first_on", "last_on")]
    assert (set(known.values()), days) == ({0}, [None] * 3)


def test_withheld_numbers_cover_nobody(workspace):
    """Followers and popularity that Spotify withholds count as unknown, not as zero followers."""
    known = queries.coverage(publish_many(workspace, 4, 3, withheld=True))
    assert (known["artists"], known["artists_with_followers"], known["artists_with_popularity"]) == (4, 0, 0)


def test_artist_brings_growth_and_releases(workspace):
    """One artist comes with its growth since when, its releases and the latest of them."""
    row = queries.artist(publish_many(workspace, 3, 11), "artist000002")
    assert row is not None
    wanted = ("name", "followers", "gained", "since", "releases", "latest_release_on")
    assert [row[name] for name in wanted] == ["Banda 2", 5600, 20, date(2026, 11, 12), 2, date(2026, 11, 20)]


def test_history_is_day_by_day(workspace):
    """An artist's history has one row a day, oldest first."""
    found = publish_many(workspace, 2, 3)
    assert queries.artist_history(found, "artist000001").rows() == [
        (date(2026, 11, 20), 5298, 1),
        (date(2026, 11, 21), 5299, 1),
        (date(2026, 11, 22), 5300, 1),
    ]
