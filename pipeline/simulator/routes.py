"""From a path to the endpoint it names and the quota bucket that pays for it."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["BUCKET_OF", "ENDPOINTS", "Route", "route_of"]

BUCKET_OF = {
    "search": "search",
    "artist": "artist",
    "artists": "artist",
    "artist_albums": "albums",
    "album": "albums",
    "albums": "albums",
    "album_tracks": "tracks",
    "track": "tracks",
    "tracks": "tracks",
}
_FIXED = {
    ("search",): "search",
    ("artists",): "artists",
    ("albums",): "albums",
    ("tracks",): "tracks",
    ("browse", "new-releases"): "new_releases",
    ("browse", "categories"): "categories",
    ("markets",): "markets",
    ("audio-features",): "audio_features",
    ("recommendations",): "recommendations",
    ("recommendations", "available-genre-seeds"): "recommendations",
}
_OF_ARTIST = {"albums": "artist_albums", "top-tracks": "artist_top_tracks", "related-artists": "artist_related"}
_SINGLE = {"artists": "artist", "albums": "album", "tracks": "track", "audio-features": "audio_features"}


ENDPOINTS = tuple(dict.fromkeys((*_FIXED.values(), *_OF_ARTIST.values(), *_SINGLE.values(), "album_tracks")))


class Route(NamedTuple):
    """An endpoint ("unknown" for a path the API does not have), its bucket and the id in the path."""

    endpoint: str
    bucket: str
    id: str


def route_of(path: str) -> Route:
    """The route of a path under /v1/; a slash at its end makes no difference."""
    parts = tuple(path[4:].rstrip("/").split("/"))
    endpoint, found = _FIXED.get(parts, ""), ""
    if not endpoint and len(parts) == 2:
        endpoint, found = _SINGLE.get(parts[0], ""), parts[1]
    elif not endpoint and len(parts) == 3:
        endpoint, found = _OF_ARTIST.get(parts[2], "") if parts[0] == "artists" else "", parts[1]
        if parts[0] == "albums" and parts[2] == "tracks":
            endpoint = "album_tracks"
    if parts[0] == "me":
        endpoint = "me"
    return Route(endpoint or "unknown", BUCKET_OF.get(endpoint, "other"), found)
