"""The SQL files between the table `answers` and the lake tables: what each is read from, and in which order they run.

The same for a batch and for a replay; how `answers` comes to be is the readers' own. Imports `schema`.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from importlib.resources import files

from pipeline.schema import LAKE

__all__ = ["KINDS", "needed", "select", "sorted_select"]

_SEARCH, _ARTISTS, _ALBUMS = {"search"}, {"search", "artist", "artists"}, {"artist_albums", "album", "albums"}
_TRACKS = {"album", "albums", "album_tracks"}
# Which answers a lake table is read from, so that a batch runs the SQL of its own kind alone.
_LAKE_TABLES: dict[str, set[str]] = {
    "artists": _ARTISTS,
    "artist_snapshots": _ARTISTS,
    "artist_genres": _ARTISTS,
    "releases": _ALBUMS,
    "release_artists": _ALBUMS,
    "tracks": _TRACKS,
    "track_artists": _TRACKS,
    "search_pages": _SEARCH,
    "release_pages": {"artist_albums"},
    "album_pages": _TRACKS,
}
# Kinds of objects, each unnested into a table between answers and lake tables; tracks come out of albums too, hence the
# order.
KINDS = {"artist": _ARTISTS, "album": _ALBUMS | _TRACKS, "track": _TRACKS}


def needed(endpoints: Collection[str]) -> tuple[list[str], list[str]]:
    """Kinds of objects that answers of these endpoints hold, and the lake tables that they give rows of."""
    kinds, lake = (
        [name for name, sources in tables.items() if not sources.isdisjoint(endpoints)]
        for tables in (KINDS, _LAKE_TABLES)
    )
    return kinds, lake


@cache
def select(name: str) -> str:
    """The text of an SQL file."""
    return files("pipeline").joinpath("sql", "normalize", f"{name}.sql").read_text(encoding="utf-8")


@cache
def sorted_select(name: str) -> str:
    """A lake table's SELECT with place of file, columns and types of the schema, sorted by file and key."""
    listed = ", ".join(f'"{column.name}"::{column.type} AS "{column.name}"' for column in LAKE[name].columns)
    return f"SELECT file, {listed} FROM ({select(name)}) ORDER BY {', '.join(('file', *LAKE[name].key))}"
