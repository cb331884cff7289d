"""spotipy itself, as it comes, against the simulator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import spotipy
from spotipy.cache_handler import MemoryCacheHandler
from spotipy.exceptions import SpotifyException
from spotipy.oauth2 import SpotifyClientCredentials

Simulate = Callable[..., Any]

# spotipy warns of calls that Spotify has taken from newer apps; older ones still have them
pytestmark = pytest.mark.filterwarnings("ignore:You're using:DeprecationWarning")


def client_of(site: Any) -> spotipy.Spotify:
    """A spotipy client pointed at the simulator, without retries."""
    auth = SpotifyClientCredentials("id", "secret", cache_handler=MemoryCacheHandler())
    auth.OAUTH_TOKEN_URL = site.simulator.token_url
    client = spotipy.Spotify(auth_manager=auth, retries=0, status_retries=0, requests_timeout=5)
    client.prefix = site.simulator.api_url
    return client


def test_extended_calls_work(simulate: Simulate) -> None:
    """The calls of an extended app bring what the catalogue holds."""
    site = simulate()
    client, truth = client_of(site), site.simulator.truth(genres=("forró",))
    page = client.search(q='genre:"forró"', type="artist", limit=50)["artists"]
    assert {item["id"] for item in page["items"]} == {row["artist_id"] for row in truth["artists"]}
    artist_id, album_id = truth["artists"][0]["artist_id"], truth["albums"][0]["album_id"]
    assert client.artist(artist_id)["followers"]["total"] == truth["artists"][0]["followers"]
    assert client.artists([artist_id])["artists"][0]["id"] == artist_id
    assert client.artist_albums(artist_id, include_groups="single", country="BR")["limit"] == 20
    assert client.album_tracks(album_id, limit=1)["items"][0]["track_number"] == 1
    assert client.albums([album_id])["albums"][0]["label"]
    assert len(client.artist_related_artists(artist_id)["artists"]) >= 1


def test_next_is_followed(simulate: Simulate) -> None:
    """The client's next() follows the links, which repeat the question as query=."""
    site = simulate(profile="development")
    client = client_of(site)
    page, found = client.search(q='genre:"forró"', type="artist", limit=5)["artists"], list[str]()
    while page:
        found += [item["id"] for item in page["items"]]
        page = (client.next(page) or {}).get("artists")
    assert set(found) == {row["artist_id"] for row in site.simulator.truth(genres=("forró",))["artists"]}


@pytest.mark.parametrize(
    ("call", "status"),
    [
        (lambda client, key: client.artists([key]), 403),
        (lambda client, key: client.artist_top_tracks(key), 403),
        (lambda client, _: client.search(q="a", type="artist", limit=11), 400),
        (lambda client, key: client.artist_albums(key, limit=20), 400),
        (lambda client, key: client.artist_related_artists(key), 404),
    ],
    ids=["batch", "top tracks", "search of 11", "albums of 20", "related"],
)
def test_development_refusals_are_exceptions(simulate: Simulate, call: Any, status: int) -> None:
    """What development mode refuses arrives as spotipy's exception with the status."""
    site = simulate(profile="development")
    key = site.simulator.truth(tracks=False)["artists"][0]["artist_id"]
    with pytest.raises(SpotifyException) as caught:
        call(client_of(site), key)
    assert caught.value.http_status == status


def test_broken_json_is_none(simulate: Simulate) -> None:
    """The client gives None for a 200 whose JSON is broken: the trap is there to be found."""
    site = simulate(scenario={"rules": [{"what": "broken_json"}]})
    assert client_of(site).search(q="a", type="artist") is None
