"""The list of artists: search, genre, order, pages."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pipeline import queries
from pipeline.queries.artists import _words
from pipeline.schema import LETTERS, name_tokens
from tests.published import publish_rows

ARTISTS = [
    {"artist_id": "1", "name": "Dália do Cais", "followers": 10, "popularity": 5, "first_seen_on": date(2026, 1, 3)},
    {"artist_id": "2", "name": "Os Marujos", "followers": 30, "popularity": 1, "first_seen_on": date(2026, 1, 1)},
    {
        "artist_id": "3",
        "name": "Trio da Dália",
        "followers": None,
        "popularity": None,
        "first_seen_on": date(2026, 1, 2),
    },
]
GENRES = [
    {"artist_id": "1", "genre": "samba", "provenance": "search"},
    {"artist_id": "1", "genre": "choro", "provenance": "spotify"},
    {"artist_id": "1", "genre": "samba", "provenance": "spotify"},
    {"artist_id": "2", "genre": "mpb", "provenance": "search"},
]


@pytest.fixture
def found(workspace):
    """Three artists, one of them without numbers and genres."""
    return publish_rows(workspace, artists=ARTISTS, artist_genres=GENRES)


@pytest.mark.parametrize(
    ("search", "genre", "expected"),
    [
        ("", "", ["2", "1", "3"]),
        ("dalia", "", ["1", "3"]),
        ("DÁLIA", "", ["1", "3"]),
        ("  cais   da ", "", ["1"]),
        ("cais dália", "", ["1"]),
        ("", "samba", ["1"]),
        ("marujos", "samba", []),
        ("%", "", []),
        ("'; DROP TABLE artists; --", "", []),
    ],
)
def test_search_ignores_accents_and_order(found, search, genre, expected):
    """Every word must stand somewhere in the name, whatever its accents and case; a genre narrows further."""
    rows = queries.artists(found, search=search, genre=genre)
    assert rows["artist_id"].to_list() == expected
    assert queries.artists_count(found, search, genre) == len(expected)


@pytest.mark.parametrize(
    ("name", "search"),
    [
        ("Łona", "lona"),
        ("MØ", "mo"),
        ("Strauß", "strauss"),
        ("Æther", "aether"),
        ("Hœdor", "hoedor"),
        ("Þór Aðal", "thor"),
    ],
)
def test_letters_of_their_own_are_found(workspace, name, search):
    """A name is found as it is written and as it is typed where its letters are lacking, whichever is kept."""
    rows = [{"artist_id": "special", "name": name}, {"artist_id": "typed", "name": search}]
    found = publish_rows(workspace, artists=rows)
    for words in (name.split()[0], search, search.upper()):
        assert set(queries.artists(found, search=words)["artist_id"]) == {"special", "typed"}


def test_letters_of_their_own_sort_with_plain(workspace):
    """By name `Łona` stands between `Lola` and `Lua`, not behind `Zé`."""
    names = ["Zé", "Łona", "Lua", "Lola"]
    found = publish_rows(workspace, artists=[{"artist_id": name, "name": name} for name in names])
    assert queries.artists(found, order="name")["name"].to_list() == ["Lola", "Łona", "Lua", "Zé"]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("followers", ["2", "1", "3"]),
        ("popularity", ["1", "2", "3"]),
        ("new", ["1", "3", "2"]),
        ("name", ["1", "2", "3"]),
        ("growth", ["1", "2", "3"]),
    ],
)
def test_order_puts_unknown_last(workspace, order, expected):
    """Each order holds, also of a search that finds a word twice; what is withheld comes last, not as zero first."""
    found = publish_rows(workspace, artists=[{**row, "name": f"{row['name']} Duo Duas"} for row in ARTISTS])
    for search in ("", "du"):
        pages = [queries.artists(found, search=search, order=order, limit=1, offset=at) for at in range(3)]
        assert pl.concat(pages)["artist_id"].to_list() == expected


@pytest.mark.parametrize("search", ["", "duo"])
def test_latest_release_comes_first(workspace, search):
    """Ordered by the latest release, who has none, or was not read yet, comes last: as the list tells it."""
    day = date(2026, 11, 20)
    found = publish_rows(
        workspace,
        artists=[{"artist_id": each, "name": f"Duo {each}", "releases_checked_on": None if each == "b" else day}
                 for each in "abcd"],
        releases=[{"album_id": each, "release_date": day + timedelta("adb".index(each))} for each in "abd"],
        release_artists=[{"album_id": each, "artist_id": each, "position": 0} for each in "abd"],
    )  # fmt: skip
    assert queries.artists(found, search=search, order="released")["artist_id"].to_list() == ["d", "a", "b", "c"]


def test_genres_of_row_are_merged(found):
    """A row carries each genre once, whoever named it."""
    assert queries.artists(found, search="cais")["found"].to_list() == [["choro", "samba"]]


@pytest.mark.parametrize("search", ["", "éco", "éco 9"])
@pytest.mark.parametrize("followers", [7, None])
def test_ties_fall_to_the_name(workspace, followers, search):
    """Page after page gives every artist once, by name where followers say nothing, however the rows lie."""
    tied = [{"artist_id": f"id{n:02d}", "name": f"Éco {99 - n}", "followers": followers} for n in range(60)]
    first = {"artist_id": "first", "name": "Zabumba Éco 9", "followers": 8}
    found = publish_rows(workspace, artists=[*tied, first])
    expected = ["first", *(row["artist_id"] for row in reversed(tied) if search != "éco 9" or row["name"] >= "Éco 9")]
    pages = [
        queries.artists(found, search=search, limit=25, offset=offset)["artist_id"].to_list()
        for offset in range(0, 76, 25)
    ]
    assert [len(page) for page in pages] == [min(25, max(0, len(expected) - offset)) for offset in range(0, 76, 25)]
    assert [artist for page in pages for artist in page] == expected


def test_genres_by_size(found):
    """Genres come with their artists, each artist once."""
    assert queries.genres(found).rows() == [("choro", 1), ("mpb", 1), ("samba", 1)]


def test_genres_of_an_artist(found):
    """Each genre says whether our search found it or Spotify gave it."""
    rows = queries.artist_genres(found, "1").select("genre", "provenances").rows()
    assert rows == [("choro", ["spotify"]), ("samba", ["search", "spotify"])]


def test_unknown_artist_is_none(found):
    """An id that is not there gives None, not an error."""
    assert queries.artist(found, "nobody") is None


OWN = st.sampled_from("".join(LETTERS) + "ŁØĐĦŦIİÐÞẞÆŒǾǼ")
KNOWN = st.characters(max_codepoint=0xFFFF, exclude_categories=("Cn", "Cs"))  # of which every Unicode says the same


@given(name=st.text(KNOWN | OWN, min_size=1, max_size=12))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(name="Olá ÇA, mar!")
@example(name="!!! ?!")
@example(name="अमर e ２º")
@example(name="ŁÓDŹ Mø Strauß ÆTHER Œuvre ıI Þórð Đorđe")
def test_words_are_those_of_names(found, name):
    """The words looked for are the words a name was filed under, whatever it is written in."""
    filed = found.rows(f"SELECT {name_tokens('name')} FROM (SELECT ?::VARCHAR AS name)", [name])[0][0]
    assert _words(found, name) == list(dict.fromkeys(filed))
