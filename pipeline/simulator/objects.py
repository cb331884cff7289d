"""The JSON objects of the API: artist, album and track, full and simplified, without the keys a profile hides."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from .catalog import Artist, Catalog
from .profiles import ProfileRules
from .releases import Release, Track

__all__ = ["MARKETS", "Shapes", "compact"]

# fmt: off
MARKETS = (
    "AR", "AT", "AU", "BE", "BO", "BR", "CA", "CH", "CL", "CO", "CR", "CZ", "DE", "DK", "DO", "EC", "EE", "ES",
    "FI", "FR", "GB", "GR", "GT", "HK", "HN", "HU", "ID", "IE", "IL", "IN", "IS", "IT", "JP", "KR", "LT", "LU",
    "LV", "MA", "MX", "MY", "NI", "NL", "NO", "NZ", "PA", "PE", "PH", "PL", "PT", "PY", "RO", "SE", "SG", "SK",
    "SV", "TH", "TR", "TW", "US", "UY", "VN", "ZA",
)
# fmt: on
_SIZES = {"artist": (640, 320, 160), "album": (640, 300, 64)}
_MOST_CACHED = 20_000
Json = dict[str, Any]


def _encoder() -> Callable[[object], str]:
    return json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


compact = _encoder()


class Shapes:
    """Renders one catalogue for one profile; `base` is the address the client used, such as http://127.0.0.1:8808."""

    def __init__(self, catalog: Catalog, rules: ProfileRules, genres_field: str) -> None:
        self._catalog, self._rules = catalog, rules
        self._genres_field = rules.genres_field if genres_field == "auto" else genres_field
        self._artists: dict[tuple[str, int], dict[int, bytes]] = {}

    def artist_json(self, index: int, day: int, base: str) -> bytes:
        """The full artist as JSON; kept for the day, since search pages are made of these."""
        kept = self._artists.get((base, day))
        if kept is None:
            if len(self._artists) > 1:
                self._artists.clear()
            kept = self._artists.setdefault((base, day), {})
        found = kept.get(index)
        if found is None:
            if len(kept) > _MOST_CACHED:
                kept.clear()
            found = kept[index] = compact(self.artist(index, day, base)).encode()
        return found

    def artist(self, index: int, day: int, base: str) -> Json:
        """The full artist object."""
        artist = self._catalog.artists[index]
        followers, popularity = self._catalog.numbers(index, day)
        shape = {
            "external_urls": {"spotify": f"https://open.spotify.com/artist/{artist.id}"},
            "followers": {"href": None, "total": followers},
            **self.genres_shown(artist),
            "href": f"{base}/v1/artists/{artist.id}",
            "id": artist.id,
            "images": [] if self._catalog.dice(60, index)[0] < 0.05 else _images("artist", artist.id, base),
            "name": artist.name,
            "popularity": popularity,
            "type": "artist",
            "uri": f"spotify:artist:{artist.id}",
        }
        return self._without("artist", shape)

    def genres_shown(self, artist: Artist) -> Json:
        """The `genres` key as this profile answers it: a list, [], null, or no key at all."""
        shown = self._genres_field
        if shown == "mixed":
            draw = self._catalog.dice(61, artist.index)[0]
            shown = "list" if draw < 0.7 else "empty" if draw < 0.85 else "null" if draw < 0.93 else "absent"
        if shown == "absent":
            return {}
        return {"genres": list(artist.genres) if shown == "list" else [] if shown == "empty" else None}

    def simple_artist(self, index: int, base: str) -> Json:
        """The artist as albums and tracks carry it."""
        artist = self._catalog.artists[index]
        return {
            "external_urls": {"spotify": f"https://open.spotify.com/artist/{artist.id}"},
            "href": f"{base}/v1/artists/{artist.id}",
            "id": artist.id,
            "name": artist.name,
            "type": "artist",
            "uri": f"spotify:artist:{artist.id}",
        }

    def simple_album(self, release: Release, base: str, group: str | None = None) -> Json:
        """The album as lists carry it; `group` only in an artist's own list."""
        album_id = self._catalog.album_id(release)
        shape = {
            "album_type": release.album_type,
            "total_tracks": release.total_tracks,
            "available_markets": MARKETS,
            "external_urls": {"spotify": f"https://open.spotify.com/album/{album_id}"},
            "href": f"{base}/v1/albums/{album_id}",
            "id": album_id,
            "images": _images("album", album_id, base),
            "name": self.title(release),
            "release_date": release.release_date,
            "release_date_precision": release.precision,
            "type": "album",
            "uri": f"spotify:album:{album_id}",
            "artists": [self.simple_artist(index, base) for index in release.artists],
        }
        if group:
            shape["album_group"] = group
        return self._without("album", shape)

    def album(self, release: Release, day: int, base: str) -> Json:
        """The full album with its first 50 tracks."""
        label = self._catalog.names.label(release.lead)
        href = f"{base}/v1/albums/{self._catalog.album_id(release)}/tracks"
        tracks = self._catalog.tracks(release)
        more = f"{href}?offset=50&limit=50" if len(tracks) > 50 else None
        page = {
            "href": f"{href}?offset=0&limit=50",
            "limit": 50,
            "next": more,
            "offset": 0,
            "previous": None,
            "total": len(tracks),
            "items": [self.simple_track(track, base) for track in tracks[:50]],
        }
        shape = self.simple_album(release, base) | {
            "tracks": page,
            "copyrights": [{"text": f"{release.year} {label}", "type": kind} for kind in ("C", "P")],
            "external_ids": {"upc": f"{release.lead % 10**6:06d}{release.year % 100:02d}{release.number:04d}"},
            "genres": [],
            "label": label,
            "popularity": self.release_popularity(release, day),
        }
        return self._without("album", shape)

    def simple_track(self, track: Track, base: str) -> Json:
        """The track as albums carry it: without album, popularity and external ids."""
        track_id = self._catalog.track_id(track)
        shape = {
            "artists": [self.simple_artist(index, base) for index in track.artists],
            "available_markets": MARKETS,
            "disc_number": track.disc_number,
            "duration_ms": track.duration_ms,
            "explicit": track.explicit,
            "external_urls": {"spotify": f"https://open.spotify.com/track/{track_id}"},
            "href": f"{base}/v1/tracks/{track_id}",
            "id": track_id,
            "name": self.song(track),
            "preview_url": None,
            "track_number": track.track_number,
            "type": "track",
            "uri": f"spotify:track:{track_id}",
            "is_local": False,
        }
        return self._without("track", shape)

    def track(self, track: Track, day: int, base: str) -> Json:
        """The full track with its album."""
        shape = self.simple_track(track, base)
        shape |= {
            "album": self.simple_album(track.release, base),
            "external_ids": {"isrc": track.isrc},
            "popularity": self.track_popularity(track, day),
        }
        return self._without("track", shape)

    def title(self, release: Release) -> str:
        """The name of a release."""
        portuguese = self._catalog.artists[release.lead].portuguese
        return self._catalog.names.title(release.lead, release.year, release.number, portuguese=portuguese)

    def song(self, track: Track) -> str:
        """The name of a track; the only song of a single is called like the single."""
        release = track.release
        if release.total_tracks == 1:
            return self.title(release)
        portuguese = self._catalog.artists[release.lead].portuguese
        place = (release.lead, release.year, release.number, track.position + 1)
        return self._catalog.names.title(*place, portuguese=portuguese)

    def release_popularity(self, release: Release, day: int) -> int:
        """The popularity of a release: its lead artist's, less its age."""
        return max(self._catalog.numbers(release.lead, day)[1] - min((day - release.day) // 300, 30) - 2, 0)

    def track_popularity(self, track: Track, day: int) -> int:
        """The popularity of a track: its release's, less for tracks further down."""
        return max(self.release_popularity(track.release, day) - min(track.position * 2, 20), 0)

    def _without(self, kind: str, shape: Json) -> Json:
        hidden = self._rules.hides(kind)
        return {key: value for key, value in shape.items() if key not in hidden} if hidden else shape


def _images(kind: str, found: str, base: str) -> list[Json]:
    return [{"url": f"{base}/image/{found}-{size}.svg", "height": size, "width": size} for size in _SIZES[kind]]
