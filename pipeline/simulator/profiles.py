"""The three ways the API answers an app: which endpoints, fields and page sizes each profile has (as of 2026-11-22)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["PROFILE_RULES", "ProfileRules", "Refusal"]

Refusal = tuple[int, str]
_FORBIDDEN: Refusal = (403, "Forbidden")
_GONE: Refusal = (404, "Not found.")


@dataclass(frozen=True, slots=True)
class ProfileRules:
    """Page limits as (default, most); `refused` maps an endpoint to the status and message it answers with."""

    search_limit: tuple[int, int]
    artist_albums_limit: tuple[int, int]
    hidden: Mapping[str, frozenset[str]]
    genres_field: str
    refused: Mapping[str, Refusal]

    def hides(self, kind: str) -> frozenset[str]:
        """The keys absent from objects of this kind: artist, album or track."""
        return self.hidden.get(kind, frozenset())


_FULL = ProfileRules(
    search_limit=(20, 50),
    artist_albums_limit=(20, 50),
    hidden={},
    genres_field="list",
    refused={"audio_features": _FORBIDDEN, "recommendations": _GONE},
)

PROFILE_RULES: Mapping[str, ProfileRules] = {
    "development": ProfileRules(
        search_limit=(5, 10),
        artist_albums_limit=(5, 10),
        hidden={
            "artist": frozenset({"followers", "popularity"}),
            "album": frozenset({"label", "popularity", "available_markets", "album_group"}),
            "track": frozenset({"popularity", "available_markets", "linked_from"}),
        },
        genres_field="mixed",
        refused={
            **dict.fromkeys(
                (
                    "artists",
                    "artist_top_tracks",
                    "albums",
                    "tracks",
                    "new_releases",
                    "categories",
                    "markets",
                    "audio_features",
                ),
                _FORBIDDEN,
            ),
            "artist_related": _GONE,
            "recommendations": _GONE,
        },
    ),
    "legacy": _FULL,
    "extended": _FULL,
}
