"""The answers we read, declared once: what DuckDB is told to expect, and what a doubtful line is walked against.

Only what becomes a column is declared; every other field of an answer stays in the raw file alone. Imports nothing of
ours.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa

__all__ = ["ANSWERS", "ANSWER_ROW", "ASKED", "OBJECTS", "First", "Leaf", "Shape", "arrow_type", "duckdb_type"]

_BASE62 = re.compile(r"[0-9A-Za-z]{1,64}")  # ids have 22 of them today [doc, Spotify URIs and IDs]
_HTTP = re.compile(r"https?://")


@dataclass(frozen=True)
class Leaf:
    """A value: its type, and the bounds or the test it has to pass."""

    type: str
    low: int = 0
    high: int = 0
    test: Callable[[str], object] | None = None


Shape = Leaf | Mapping[str, Any] | list[Any]


class First(list[Any]):
    """A list whose first item becomes columns: the others are not looked at, whatever they are."""


def _is_day(text: str) -> bool:
    try:
        return bool(date.fromisoformat(text[:10]))
    except ValueError:
        return False


TEXT = Leaf("VARCHAR")
ID = Leaf("VARCHAR", test=_BASE62.fullmatch)
LINK = Leaf("VARCHAR", test=_HTTP.match)
DAY = Leaf("VARCHAR", test=_is_day)
FLAG = Leaf("BOOLEAN", 0, 1)
COUNT = Leaf("BIGINT", 0, 2**40)  # far more than there are people, and sums of eight million such numbers fit
NUMBER = Leaf("INTEGER", 0, 2**31 - 1)
PLACE = Leaf("SMALLINT", 0, 2**15 - 1)
PERCENT = Leaf("SMALLINT", 0, 100)


def _page(item: Shape) -> dict[str, Shape]:
    return {"items": [item], "total": NUMBER, "next": TEXT}


_LINKS = {"spotify": LINK}
_IMAGES = First([{"url": LINK}])  # "the cover art in various sizes, widest first" [doc, OpenAPI]
_CREDITS = [{"id": ID, "name": TEXT}]
_ARTIST = {
    "id": ID,
    "name": TEXT,
    "genres": [TEXT],
    "images": _IMAGES,
    "external_urls": _LINKS,
    "followers": {"total": COUNT},
    "popularity": PERCENT,
}
_TRACK = {
    "id": ID,
    "name": TEXT,
    "disc_number": PLACE,
    "track_number": PLACE,
    "duration_ms": NUMBER,
    "explicit": FLAG,
    "popularity": PERCENT,
    "external_ids": {"isrc": TEXT},
    "external_urls": _LINKS,
    "artists": _CREDITS,
}
_ALBUM = {
    "id": ID,
    "name": TEXT,
    "album_type": TEXT,
    "release_date": TEXT,
    "release_date_precision": TEXT,
    "total_tracks": NUMBER,
    "label": TEXT,
    "popularity": PERCENT,
    "external_ids": {"upc": TEXT},
    "images": _IMAGES,
    "external_urls": _LINKS,
    "artists": _CREDITS,
    "tracks": _page(_TRACK),
}

# One line of a raw file: when, what was asked, and the answer under the name of its endpoint.
ANSWERS: dict[str, Shape] = {
    "fetched_at": DAY,
    "endpoint": TEXT,
    "request": {
        "genre": TEXT,
        "sweep_on": DAY,
        "offset": NUMBER,
        "limit": NUMBER,
        "artist_id": ID,
        "group": TEXT,
        "album_id": ID,
        "known_total": NUMBER,
    },
    "unparsed": TEXT,
    "search": {"artists": _page(_ARTIST)},
    "artist": _ARTIST,
    "artists": {"artists": [_ARTIST]},
    "artist_albums": _page(_ALBUM),
    "album": _ALBUM,
    "albums": {"albums": [_ALBUM]},
    "album_tracks": _page(_TRACK),
}

# Where an answer's objects are, and of which kind; an answer without them says nothing.
OBJECTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "search": ("artists", ("artists", "items")),
    "artist": ("artists", ()),
    "artists": ("artists", ("artists",)),
    "artist_albums": ("albums", ("items",)),
    "album": ("albums", ()),
    "albums": ("albums", ("albums",)),
    "album_tracks": ("tracks", ("items",)),
}
# What the request must say for the rows to have their keys.
ASKED = {
    "search": ("genre", "sweep_on", "offset"),
    "artist_albums": ("artist_id", "group", "offset"),
    "album_tracks": ("album_id", "offset"),
}
# The table `answers` that every SQL file of sql/normalize starts from: one row per answer.
ANSWER_ROW: dict[str, Shape] = {
    "file": NUMBER,
    "line": NUMBER,
    "endpoint": TEXT,
    "observed_on": Leaf("DATE"),
    "genre": TEXT,
    "sweep_on": Leaf("DATE"),
    "artist_id": ID,
    "album_group": TEXT,
    "album_id": ID,
    "page_offset": NUMBER,
    "page_limit": NUMBER,
    "known_total": NUMBER,
    "total": NUMBER,
    "returned": NUMBER,
    "nothing_next": FLAG,
    "artists": [_ARTIST],
    "albums": [_ALBUM],
    "tracks": [_TRACK],
}

_ARROW = {
    "VARCHAR": pa.string(),
    "BIGINT": pa.int64(),
    "INTEGER": pa.int32(),
    "SMALLINT": pa.int16(),
    "BOOLEAN": pa.bool_(),
    "DATE": pa.date32(),
}


def duckdb_type(shape: Shape) -> str:
    """The declaration as a DuckDB type."""
    if isinstance(shape, Leaf):
        return shape.type
    if isinstance(shape, list):
        return f"{duckdb_type(shape[0])}[]"
    return "STRUCT(" + ", ".join(f'"{name}" {duckdb_type(inner)}' for name, inner in shape.items()) + ")"


def arrow_type(shape: Shape) -> Any:
    """The declaration as an Arrow type."""
    if isinstance(shape, Leaf):
        return _ARROW[shape.type]
    if isinstance(shape, list):
        return pa.list_(arrow_type(shape[0]))
    return pa.struct([(name, arrow_type(inner)) for name, inner in shape.items()])
