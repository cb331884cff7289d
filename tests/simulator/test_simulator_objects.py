"""Artists, albums and tracks as the endpoints answer them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import requests

from pipeline.simulator.artwork import cover_svg

Simulate = Callable[..., Any]


def test_artist_row_is_whole(simulate: Simulate) -> None:
    """An artist is answered with exactly these keys and values."""
    site = simulate()
    row = site.simulator.truth(genres=("mpb",), tracks=False)["artists"][0]
    key, url = row["artist_id"], site.simulator.url
    shown = site.json(f"artists/{key}")
    assert shown.pop("images") == [
        {"url": f"{url}/image/{key}-{size}.svg", "height": size, "width": size} for size in (640, 320, 160)
    ]
    assert shown == {
        "external_urls": {"spotify": f"https://open.spotify.com/artist/{key}"},
        "followers": {"href": None, "total": row["followers"]},
        "genres": row["genres"],
        "href": f"{url}/v1/artists/{key}",
        "id": key,
        "name": row["name"],
        "popularity": row["popularity"],
        "type": "artist",
        "uri": f"spotify:artist:{key}",
    }


def test_albums_come_first_and_newest_first(simulate: Simulate) -> None:
    """An artist's list has albums, then singles, compilations and appearances, each newest first."""
    site = simulate()
    truth = site.simulator.truth()
    credited = [row["artist_id"] for row in truth["credits"]]
    busiest = max(set(credited), key=credited.count)
    items = site.json(f"artists/{busiest}/albums", limit=50)["items"]
    order = ["album", "single", "compilation", "appears_on"]
    groups = [order.index(item["album_group"]) for item in items]
    assert groups == sorted(groups)
    for group in set(groups):
        dates = [item["release_date"] for item, own in zip(items, groups, strict=True) if own == group]
        assert dates == sorted(dates, reverse=True)


def test_groups_can_be_chosen(simulate: Simulate) -> None:
    """include_groups keeps the groups asked for and stands in the links; an unknown group is refused."""
    site = simulate()
    rows = site.simulator.truth()["credits"]
    artist_id = next(row["artist_id"] for row in rows if row["album_group"] == "compilation")
    owned = [row["album_group"] for row in rows if row["artist_id"] == artist_id]
    page = site.json(f"artists/{artist_id}/albums", include_groups="album,single", limit=1)
    assert page["total"] == owned.count("album") + owned.count("single")
    assert page["next"].endswith("offset=1&limit=1&include_groups=album,single")
    assert site.get(f"artists/{artist_id}/albums", include_groups="bootleg").status_code == 400


def test_long_album_embeds_fifty(simulate: Simulate) -> None:
    """An album embeds its first 50 tracks; the rest come from the `next` of that page."""
    site = simulate(artists=300)
    row = next(row for row in site.simulator.truth(tracks=False)["albums"] if row["total_tracks"] > 50)
    album = site.json(f"albums/{row['album_id']}")
    rest = site.session.get(album["tracks"]["next"], timeout=10).json()
    assert (len(album["tracks"]["items"]), album["tracks"]["total"]) == (50, row["total_tracks"])
    assert len(rest["items"]) == row["total_tracks"] - 50
    assert (rest["items"][0]["disc_number"], rest["items"][0]["track_number"]) == (3, 1)
    assert rest["next"] is None


def test_track_carries_album_and_isrc(simulate: Simulate) -> None:
    """A full track has its album and its ISRC; the same track inside an album has neither."""
    site = simulate(profile="development")
    row = site.simulator.truth()["tracks"][0]
    track = site.json(f"tracks/{row['track_id']}")
    assert (track["external_ids"], track["album"]["id"]) == ({"isrc": row["isrc"]}, row["album_id"])
    assert (track["name"], track["duration_ms"], track["explicit"]) == (
        row["name"],
        row["duration_ms"],
        row["explicit"],
    )
    embedded = site.json(f"albums/{row['album_id']}")["tracks"]["items"][0]
    assert not {"external_ids", "album"} & set(embedded)


def test_batches_keep_order_and_show_null(simulate: Simulate) -> None:
    """Objects come in the order asked for, null for ids nobody has."""
    site = simulate()
    truth = site.simulator.truth(genres=("samba",))
    for kind in ("artists", "albums", "tracks"):
        key = f"{kind[:-1]}_id"
        first, second = truth[kind][0][key], truth[kind][1][key]
        found = site.json(kind, ids=f"{second},{'0' * 22},{first}")[kind]
        assert [item and item["id"] for item in found] == [second, None, first]


def test_batches_are_bounded(simulate: Simulate) -> None:
    """At most 50 artists or tracks and 20 albums a call, at least one, all well-formed."""
    site = simulate()
    for kind, most in (("artists", 50), ("albums", 20), ("tracks", 50)):
        assert site.get(kind, ids=",".join(["0" * 22] * most)).status_code == 200
        assert (
            site.get(kind, ids=",".join(["0" * 22] * (most + 1))).json()["error"]["message"] == "Too many ids requested"
        )
        assert site.get(kind).status_code == 400
        assert site.get(kind, ids="short").json()["error"]["message"] == "invalid id"


def test_unknown_ids_are_404(simulate: Simulate) -> None:
    """A well-formed id nobody has is 404 Resource not found, a malformed one 400 invalid id."""
    site = simulate()
    for path in (
        "artists/{}",
        "artists/{}/albums",
        "albums/{}",
        "albums/{}/tracks",
        "tracks/{}",
        "artists/{}/top-tracks",
    ):
        unknown, malformed = site.get(path.format("0" * 22)), site.get(path.format("not-an-id"))
        assert (unknown.status_code, unknown.json()["error"]["message"]) == (404, "Resource not found")
        assert (malformed.status_code, malformed.json()["error"]["message"]) == (400, "invalid id")


def test_slashes_and_country_are_accepted(simulate: Simulate) -> None:
    """Paths may end in a slash and market may be called country, as spotipy spells them."""
    site = simulate()
    truth = site.simulator.truth(genres=("samba",))
    artist_id, album_id = truth["artists"][0]["artist_id"], truth["albums"][0]["album_id"]
    assert site.json("artists/", ids=artist_id)["artists"][0]["id"] == artist_id
    assert site.json(f"albums/{album_id}/tracks/", limit=1, market="BR")["href"].endswith("limit=1&market=BR")
    assert "market=BR" in site.json(f"artists/{artist_id}/albums", country="BR", limit=1)["href"]


def test_unknown_paths_are_404(simulate: Simulate) -> None:
    """What the API does not have is Service not found; a user's own data need a user; other methods are refused."""
    site = simulate()
    for path in ("nonsense", "artists/x/fans", "albums/x/y/z", "artists/a/b/c"):
        assert site.get(path).json()["error"] == {"status": 404, "message": "Service not found"}
    assert site.get("me/top/artists").status_code == 401
    assert site.session.post(site.simulator.api_url + "markets", timeout=10).status_code == 405


def test_browsing_lists(simulate: Simulate) -> None:
    """New releases are those of the last fortnight, newest first; categories are genres, markets country codes."""
    site = simulate()
    albums = site.json("browse/new-releases", limit=50)["albums"]["items"]
    dates = [album["release_date"] for album in albums]
    assert dates == sorted(dates, reverse=True)
    assert "2026-11-06" < dates[-1] <= dates[0] <= "2026-11-20"
    names = [item["name"] for item in site.json("browse/categories", limit=50)["categories"]["items"]]
    assert set(names) == set(site.simulator.catalog()["genres"])
    assert "BR" in site.json("markets")["markets"]


def test_top_tracks_are_the_most_popular(simulate: Simulate) -> None:
    """At most ten tracks of the artist, most popular first."""
    site = simulate()
    artist_id = site.found("samba")["items"][0]["id"]
    tracks = site.json(f"artists/{artist_id}/top-tracks")["tracks"]
    popularity = [track["popularity"] for track in tracks]
    assert 1 <= len(tracks) <= 10
    assert popularity == sorted(popularity, reverse=True)


def test_images_are_local_pictures(simulate: Simulate) -> None:
    """The pictures the objects point to are SVG files of this server: the same for one id, another for another."""
    site = simulate()
    image = next(item for item in site.found("samba")["items"] if item["images"])["images"][1]
    answer = requests.get(image["url"], timeout=10)
    assert image["url"].startswith(site.simulator.url)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/svg+xml")
    assert answer.text.startswith('<svg xmlns="http://www.w3.org/2000/svg" width="320" height="320"')
    assert cover_svg("a" * 22) == cover_svg("a" * 22) != cover_svg("b" * 22)


def test_some_artists_have_no_picture(simulate: Simulate) -> None:
    """A few artists have an empty list of images."""
    site = simulate()
    ids = [row["artist_id"] for row in site.simulator.truth(tracks=False)["artists"]]
    found = [
        item for start in (0, 50) for item in site.json("artists", ids=",".join(ids[start : start + 50]))["artists"]
    ]
    assert {len(item["images"]) for item in found} == {0, 3}
