"""The overview: numbers with what they cover, and something worth seeing in every access profile."""

from __future__ import annotations

from datetime import timedelta

from tests.published import LAST_DAY, publish_many, publish_rows
from tests.screens import install_service, open_screen


def test_numbers_bear_their_coverage(tmp_path):
    """Each count stands with what it covers."""
    publish_many(install_service(tmp_path).workspace, 12, 31)
    words = open_screen().words
    for expected in ("followers known of 100%", "read for 100% of artists", "up to Nov 22, 2026", "since Oct 23, 2026"):
        assert expected in words


def test_newest_releases_go_on(tmp_path):
    """Behind the six newest releases stand those before them, page by page in the address."""
    publish_many(install_service(tmp_path).workspace, 8, 31)
    first, second = open_screen().words, open_screen(newest="2").words
    assert [f"Canto {artist}-0" in first for artist in (7, 2, 1, 0)] == [True, True, False, False]
    assert [f"Canto {artist}-0" in second for artist in (7, 2, 1, 0)] == [False, False, True, True]


def test_growth_leads_to_artists(tmp_path):
    """Those who grow fastest stand in order, each with its growth, and lead to their pages."""
    publish_many(install_service(tmp_path).workspace, 12, 31)
    screen = open_screen()
    growing = [target for label, target in screen.links if label == "Banda 11"]
    assert growing == ["artist?id=artist000011"] * 3  # its newest release, its place among the growing, in its genre
    assert "+4.1%" in screen.words


def test_old_numbers_are_not_said_to_be_of_one_day(tmp_path):
    """Where nobody has a number of the last thirty days of data, as in imported history, that is why nobody grows."""
    rows = [{"artist_id": each, "name": each, "followers": 9000} for each in "ab"]
    ago = {"a": (200, 170, 140), "b": (3,)}
    seen = [
        {"artist_id": each, "observed_on": LAST_DAY - timedelta(days), "followers": 9000 - days}
        for each in ago
        for days in ago[each]
    ]
    publish_rows(install_service(tmp_path).workspace, artists=rows, artist_snapshots=seen)
    words = open_screen("overview.py", "pt").words
    assert "De ninguém com pelo menos 1.000 seguidores os números mostram ganho" in words
    assert "precisa dos seguidores de dois dias" not in words


def test_genre_tells_who_grows(tmp_path):
    """In the genre shown those who grow fastest stand, over 30 days or as chosen, and of how many that is known."""
    publish_many(install_service(tmp_path).workspace, 12, 31)
    screen = open_screen(show="samba")
    span = screen.app.segmented_control(key="span")
    assert (span.options, span.value) == (["1 day", "7 days", "30 days"], 30)
    assert "Growing fastest in samba" in screen.words
    assert "In 30 days, in proportion, from at least 1,000 followers; known of 12 artists." in screen.words
    span.set_value(7).run()
    assert "In 7 days, in proportion" in screen.words


def test_genre_tells_who_came(tmp_path):
    """Those who entered the genre lately stand beside them, the latest first; how many did, and how many left."""
    since = {"a": 25, "b": 9, "c": 3}  # whoever was there on the first day did not come later
    days = {"last_seen_on": LAST_DAY, "artist_id": "", "first_seen_on": LAST_DAY}
    known = [days | {"artist_id": each, "name": each.upper()} for each in since]
    stays = [
        days | {"artist_id": each, "genre": "mpb", "provenance": "search", "first_seen_on": LAST_DAY - timedelta(ago)}
        for each, ago in since.items()
    ]
    publish_rows(install_service(tmp_path).workspace, artists=known, artist_genres=stays)
    screen = open_screen("overview.py", "pt")
    assert ("Novos em mpb" in screen.words, "Quem mais cresce em mpb" in screen.words) == (True, False)
    assert "Desde 28 out. 2026, o primeiro dia conhecido, entraram 2 artistas e saiu 0." in screen.words
    assert [label for label, target in screen.links if target.startswith("artist?")] == ["C", "B"]


def test_nobody_came_since_first_day(service):
    """Days before the first one are not spoken of: nobody knows who was in the genre then."""
    publish_many(service.workspace, 2, 1)
    assert "Nobody entered or left since Nov 22, 2026, the first day known." in open_screen().words
    publish_many(service.workspace, 2, 31, number=2)
    assert "Nobody entered or left in the last 30 days." in open_screen().words


def test_without_followers_releases_count(tmp_path):
    """Where Spotify gives no followers, activity stands in place of growth, and releases alone are drawn."""
    publish_many(install_service(tmp_path).workspace, 12, 31, withheld=True)
    screen = open_screen()
    assert "followers not given by Spotify to this app" in screen.words
    assert "Most active" in screen.words
    assert "Growing fastest" not in screen.words
    assert len(screen.charts) == 1


def test_unread_releases_are_no_zeros(tmp_path):
    """Where no releases were read, as after an import of old history, no chart says that there were none."""
    artists = [{"artist_id": "a", "name": "A", "last_seen_on": LAST_DAY}]
    genres = [{"artist_id": "a", "genre": "mpb", "provenance": "spotify", "last_seen_on": LAST_DAY}]
    publish_rows(install_service(tmp_path).workspace, artists=artists, artist_genres=genres)
    screen = open_screen()
    assert screen.words.count("No releases yet") == 3  # the newest, the most active, those of the genre
    assert not screen.charts


def test_genre_comes_from_the_address(tmp_path):
    """The genre shown can be named in the address; an unknown one gives the largest."""
    publish_many(install_service(tmp_path).workspace, 12, 31)
    shown = [open_screen(show=genre).app.selectbox(key="show").value for genre in ("samba", "polka")]
    assert shown == ["samba", "mpb"]


def test_last_run_is_told(service):
    """What the last run did stands at the end, and leads to all runs."""
    publish_many(service.workspace, 2, 1)
    service.ledger.begin_run("20261122T060000-aaaaaa", "schedule", {"schedule": "daily"}, pid=1)
    service.ledger.finish_run("20261122T060000-aaaaaa", "deferred", "albums are locked until 18:00")
    screen = open_screen()
    for expected in ("the schedule daily", "deferred", "albums are locked until 18:00"):
        assert expected in screen.words
    assert screen.links[-1] == ("All runs", "runs")


def test_span_of_another_genre_gives_way(tmp_path):
    """Where a genre has no growth over the days chosen for another one, the nearest usual span stands."""
    seen = {"a": (30, "mpb"), "b": (1, "samba")}
    days = {"first_seen_on": LAST_DAY, "last_seen_on": LAST_DAY}
    publish_rows(
        install_service(tmp_path).workspace,
        artists=[days | {"artist_id": each, "name": each.upper()} for each in seen],
        artist_genres=[
            days | {"artist_id": each, "genre": genre, "provenance": "search"} for each, (_, genre) in seen.items()
        ],
        artist_snapshots=[
            {"artist_id": each, "observed_on": LAST_DAY - timedelta(before), "followers": 2000 - before}
            for each, (ago, _) in seen.items()
            for before in (ago, 0)
        ],
    )
    screen = open_screen(show="mpb")
    assert screen.app.segmented_control(key="span").value == 30
    screen.app.selectbox(key="show").set_value("samba").run()
    assert not screen.app.exception
    assert "In 1 day, in proportion" in screen.words
