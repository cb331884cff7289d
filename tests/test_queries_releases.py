"""Releases: the newest, those of an artist, and how many a week."""

from __future__ import annotations

from datetime import date

import pytest

from pipeline import queries
from tests.published import publish_rows


def release(album_id, day, album_type="single", precision="day"):
    """A release with a date."""
    return {
        "album_id": album_id,
        "name": f"Canto {album_id}",
        "album_type": album_type,
        "release_date": day,
        "release_date_precision": precision,
    }


def credit(album_id, artist_id, position=0):
    """An artist's place in the credits of a release."""
    return {
        "album_id": album_id,
        "artist_id": artist_id,
        "position": position,
        "artist_name": f"Banda {artist_id}",
    }


RELEASES = [
    release("new", date(2026, 11, 20)),
    release("same", date(2026, 11, 20), "album"),
    release("older", date(2026, 11, 13)),
    release("best", date(2026, 11, 20), "compilation"),
    release("year", date(2026, 1, 1), "album", "year"),
    release("undated", None, "album", None),
]
CREDITS = [credit("new", "guest"), credit("new", "a", 1), *(credit(r["album_id"], "a") for r in RELEASES[1:])]
ARTISTS = [{"artist_id": "a", "name": "Banda a", "last_seen_on": date(2026, 11, 22)}]
GENRES = [{"artist_id": "a", "genre": "mpb", "provenance": origin} for origin in ("search", "spotify")]


@pytest.fixture
def found(workspace):
    """One artist with six releases, one of them together with a guest who is not known."""
    return publish_rows(workspace, releases=RELEASES, release_artists=CREDITS, artists=ARTISTS, artist_genres=GENRES)


def test_newest_leave_out_compilations(found):
    """The newest albums and singles come first, with all credits and the first credited artist that is known."""
    rows = queries.newest_releases(found, 2).select("album_id", "artist_id", "artist_names").rows()
    assert rows == [("new", "a", ["Banda guest", "Banda a"]), ("same", "a", ["Banda a"])]


def test_most_active_by_recent_releases(found):
    """Albums and singles within the last days of data count, whoever's credits they stand in; compilations do not."""
    rows = (
        queries.most_active(found, days=7, limit=5).select("artist_id", "releases", "latest_release_on", "found").rows()
    )
    assert rows == [("a", 2, date(2026, 11, 20), ["mpb"])]
    assert queries.most_active(found, days=365, limit=5)["releases"].to_list() == [4]


def test_releases_of_artist_newest_first(found):
    """Everything an artist is credited on, newest first, undated last, page by page."""
    ids = queries.artist_releases(found, "a", 10)["album_id"].to_list()
    assert ids == ["best", "new", "same", "older", "year", "undated"]
    assert queries.artist_releases(found, "a", 2, 4)["album_id"].to_list() == ["year", "undated"]


def test_guest_credit_counts_for_both(found):
    """A release belongs to each credited artist."""
    assert queries.artist_releases(found, "guest", 10)["artist_names"].to_list() == [["Banda guest", "Banda a"]]


def test_weeks_run_from_friday(found):
    """Weeks begin on Friday, end with the last day of data, keep their gaps; only whole dates count, and once."""
    assert queries.releases_per_week(found, "mpb", weeks=3).rows() == [
        (date(2026, 11, 6), 0),
        (date(2026, 11, 13), 1),
        (date(2026, 11, 20), 2),
    ]


@pytest.mark.parametrize("day", range(20, 27))
def test_any_last_day_has_its_friday(workspace, day):
    """Whatever weekday data end on, the last week is the one whose Friday came last."""
    found = publish_rows(workspace, artists=[{"artist_id": "a", "last_seen_on": date(2026, 11, day)}])
    assert queries.releases_per_week(found, "mpb", weeks=1).rows() == [(date(2026, 11, 20), 0)]


def test_weeks_of_empty_database(workspace):
    """Without artists there are no weeks."""
    assert queries.releases_per_week(publish_rows(workspace), "mpb").rows() == []
    assert queries.newest_releases(publish_rows(workspace, 2), 5).rows() == []


def test_release_counts(workspace):
    """How many releases each artist has and the day of its latest; unknown, not none, until they were read."""
    day = date(2026, 11, 20)
    found = publish_rows(
        workspace,
        artists=[
            {"artist_id": "a", "releases_checked_on": day},
            {"artist_id": "b"},
            {"artist_id": "c", "releases_checked_on": day},
        ],
        releases=[{"album_id": "r", "release_date": day}],
        release_artists=[{"album_id": "r", "artist_id": name, "position": 0} for name in "ab"],
    )
    assert queries.release_counts(found, ["a", "b", "c", "nobody"]).rows() == [
        ("a", 1, day), ("b", None, None), ("c", 0, None)
    ]  # fmt: skip
