"""The whole catalogue on one day as rows, so that a database filled from the API can be compared with it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from .catalog import Catalog, fold
from .objects import Shapes
from .releases import Release

__all__ = ["truth_of"]

Row = dict[str, Any]


def truth_of(catalog: Catalog, shapes: Shapes, day: int, genres: Sequence[str], *, tracks: bool) -> dict[str, Any]:
    """{"on", "artists", "albums", "album_artists", "tracks", "track_artists", "credits"}: lists of rows.

    Albums are those in these artists' own lists; `credits` has a row per artist and album, with the album_group.
    """
    wanted = {fold(genre) for genre in genres}
    chosen = [artist for artist in catalog.artists if not wanted or wanted & {fold(genre) for genre in artist.genres}]
    lists, releases = [], dict[str, Release]()
    for artist in chosen:
        for group, release in catalog.discography(artist.index, day):
            album_id = catalog.album_id(release)
            releases[album_id] = release
            lists.append({"artist_id": artist.id, "album_id": album_id, "album_group": group})
    found: dict[str, Any] = {
        "on": date.fromordinal(day).isoformat(),
        "artists": [_artist(catalog, shapes, artist.index, day) for artist in chosen],
        "albums": [_album(shapes, album_id, release, day) for album_id, release in releases.items()],
        "album_artists": [
            {"album_id": album_id, "artist_id": catalog.artists[index].id, "position": position}
            for album_id, release in releases.items()
            for position, index in enumerate(release.artists)
        ],
        "credits": lists,
    }
    return found | _tracks(catalog, shapes, releases, day) if tracks else found


def _artist(catalog: Catalog, shapes: Shapes, index: int, day: int) -> Row:
    artist = catalog.artists[index]
    followers, popularity = catalog.numbers(index, day)
    return {
        "artist_id": artist.id,
        "name": artist.name,
        "followers": followers,
        "popularity": popularity,
        "genres": list(artist.genres),
        "shown": shapes.genres_shown(artist),
    }


def _album(shapes: Shapes, album_id: str, release: Release, day: int) -> Row:
    return {
        "album_id": album_id,
        "name": shapes.title(release),
        "album_type": release.album_type,
        "release_date": release.release_date,
        "release_date_precision": release.precision,
        "total_tracks": release.total_tracks,
        "popularity": shapes.release_popularity(release, day),
    }


def _tracks(catalog: Catalog, shapes: Shapes, releases: dict[str, Release], day: int) -> dict[str, list[Row]]:
    tracks, artists = [], []
    for album_id, release in releases.items():
        for track in catalog.tracks(release):
            track_id = catalog.track_id(track)
            tracks.append(
                {
                    "track_id": track_id,
                    "album_id": album_id,
                    "name": shapes.song(track),
                    "disc_number": track.disc_number,
                    "track_number": track.track_number,
                    "duration_ms": track.duration_ms,
                    "explicit": track.explicit,
                    "isrc": track.isrc,
                    "popularity": shapes.track_popularity(track, day),
                }
            )
            artists += [
                {"track_id": track_id, "artist_id": catalog.artists[index].id, "position": position}
                for position, index in enumerate(track.artists)
            ]
    return {"tracks": tracks, "track_artists": artists}
