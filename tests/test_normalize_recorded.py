"""Answers recorded from the real service, where they are present: they give rows and no rejects."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.payloads import line, normalized, rows

RECORDED = Path(__file__).parent.parent.parent / "shared" / "recorded"
pytestmark = pytest.mark.skipif(not RECORDED.is_dir(), reason="no recorded answers beside the repository")


def recorded(name: str) -> Any:
    """A recorded body."""
    return json.loads((RECORDED / f"{name}.json").read_text(encoding="utf-8"))


def test_recorded_artists(tmp_path: Path, small: int):
    """An artist, and lists of artists, keep name, followers, popularity and genres value for value."""
    objects = [recorded("artist"), *recorded("followed_artists")["artists"]["items"], *recorded("top_artists")["items"]]
    found = normalized(tmp_path, line("artists", {"artists": objects}), small=small)
    numbers = {item["id"]: (item["followers"]["total"], item["popularity"]) for item in reversed(objects)}
    assert found.rejects == ()
    assert {row[0]: row[2:] for row in rows(found, "artist_snapshots")} == numbers
    genres = {(item["id"], genre) for item in objects for genre in item["genres"]}
    assert set(rows(found, "artist_genres", "artist_id", "genre")) == genres


def test_recorded_releases(tmp_path: Path, small: int):
    """A page of an artist's releases keeps each with its date and credits."""
    page = recorded("artist_albums")
    asked = {"artist_id": "0TnOYISbd1XYRBk9myaseg", "group": "album", "offset": 0, "limit": 48}
    found = normalized(tmp_path, line("artist_albums", page, **asked), small=small)
    assert found.rejects == ()
    dates = {item["id"]: item["release_date"] for item in page["items"]}
    assert dict(rows(found, "releases", "album_id", "release_date_text")) == dates
    assert all(day is not None for (day,) in rows(found, "releases", "release_date"))
    credited = {(item["id"], credit["id"]) for item in page["items"] for credit in item["artists"]}
    assert set(rows(found, "release_artists", "album_id", "artist_id")) == credited


def test_recorded_tracks(tmp_path: Path, small: int):
    """A full album and a page of tracks keep each track with its credits."""
    album, page = recorded("get_album"), recorded("album_tracks")
    lines = (
        line("album", album, id=album["id"]),
        line("album_tracks", page, album_id="4aawyAB9vmqN3uQ7FjRGTy", offset=0),
    )
    found = normalized(tmp_path, *lines, small=small)
    assert found.rejects == ()
    items = [*album["tracks"]["items"], *page["items"]]
    assert set(rows(found, "tracks", "track_id", "duration_ms")) == {
        (item["id"], item["duration_ms"]) for item in items
    }
    credited = {(item["id"], credit["id"]) for item in items for credit in item["artists"]}
    assert set(rows(found, "track_artists", "track_id", "artist_id")) == credited
