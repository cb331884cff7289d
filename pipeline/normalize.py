"""Raw answers → typed rows: one read of the file, then one SQL file per lake table; the same for live batches and for replay.

The strict reader is DuckDB's, told what to expect. Where it fails, or takes what is not as declared, the lines are walked one by
one in Python, brought to the declaration, and go through the very same SQL; what was dropped is counted with line and reason.
Owns its DuckDB connection. Imports `shapes` and `schema`.
"""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path

import duckdb
import pyarrow as pa
import zstandard

from pipeline.schema import LAKE
from pipeline.shapes import clean, columns

__all__ = ["Normalized", "Normalizer"]

_ARTISTS, _ALBUMS, _TRACKS = ("search", "artist", "artists"), ("artist_albums", "album", "albums"), ("album", "albums", "album_tracks")
# Which answers a table is read from, so that a batch runs the SQL of its own kind alone.
_SOURCES = {
    "artists": _ARTISTS, "artist_snapshots": _ARTISTS, "artist_genres": _ARTISTS, "releases": _ALBUMS, "release_artists": _ALBUMS,
    "tracks": _TRACKS, "track_artists": _TRACKS, "search_pages": ("search",), "release_pages": ("artist_albums",), "album_pages": _TRACKS,
}  # fmt: skip
_OBJECTS = {"artist": _ARTISTS, "album": (*_ALBUMS, "album_tracks"), "track": _TRACKS}  # pages of tracks join the embedded ones
_MAX_REJECTS = 1000  # per file: enough to see what is wrong, little enough to store


@dataclass(frozen=True)
class Normalized:
    """What one or more raw files gave: lake tables without empty ones, and what was dropped (line from 1, reason)."""

    tables: dict[str, pa.Table] = field(default_factory=dict)
    rejects: tuple[tuple[int, str], ...] = ()

    @property
    def rows(self) -> int:
        """Rows of all tables together."""
        return sum(table.num_rows for table in self.tables.values())


class Normalizer:
    """A DuckDB connection that turns raw files into lake tables; for one thread at a time."""

    def __init__(self) -> None:
        self._con = duckdb.connect(config={"threads": 1})
        self._con.execute(_sql("setup"))

    def close(self) -> None:
        """Let go of the connection."""
        self._con.close()

    def tables(self, paths: Sequence[Path]) -> Normalized:
        """The lake tables of these files, sorted by their keys, unique by key and day; raises nothing for content of any kind."""
        try:
            endpoints = self._load([str(path) for path in paths], "zstd")
        except duckdb.Error:
            endpoints = None
        if endpoints is not None:
            return Normalized(self._select(endpoints))
        with tempfile.TemporaryDirectory(prefix="garimpo-") as folder:
            mended = Path(folder) / "mended.jsonl"
            rejects = _write_mended(paths, mended)
            self._load([str(mended)], "none", trusted=True)
            return Normalized(self._select(set(_ENDPOINTS)), rejects)

    def _load(self, paths: list[str], compression: str, *, trusted: bool = False) -> set[str] | None:
        """Fill the object tables; the endpoints found, or None when something is not as declared."""
        source = f"read_json($paths, format='newline_delimited', compression='{compression}', columns=$columns)"
        self._con.execute(_sql("answers").replace("{source}", source), {"paths": paths, "columns": columns()})
        overview = self._con.execute(_sql("overview")).fetchall()
        endpoints = {row[0] for row in overview}
        if not trusted and (endpoints - set(_ENDPOINTS) or any(row[1] for row in overview)):
            return None
        for place, (kind, sources) in enumerate(_OBJECTS.items()):
            if not trusted and endpoints.isdisjoint(sources):
                continue
            self._con.execute(_sql(f"{kind}_objects"))
            if not trusted and self._con.execute(_sql(f"{kind}_doubts")).fetchall() != [(sum(row[2 + place] for row in overview), 0)]:
                return None
        return endpoints

    def _select(self, endpoints: set[str]) -> dict[str, pa.Table]:
        found = {}
        for name, sources in _SOURCES.items():
            if not endpoints.isdisjoint(sources):
                table = self._con.sql(_typed(name)).to_arrow_table()
                if table.num_rows:
                    found[name] = table
        return found


_ENDPOINTS = tuple(dict.fromkeys(endpoint for sources in _SOURCES.values() for endpoint in sources))


@cache
def _sql(name: str) -> str:
    return files("pipeline").joinpath("sql", "normalize", f"{name}.sql").read_text(encoding="utf-8")


@cache
def _typed(name: str) -> str:
    """A table's SELECT with the columns and types of the schema, sorted by its key."""
    listed = ", ".join(f'"{column.name}"::{column.type} AS "{column.name}"' for column in LAKE[name].columns)
    return f"SELECT {listed} FROM ({_sql(name)}) ORDER BY {', '.join(LAKE[name].key)}"


def _write_mended(paths: Sequence[Path], target: Path) -> tuple[tuple[int, str], ...]:
    rejects: list[tuple[int, str]] = []
    with target.open("w", encoding="utf-8", newline="\n") as out:
        for path in paths:
            for number, text in _lines(path):
                kept, reasons = _mend(text)
                rejects += [(number, reason) for reason in reasons]
                if kept is not None:
                    out.write(json.dumps(kept, ensure_ascii=False) + "\n")
    if len(rejects) > _MAX_REJECTS:
        rejects[_MAX_REJECTS:] = [(0, f"and {len(rejects) - _MAX_REJECTS} more")]
    return tuple(rejects)


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    with path.open("rb") as packed:
        reader = zstandard.ZstdDecompressor().stream_reader(packed, read_across_frames=True)
        yield from enumerate(io.TextIOWrapper(reader, encoding="utf-8", errors="replace", newline="\n"), 1)


def _mend(text: str) -> tuple[dict[str, object] | None, list[str]]:
    if not text.strip():
        return None, []
    try:
        return clean(json.loads(text))
    except (ValueError, RecursionError):  # json.JSONDecodeError is a ValueError; so are integers of more than 4,300 digits
        return None, ["the line is not JSON"]
