"""One artist: found by its id in the address, with the way back to Spotify, its genres and releases."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pipeline.records.capability_rows import set_capability
from tests.published import LAST_DAY, publish_many, publish_rows
from tests.screens import install_service, open_screen


@pytest.fixture
def three(tmp_path):
    """Three artists on eleven days."""
    return publish_many(install_service(tmp_path).workspace, 3, 11)


def test_numbers_of_the_artist(three):
    """Followers with what was gained since when, growth, popularity, releases."""
    words = open_screen("artist.py", id="artist000002").words
    for expected in ("Banda 2", "5,600", "+20 since Nov 12, 2026", "+0.4%", "latest on Nov 20, 2026"):
        assert expected in words


def test_links_back_to_spotify(three):
    """The artist and each of its releases link to their pages on Spotify."""
    outside = open_screen("artist.py", id="artist000002").outside
    assert outside == [
        "https://open.spotify.com/artist/artist000002",
        "https://open.spotify.com/album/artist0000020",
        "https://open.spotify.com/album/artist0000021",
    ]


def test_genres_lead_to_their_artists(three):
    """Each genre of the artist leads to the list of that genre."""
    links = open_screen("artist.py", id="artist000002").links
    assert links == [("mpb", "artists?genre=mpb"), ("samba", "artists?genre=samba")]


@pytest.mark.parametrize(("language", "label"), [("en", "Download as CSV"), ("pt", "Baixar como CSV")])
def test_each_chart_gives_its_numbers(three, language, label):
    """Below each chart a button gives its numbers, in the reader's language."""
    screen = open_screen("artist.py", language, id="artist000002")
    assert [button.proto.label for button in screen.app.get("download_button")] == [label] * 2


@pytest.mark.parametrize(
    ("query", "said"),
    [({}, "Which artist?"), ({"id": "nobody"}, "No artist with the id nobody here"), ({"id": "<b>"}, "id <b> here")],
)
def test_unknown_artist_leads_to_the_list(three, query, said):
    """Without an id, or with one that is not here, the page says so and leads to the list."""
    screen = open_screen("artist.py", **query)
    assert said in screen.words
    assert screen.links == [("Go to Artists", "artists")]


def test_one_day_is_no_line(tmp_path):
    """With a single day the page says which, and what a line needs, instead of drawing a dot."""
    publish_many(install_service(tmp_path).workspace, 2, 1)
    screen = open_screen("artist.py", id="artist000001")
    assert screen.charts == []
    assert "One day so far" in screen.words
    assert "Seen on Nov 22, 2026" in screen.words


@pytest.mark.parametrize(("days", "told"), [(11, "Crescimento em 10 dias"), (41, "Crescimento em 30 dias")])
def test_growth_says_over_how_long(days, told, tmp_path):
    """While fewer than thirty days are known, growth is told over those that are."""
    publish_many(install_service(tmp_path).workspace, 2, days)
    assert told in open_screen("artist.py", "pt", id="artist000001").words


@pytest.mark.parametrize(
    ("ago", "lacking"), [((3, 2), "needs followers of 30 days before"), ((3,), "needs followers of two days")]
)
def test_missing_growth_says_what_it_needs(ago, lacking, tmp_path):
    """Of an artist found lately, or with few days of imported history, it is not said that two days are wanting."""
    known = [{"artist_id": "a", "observed_on": LAST_DAY - timedelta(days), "followers": 5000} for days in (90, 60)]
    seen = [{"artist_id": "b", "observed_on": LAST_DAY - timedelta(days), "followers": 9000} for days in ago]
    rows = [{"artist_id": each, "name": each, "followers": 9000} for each in "ab"]
    publish_rows(install_service(tmp_path).workspace, artists=rows, artist_snapshots=[*known, *seen])
    words = open_screen("artist.py", id="b").words
    told = ("needs followers of 30 days before", "needs followers of two days")
    assert [each for each in told if each in words] == [lacking]


def test_withheld_followers_promise_no_growth(tmp_path):
    """Where Spotify gives this app no followers, the page does not say that growth appears with a second day."""
    row = {"artist_id": "a", "name": "A", "first_seen_on": LAST_DAY}
    publish_rows((service := install_service(tmp_path)).workspace, artists=[row])
    set_capability(service.ledger, "field:artist.followers", value=False, evidence="seen in a run")
    words = open_screen("artist.py", id="a").words
    assert (words.count("not given by Spotify to this app"), "needs followers of two days" in words) == (3, False)


def test_other_addresses_are_no_links(tmp_path):
    """Only pages on open.spotify.com become links, and only pictures from Spotify's image server are loaded."""
    row = {"artist_id": "a", "name": "A", "spotify_url": "javascript:alert(1)", "image_url": "http://127.0.0.1:9/a.svg"}
    publish_rows(install_service(tmp_path).workspace, artists=[{**row, "first_seen_on": LAST_DAY}])
    assert open_screen("artist.py", id="a").outside == []


def test_real_pictures_come_from_spotify(tmp_path):
    """Where Spotify gave a picture, it is shown from Spotify's own image server."""
    row = {"artist_id": "a", "name": "A", "image_url": "https://i.scdn.co/image/ab"}
    publish_rows(install_service(tmp_path).workspace, artists=[row])
    assert open_screen("artist.py", id="a").outside == ["https://i.scdn.co/image/ab"]


def test_many_releases_come_in_pages(tmp_path):
    """A long list of releases is shown page by page."""
    releases = [{"album_id": f"{place:03}", "name": f"Canto {place}"} for place in range(30)]
    credited = [{"album_id": row["album_id"], "artist_id": "a", "position": 0} for row in releases]
    found = {"artists": [{"artist_id": "a", "name": "A"}], "releases": releases, "release_artists": credited}
    publish_rows(install_service(tmp_path).workspace, **found)
    words = open_screen("artist.py", id="a", page="2").words
    assert [f"Canto {place}" in words for place in (23, 24, 29)] == [False, True, True]
