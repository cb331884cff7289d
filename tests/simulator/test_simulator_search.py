"""Search for artists, as /v1/search answers it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

Simulate = Callable[..., Any]


def walked(site: Any, page: dict[str, Any]) -> list[str]:
    """The ids on this page and on all that its `next` leads to."""
    found = [item["id"] for item in page["items"]]
    while page["next"]:
        page = site.session.get(page["next"], timeout=10).json()["artists"]
        found += [item["id"] for item in page["items"]]
    return found


def test_following_next_finds_every_artist(simulate: Simulate) -> None:
    """Page by page a genre yields each of its artists once, most popular first."""
    site = simulate()
    rows = site.simulator.truth(genres=("samba",))["artists"]
    rows.sort(key=lambda row: (-row["popularity"], row["artist_id"]))
    page = site.found("samba", limit=4)
    assert page["total"] == len(rows) > 8
    assert walked(site, page) == [row["artist_id"] for row in rows]
    assert site.found("samba", limit=4, offset=len(rows) - 4)["next"] is None


def test_links_spell_query(simulate: Simulate) -> None:
    """`href` and `next` are absolute and carry the question as `query=`, which is understood in turn."""
    site = simulate(profile="development")
    page = site.found("samba")
    link = urlsplit(page["next"])
    assert page["href"] == f"{site.simulator.url}/v1/search?offset=0&limit=5&query=genre%3A%22samba%22&type=artist"
    assert (link.netloc, link.path) == (f"127.0.0.1:{site.simulator.port}", "/v1/search")
    assert parse_qs(link.query) == {"offset": ["5"], "limit": ["5"], "query": ['genre:"samba"'], "type": ["artist"]}
    assert page["previous"] is None


@pytest.mark.parametrize("spelling", ['genre:"forró"', 'genre:"FORRÓ"', "genre:forro", 'genre:"forro"'])
def test_genres_ignore_case_and_accents(simulate: Simulate, spelling: str) -> None:
    """A genre is found however its letters are written."""
    site = simulate()
    found = site.json("search", q=spelling, type="artist")["artists"]
    assert found["total"] == site.simulator.catalog()["genres"]["forró"]


def test_genre_of_two_words_needs_quotes(simulate: Simulate) -> None:
    """Without quotes only the first word belongs to the filter, and nothing has that genre."""
    site = simulate()
    assert site.json("search", q="genre:bossa nova", type="artist")["artists"]["items"] == []
    assert site.found("bossa nova")["total"] > 0


@pytest.mark.parametrize(
    "query", ['genre:"polka of mars"', 'genre:"mpb" genre:"samba"', "genre:", "upc:123", "album:x"]
)
def test_hopeless_query_is_an_empty_page(simulate: Simulate, query: str) -> None:
    """An unknown genre, two genres at once, or filters that artists do not have find nobody, without an error."""
    page = simulate().json("search", q=query, type="artist")["artists"]
    assert (page["items"], page["total"], page["next"], page["previous"]) == ([], 0, None, None)


def test_plain_text_matches_names(simulate: Simulate) -> None:
    """Words without a filter, or after artist:, are looked for in names, accents or not."""
    site = simulate()
    row = next(row for row in site.simulator.truth(tracks=False)["artists"] if "ç" in row["name"])
    plain = row["name"].replace("ç", "c").upper()
    for query in (row["name"], plain, f'artist:"{row["name"]}"'):
        items = site.json("search", q=query, type="artist")["artists"]["items"]
        assert row["artist_id"] in [item["id"] for item in items]


def test_year_narrows_a_genre(simulate: Simulate) -> None:
    """year: keeps the artists that led a release in those years."""
    site = simulate()
    all_years = site.json("search", q='genre:"samba" year:1900-2026', type="artist")["artists"]["total"]
    some = site.json("search", q='genre:"samba" year:2026', type="artist")["artists"]["total"]
    assert 0 < some < all_years <= site.found("samba")["total"]
    assert site.json("search", q='genre:"samba" year:2031', type="artist")["artists"]["total"] == 0


def test_search_ends_at_the_cap(simulate: Simulate) -> None:
    """`next` is still handed out past the cap, and following it ends in 404, a later offset in 400."""
    site = simulate(search_cap=8)
    page = site.found("samba", limit=5, offset=5)
    assert len(page["items"]) == 3
    assert page["next"] is not None
    assert site.get("search", q="genre:samba", type="artist", limit=2, offset=8).status_code == 404
    assert site.session.get(page["next"], timeout=10).status_code == 400


def test_cap_is_a_thousand(simulate: Simulate) -> None:
    """The last page before offset 1,000 still answers, offset 1,000 does not."""
    site = simulate(artists=0)
    assert site.found("samba", offset=999)["items"] == []
    assert site.get("search", q="a", type="artist", offset=1000).status_code == 404
    assert site.get("search", q="a", type="artist", offset=1001).json()["error"]["message"] == "Invalid offset"


def test_other_types_are_empty_pages(simulate: Simulate) -> None:
    """Only artists can be found; other types the API has come back as empty pages beside them."""
    found = simulate().json("search", q="a", type="album,artist")
    assert list(found) == ["albums", "artists"]
    assert found["albums"]["items"] == []
    assert found["artists"]["total"] > 0


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"type": "artist"}, "No search query"),
        ({"q": " ", "type": "artist"}, "No search query"),
        ({"q": "a"}, "Missing parameter type"),
        ({"q": "a", "type": "singer"}, "Bad search type field singer"),
        ({"q": "a", "type": "artist", "limit": 51}, "Invalid limit"),
        ({"q": "a", "type": "artist", "limit": 0}, "Invalid limit"),
        ({"q": "a", "type": "artist", "limit": "ten"}, "Invalid limit"),
        ({"q": "a", "type": "artist", "offset": -1}, "Invalid offset"),
        ({"q": "a", "type": "artist", "market": "BRA"}, "Invalid market code"),
    ],
)
def test_bad_question_is_400(simulate: Simulate, params: dict[str, Any], message: str) -> None:
    """A question the API does not understand is refused with its reason."""
    answer = simulate().get("search", **params)
    assert (answer.status_code, answer.json()) == (400, {"error": {"status": 400, "message": message}})
