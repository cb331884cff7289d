"""The list of artists: what is asked for stands in the address, and each row leads to its artist."""

from __future__ import annotations

import pytest

from tests.published import publish_many, publish_rows
from tests.screens import install_service, open_screen


@pytest.fixture
def sixty(tmp_path):
    """Sixty artists, the last with the most followers."""
    return publish_many(install_service(tmp_path).workspace, 60, 3)


def names(screen):
    """The artists that are listed, in order."""
    return [label for label, target in screen.links if target.startswith("artist?")]


def test_rows_lead_to_artists(sixty):
    """Each row links to the artist's page by its id."""
    links = open_screen("artists.py").links
    assert links[0] == ("Banda 59", "artist?id=artist000059")
    assert len(links) == 25


def test_growth_says_since_when(sixty):
    """Of three days nobody says what was gained in thirty: growth bears the day from which it counts."""
    english, portuguese = (open_screen("artists.py", language).words for language in ("en", "pt"))
    assert (english.count("since Nov 20"), "in 30 days" in english) == (25, False)
    assert portuguese.count("desde 20 nov.") == 25


@pytest.mark.parametrize(
    ("query", "first", "count"),
    [
        ({"q": "banda 5"}, "Banda 59", 11),
        ({"q": "nobody"}, None, 0),
        ({"genre": "samba"}, "Banda 59", 25),
        ({"sort": "name"}, "Banda 0", 25),
        ({"sort": "nonsense"}, "Banda 59", 25),
        ({"page": "3"}, "Banda 9", 10),
    ],
)
def test_address_decides(sixty, query, first, count):
    """Search, genre, order and page come from the address, so that a link shows what its sender saw."""
    found = names(open_screen("artists.py", **query))
    assert (next(iter(found), None), len(found)) == (first, count)


def test_address_is_the_same_in_both_languages(sixty):
    """A link sent from one language works in the other."""
    first, second = (names(open_screen("artists.py", language, sort="name")) for language in ("en", "pt"))
    assert first == second


def test_choice_enters_the_address(sixty):
    """The order chosen on the page is in the address afterwards, under its name in no language."""
    app = open_screen("artists.py").app
    app.selectbox(key="order").set_value("name").run()
    assert dict(app.query_params) == {"sort": "name"}


def test_address_changes_the_order(sixty):
    """An address that changes below the page, as by a step back in the browser, takes the order with it."""
    screen = open_screen("artists.py", sort="name")
    screen.app.query_params["sort"] = "followers"
    screen.app.run()
    assert (screen.app.selectbox(key="order").value, names(screen)[0]) == ("followers", "Banda 59")


def test_no_match_shows_the_way_back(sixty):
    """A search without a match says so, and a button leads back to all artists, with nothing left in the address."""
    screen = open_screen("artists.py", q="nobody", genre="mpb", sort="name")
    assert ("No artist matches" in screen.words, names(screen)) == (True, [])
    screen.app.button(key="show_all").click().run()
    assert (names(screen)[0], dict(screen.app.query_params)) == ("Banda 0", {"sort": "name"})


def test_names_are_only_text(tmp_path):
    """A name full of markup is shown as it is written, never obeyed."""
    hostile = '<img src=x onerror="alert(1)"> & **bold**'
    publish_rows(install_service(tmp_path).workspace, artists=[{"artist_id": "a", "name": hostile}])
    screen = open_screen("artists.py")
    assert hostile in screen.words
    assert screen.outside == []


def test_without_followers_releases_are_told(tmp_path):
    """An app that is given no followers or popularity is told releases, the latest first; no order by what lacks."""
    publish_many(install_service(tmp_path).workspace, 30, 2, withheld=True)
    screen = open_screen("artists.py", sort="followers")
    assert screen.app.selectbox(key="order").options == ["latest release", "newly found", "name"]
    assert names(screen)[:3] == ["Banda 0", "Banda 1", "Banda 10"]
    assert "30 artists · followers not given by Spotify to this app" in screen.words
    assert "2 releases Nov 2026 latest" in " ".join(screen.words.split())
    assert "not given popularity" not in screen.words
