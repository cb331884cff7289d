"""A whole crawl of the API equals the truth the simulator tells about itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Simulate = Callable[..., Any]


def all_items(site: Any, path: str, **params: Any) -> list[Any]:
    """The items of every page."""
    page = site.json(path, **params)
    page = page.get("artists", page)
    items = list(page["items"])
    while page["next"]:
        page = site.session.get(page["next"], timeout=10).json()
        page = page.get("artists", page)
        items += page["items"]
    return items


def crawled(site: Any, genre: str) -> dict[str, Any]:
    """Rows of a genre's artists, albums and tracks, collected from the endpoints alone."""
    artists = all_items(site, "search", q=f'genre:"{genre}"', type="artist")
    listed = [(a["id"], album) for a in artists for album in all_items(site, f"artists/{a['id']}/albums")]
    albums = {album["id"]: album for _, album in listed}
    tracks = [(key, track) for key in albums for track in all_items(site, f"albums/{key}/tracks", limit=50)]
    return {
        "artists": {(a["id"], a["name"], a["followers"]["total"], a["popularity"], *a["genres"]) for a in artists},
        "albums": {
            (a["id"], a["name"], a["album_type"], a["release_date"], a["release_date_precision"], a["total_tracks"])
            for a in albums.values()
        },
        "credits": {(artist_id, album["id"], album["album_group"]) for artist_id, album in listed},
        "album_artists": {(key, a["id"], n) for key, album in albums.items() for n, a in enumerate(album["artists"])},
        "tracks": {
            (t["id"], key, t["name"], t["disc_number"], t["track_number"], t["duration_ms"]) for key, t in tracks
        },
        "track_artists": {(t["id"], a["id"], n) for _, t in tracks for n, a in enumerate(t["artists"])},
    }


def expected(truth: dict[str, Any]) -> dict[str, Any]:
    """The same rows from the truth."""
    columns = {
        "albums": ("album_id", "name", "album_type", "release_date", "release_date_precision", "total_tracks"),
        "credits": ("artist_id", "album_id", "album_group"),
        "album_artists": ("album_id", "artist_id", "position"),
        "tracks": ("track_id", "album_id", "name", "disc_number", "track_number", "duration_ms"),
        "track_artists": ("track_id", "artist_id", "position"),
    }
    rows: dict[str, Any] = {
        table: {tuple(row[name] for name in names) for row in truth[table]} for table, names in columns.items()
    }
    artists = truth["artists"]
    return {
        "artists": {(a["artist_id"], a["name"], a["followers"], a["popularity"], *a["genres"]) for a in artists}
    } | rows


@pytest.mark.parametrize("now", ["2026-11-20T12:00:00", "2020-02-29T00:00:00"])
def test_crawl_equals_truth(simulate: Simulate, now: str) -> None:
    """Everything the endpoints tell about a genre on a day is the truth of that day, nothing more, nothing less."""
    site = simulate(now=now, artists=60)
    assert crawled(site, "samba") == expected(site.simulator.truth(genres=("samba",)))


def test_answers_change_with_the_day_only(simulate: Simulate) -> None:
    """Within a UTC day an answer stays the same; the next day followers have moved and new releases are out."""
    site = simulate(now="2026-11-19T00:00:00", token_ttl_s=10**7)
    morning = site.found("hip hop", limit=50)["items"]
    site.simulator.set_clock("2026-11-19T23:59:59")
    assert site.found("hip hop", limit=50)["items"] == morning
    site.simulator.advance(1)
    assert site.found("hip hop", limit=50)["items"] != morning
    before, after = (site.simulator.truth(f"2026-{day}", tracks=False)["albums"] for day in ("10-19", "11-20"))
    known = {row["album_id"] for row in before}
    dates = {row["release_date"] for row in after if row["album_id"] not in known}
    assert len(dates) > 2
    assert all("2026-10-19" < date <= "2026-11-20" for date in dates)


def test_restart_tells_the_same(simulate: Simulate) -> None:
    """Two simulators of one seed, started at different times, agree about any day."""
    early, late = simulate(now="2026-01-01T00:00:00"), simulate(now="2026-11-20T00:00:00", latency_ms=0.001)
    assert early.simulator.truth("2026-06-01") == late.simulator.truth("2026-06-01")
