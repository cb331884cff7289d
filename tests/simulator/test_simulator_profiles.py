"""What each access profile answers and what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Simulate = Callable[..., Any]
FORBIDDEN = (403, {"error": {"status": 403, "message": "Forbidden"}})
GONE = (404, {"error": {"status": 404, "message": "Not found."}})
ARTIST_KEYS = {"external_urls", "followers", "genres", "href", "id", "images", "name", "popularity", "type", "uri"}
ALBUM_KEYS = {
    *("album_group", "album_type", "artists", "available_markets", "external_urls", "href", "id", "images", "name"),
    *("release_date", "release_date_precision", "total_tracks", "type", "uri"),
}


def places(site: Any) -> dict[str, str]:
    """A path for each endpoint, with ids that exist."""
    row = site.simulator.truth(genres=("samba",))
    artist, album, track = row["artists"][0]["artist_id"], row["albums"][0]["album_id"], row["tracks"][0]["track_id"]
    return {
        "artists": f"artists?ids={artist}",
        "top tracks": f"artists/{artist}/top-tracks",
        "related": f"artists/{artist}/related-artists",
        "albums": f"albums?ids={album}",
        "tracks": f"tracks?ids={track}",
        "new releases": "browse/new-releases",
        "categories": "browse/categories",
        "markets": "markets",
        "audio features": f"audio-features/{track}",
        "recommendations": "recommendations",
        "search": "search?q=a&type=artist",
        "artist": f"artists/{artist}",
        "artist albums": f"artists/{artist}/albums",
        "album": f"albums/{album}",
        "album tracks": f"albums/{album}/tracks",
        "track": f"tracks/{track}",
    }


def test_development_refuses_what_was_removed(simulate: Simulate) -> None:
    """Batch reads, top tracks, browsing and markets are Forbidden; related artists and recommendations are gone."""
    site = simulate(profile="development")
    answers = {name: site.get(path) for name, path in places(site).items()}
    refused = {name: (a.status_code, a.json()) for name, a in answers.items() if a.status_code != 200}
    forbidden = ("artists", "top tracks", "albums", "tracks", "new releases", "categories", "markets", "audio features")
    assert refused == dict.fromkeys(forbidden, FORBIDDEN) | dict.fromkeys(("related", "recommendations"), GONE)


@pytest.mark.parametrize("profile", ["legacy", "extended"])
def test_older_apps_keep_the_rest(simulate: Simulate, profile: str) -> None:
    """Legacy and extended apps have every endpoint but audio features and recommendations."""
    site = simulate(profile=profile)
    answers = {name: site.get(path) for name, path in places(site).items()}
    refused = {name: (a.status_code, a.json()) for name, a in answers.items() if a.status_code != 200}
    assert refused == {"audio features": FORBIDDEN, "recommendations": GONE}


def test_newer_extended_app_has_no_related_artists(simulate: Simulate) -> None:
    """An app made after 2024-11-27 gets 404 for related artists."""
    site = simulate(old_app=False)
    assert site.get(places(site)["related"]).status_code == 404


@pytest.mark.parametrize(
    ("profile", "limit", "most"), [("development", 5, 10), ("legacy", 20, 50), ("extended", 20, 50)]
)
def test_page_limits(simulate: Simulate, profile: str, limit: int, most: int) -> None:
    """Search and artist albums have the profile's default and its most; one more is 400 Invalid limit."""
    site = simulate(profile=profile)
    albums = places(site)["artist albums"]
    for path, params in (("search", {"q": "a", "type": "artist"}), (albums, {})):
        page = site.json(path, **params)
        assert page.get("artists", page)["limit"] == limit
        assert site.get(path, **params, limit=most).status_code == 200
        refused = site.get(path, **params, limit=most + 1)
        assert (refused.status_code, refused.json()["error"]["message"]) == (400, "Invalid limit")


@pytest.mark.parametrize("profile", ["development", "extended"])
def test_album_tracks_page_by_twenty(simulate: Simulate, profile: str) -> None:
    """Tracks of an album come 20 a page, at most 50, in every profile."""
    site = simulate(profile=profile)
    path = places(site)["album tracks"]
    assert site.json(path)["limit"] == 20
    assert site.get(path, limit=50).status_code == 200
    assert site.get(path, limit=51).status_code == 400


def test_hidden_fields_are_absent(simulate: Simulate) -> None:
    """In development the keys are not there at all, in search, lists, full objects and embedded ones alike."""
    site = simulate(profile="development", genres_field="list")
    path = places(site)
    album, track = site.json(path["album"]), site.json(path["track"])
    artists = [site.found("samba")["items"][0], site.json(path["artist"])]
    assert [set(artist) for artist in artists] == [ARTIST_KEYS - {"followers", "popularity"}] * 2
    assert set(site.json(path["artist albums"])["items"][0]) == ALBUM_KEYS - {"album_group", "available_markets"}
    assert not {"label", "popularity", "available_markets", "album_group"} & {*album, *track["album"]}
    assert not {"popularity", "available_markets", "linked_from"} & {*track, *album["tracks"]["items"][0]}


def test_extended_objects_are_whole(simulate: Simulate) -> None:
    """Outside development every field is there."""
    site = simulate()
    path = places(site)
    album, track = site.json(path["album"]), site.json(path["track"])
    assert set(site.json(path["artist"])) == ARTIST_KEYS
    assert set(site.json(path["artist albums"])["items"][0]) == ALBUM_KEYS
    assert {"label", "popularity", "copyrights", "external_ids", "tracks"} <= set(album)
    assert album["genres"] == []
    assert {"popularity", "available_markets", "album", "external_ids"} <= set(track)


def test_development_genres_are_unreliable(simulate: Simulate) -> None:
    """The same artists show their genres as a list, as [], as null or not at all, each always alike."""
    site = simulate(profile="development")
    shown = {row["artist_id"]: row["shown"] for row in site.simulator.truth(tracks=False)["artists"]}
    kinds = {repr(type(genres.get("genres"))) if genres else "absent" for genres in shown.values()}
    assert kinds == {"<class 'list'>", "<class 'NoneType'>", "absent"}
    artist_id = next(key for key, genres in shown.items() if not genres)
    assert "genres" not in site.json(f"artists/{artist_id}")
    artist_id = next(key for key, genres in shown.items() if genres == {"genres": None})
    assert site.json(f"artists/{artist_id}")["genres"] is None


def test_profile_changes_at_run_time(simulate: Simulate) -> None:
    """A running simulator answers as another profile from the moment it is told."""
    site = simulate(profile="extended")
    assert "followers" in site.found("samba", limit=20)["items"][0]
    site.simulator.set_profile("development")
    assert "followers" not in site.found("samba")["items"][0]
    with pytest.raises(ValueError, match="profile 'secret' is not one of development, legacy, extended"):
        site.simulator.set_profile("secret")
