"""What answers show about the source: which fields came with a value, which limits and endpoints were refused.

A worker notes it in passing, at the cost of one set union per object; `capabilities` draws the conclusions.
Imports nothing of ours.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["KNOWN_FIELDS", "Sightings", "Watcher", "items_at"]

_COMMON = "external_urls href id name type uri"
_ALBUM = (
    f"{_COMMON} album_type artists available_markets images is_playable release_date release_date_precision "
    "restrictions total_tracks"
)

# Every documented top-level field by object type; `listed_album` is the shorter form inside an artist's releases.
# Source: the Web API reference and its OpenAPI description, checked 2026-11-22.
KNOWN_FIELDS: dict[str, frozenset[str]] = {
    name: frozenset(fields.split())
    for name, fields in {
        "artist": f"{_COMMON} followers genres images popularity",
        "album": f"{_ALBUM} album_group copyrights external_ids genres label popularity tracks",
        "listed_album": f"{_ALBUM} album_group",
        "track": f"{_COMMON} album artists available_markets disc_number duration_ms explicit external_ids is_local "
        "is_playable linked_from popularity preview_url restrictions track_number",
    }.items()
}

_PLACES: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "search": (("artist", ("artists", "items")),),
    "artists": (("artist", ("artists",)),),
    "artist": (("artist", ()),),
    "artist_albums": (("listed_album", ("items",)),),
    "album": (("album", ()), ("track", ("tracks", "items"))),
    "albums": (("album", ("albums",)), ("track", ("albums", "tracks", "items"))),
    "album_tracks": (("track", ("items",)),),
}

_MOST_UNKNOWN = 20  # a hostile answer must not make this large
_A_NAME = re.compile(r"[A-Za-z0-9_]{1,60}")


@dataclass(frozen=True)
class Sightings:
    """What one batch's answers showed: small and picklable.

    `fields`: object type -> fields seen with a value, sorted; `objects`: object type -> objects looked at;
    `withdrawn`: endpoints refused with 403; `refused_limits`: (endpoint, page limit) refused with 400.
    """

    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    objects: Mapping[str, int] = field(default_factory=dict)
    withdrawn: tuple[str, ...] = ()
    refused_limits: tuple[tuple[str, int], ...] = ()


class Watcher:
    """Gathers the sightings of one batch."""

    def __init__(self) -> None:
        self._fields: dict[str, set[str]] = {}
        self._objects: dict[str, int] = {}
        self._withdrawn: list[str] = []
        self._refused: list[tuple[str, int]] = []

    def look(self, endpoint: str, data: Any) -> None:
        """Note the fields of every object in an answer, whatever its shape."""
        for kind, path in _PLACES.get(endpoint, ()):
            for item in items_at(data, *path):
                self._objects[kind] = self._objects.get(kind, 0) + 1
                self._note(kind, item)

    def _note(self, kind: str, item: dict[str, Any]) -> None:
        seen = self._fields.setdefault(kind, set())
        known = KNOWN_FIELDS[kind]
        for name, value in item.items():
            if value is None or name in seen:
                continue
            if name in known or (_A_NAME.fullmatch(name) and len(seen - known) < _MOST_UNKNOWN):
                seen.add(name)

    def withdrawn(self, endpoint: str) -> None:
        """Note that an endpoint was refused."""
        self._withdrawn.append(endpoint)

    def refused_limit(self, endpoint: str, limit: int) -> None:
        """Note that a page limit was refused."""
        self._refused.append((endpoint, limit))

    def sightings(self) -> Sightings:
        """Everything noted so far."""
        fields = {kind: tuple(sorted(names)) for kind, names in self._fields.items()}
        return Sightings(fields, dict(self._objects), tuple(self._withdrawn), tuple(self._refused))


def items_at(data: Any, *path: str) -> list[dict[str, Any]]:
    """The objects at the end of a path, lists walked through; whatever is not of that shape is passed over."""
    found = data if isinstance(data, list) else [data]
    for name in path:
        found = [value for item in found if isinstance(item, dict) for value in _listed(item.get(name))]
    return [item for item in found if isinstance(item, dict)]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
