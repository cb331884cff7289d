"""Followers over time, growth and recent lines: only what was given counts, and of the same artists."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from pipeline import queries
from tests.published import LAST_DAY, publish_many, publish_rows


def snapshots(artist_id, *followers, last=LAST_DAY):
    """One snapshot a day that ends on `last`, oldest first."""
    first = last - timedelta(days=len(followers) - 1)
    return [
        {"artist_id": artist_id, "observed_on": first + timedelta(days=place), "followers": value}
        for place, value in enumerate(followers)
    ]


def in_genre(*artist_ids, genre="mpb"):
    """Rows that say these artists were found under a genre."""
    return [{"artist_id": artist_id, "genre": genre, "provenance": "search"} for artist_id in artist_ids]


def test_line_is_of_same_artists(workspace):
    """An artist found later does not lift the line: it stands from the start with its first number."""
    seen = [*snapshots("a", 10, 11, 12), *snapshots("b", 20, 20, 20), *snapshots("c", 900, 904)]
    found = publish_rows(workspace, artist_snapshots=seen, artist_genres=in_genre("a", "b", "c"))
    assert queries.followers_over_time(found, "mpb").rows() == [
        (date(2026, 11, 20), 930, 3),
        (date(2026, 11, 21), 931, 3),
        (date(2026, 11, 22), 936, 3),
    ]


def test_missed_day_keeps_last_number(workspace):
    """A day without an answer, or with the field withheld, stands with the last number known."""
    seen = [*snapshots("a", 10, None, 12), *snapshots("b", 5, 5, 5)]
    found = publish_rows(workspace, artist_snapshots=seen, artist_genres=in_genre("a", "b"))
    assert queries.followers_over_time(found, "mpb")["followers"].to_list() == [15, 15, 17]


def test_pause_is_no_days(workspace):
    """Days on which nobody's number came are no points of the line: it does not stand still there, nobody looked."""
    seen = [*snapshots("a", 10, 11, last=date(2026, 9, 2)), *snapshots("a", 90, 91), *snapshots("b", None, 5, 5)]
    found = publish_rows(workspace, artist_snapshots=seen, artist_genres=in_genre("a", "b"))
    line = queries.followers_over_time(found, "mpb")
    assert line.select("observed_on", "followers").rows() == [
        (date(2026, 9, 1), 15), (date(2026, 9, 2), 16), (date(2026, 11, 21), 95), (date(2026, 11, 22), 96),
    ]  # fmt: skip


def test_line_ends_with_the_last_number(workspace):
    """Days after the last number of anybody are not drawn: history was imported, and the app is given none."""
    seen = [*snapshots("a", 10, 11, None, None), *snapshots("b", 5, None, None, None)]
    found = publish_rows(workspace, artist_snapshots=seen, artist_genres=in_genre("a", "b"))
    line = queries.followers_over_time(found, "mpb")
    assert line.select("observed_on", "followers").rows() == [(date(2026, 11, 19), 15), (date(2026, 11, 20), 16)]


def test_window_cuts_the_line(workspace):
    """Only the last days that were asked for are shown."""
    found = publish_many(workspace, 3, 40)
    assert queries.followers_over_time(found, "samba", days=9).height == 10


def test_withheld_followers_give_no_line(workspace):
    """Where Spotify gives no followers there is no line, rather than zeros."""
    found = publish_many(workspace, 3, 5, withheld=True)
    assert queries.followers_over_time(found, "mpb").rows() == []


def test_growth_compares_ends(workspace):
    """Growth is the last number over the first in the window; small artists are left out, shrinking ones too."""
    seen = [*snapshots("a", 1000, 1100), *snapshots("b", 2000, 1900), *snapshots("c", 10, 90)]
    named = [{"artist_id": "a", "name": "Banda A", "followers": 1100}, {"artist_id": "b"}, {"artist_id": "c"}]
    found = publish_rows(workspace, artist_snapshots=seen, artists=named)
    columns = ("artist_id", "name", "before", "gained", "since", "until")
    rows = queries.growth_leaders(found, days=30, limit=5).select(columns).rows()
    assert rows == [("a", "Banda A", 1000, 100, date(2026, 11, 21), date(2026, 11, 22))]


def test_growth_needs_whole_window(workspace):
    """An artist first seen long after the window began is not compared with those seen throughout."""
    seen = [*snapshots("old", *range(1000, 1031)), *snapshots("new", 1000, 5000)]
    found = publish_rows(workspace, artist_snapshots=seen, artists=[{"artist_id": "old"}, {"artist_id": "new"}])
    assert queries.growth_leaders(found, days=30, limit=5)["artist_id"].to_list() == ["old"]


def test_growth_is_unknown_when_withheld(workspace):
    """Without followers nobody grows, and nobody shrinks."""
    found = publish_many(workspace, 3, 5, withheld=True)
    assert queries.growth_leaders(found, days=30, limit=5).rows() == []
    assert queries.artists(found)["growth"].to_list() == [None, None, None]


@pytest.mark.parametrize(("silent", "told"), [(29, True), (30, False)])
def test_withdrawn_numbers_are_news_for_a_month(workspace, silent: int, told: bool):  # noqa: FBT001  what is expected
    """Where Spotify gives followers no more nobody leads by old ones, though who was not seen since keeps the last."""
    last, today = date(2026, 8, 1), date(2026, 8, 1) + timedelta(days=silent)
    seen = [*snapshots("a", *range(1000, 1060), last=last), *snapshots("gone", *range(1000, 1060), last=last)]
    named = [
        {"artist_id": "a", "artist_no": 1, "name": "A", "last_seen_on": today},
        {"artist_id": "gone", "artist_no": 2, "name": "Gone", "last_seen_on": last, "followers": 1059},
    ]
    found = publish_rows(workspace, artist_snapshots=seen, artists=named, artist_genres=in_genre("a", "gone"))
    assert (queries.growth_leaders(found, 30, 5).height > 0, queries.genre_spans(found, "mpb") != []) == (told, told)
    assert queries.numbers_given(found) == {"followers": told, "popularity": False}
    assert bool(queries.recent_followers(found, ("gone",), days=29)) == told


def test_withheld_followers_did_not_grow_lately(workspace):
    """Of an artist whose latest answer lacked followers no growth is told, in the list or on its page."""
    seen = snapshots("a", *range(1000, 1040), None)
    named = [{"artist_id": each, "artist_no": 1, "name": each, "last_seen_on": LAST_DAY} for each in "a"]
    found = publish_rows(workspace, artist_snapshots=seen, artists=named)
    row = queries.artist(found, "a")
    assert row is not None
    assert [row[name] for name in ("followers", "growth", "since", "until")] == [None] * 4
    assert queries.artists(found).select("followers", "growth", "since").rows() == [(None, None, None)]


def test_recent_lines_by_artist(workspace):
    """Recent numbers come oldest first, only of the artists asked for, without those who have none."""
    seen = [*snapshots("a", 1, 2, 3), *snapshots("b", 7, 8), *snapshots("c", None, None)]
    found = publish_rows(workspace, artist_snapshots=seen)
    assert queries.recent_followers(found, ("a", "c"), days=1) == {"a": [2, 3]}


@pytest.mark.parametrize("question", [queries.growth_leaders, queries.followers_over_time])
def test_empty_database_answers(workspace, question):
    """Before the first artist every question has an empty answer."""
    arguments = {"days": 30, "limit": 5} if question is queries.growth_leaders else {"genre": "mpb"}
    assert question(publish_rows(workspace), **arguments).is_empty()
