"""A simulated Spotify and the database collected from it, as comparable rows. Shared by tests of whole runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from pipeline.published.generations import open_generation
from pipeline.runs.progress import RunResult
from pipeline.runs.runner import DEFAULT_REQUEST, RunRequest, run_pipeline
from pipeline.settings import Settings
from pipeline.simulator.config import SimulatorConfig
from pipeline.simulator.server import Running, running
from pipeline.workspace import open_workspace

__all__ = ["collect", "database", "genre_names", "held", "running_world", "settings_for", "stable_tables"]

Rows = dict[str, list[tuple[Any, ...]]]
USUAL = {"profile": "extended", "artists": 8, "seed": 5, "now": "2026-03-10T12:00:00Z"}


@contextmanager
def running_world(**config: Any) -> Iterator[Running]:
    """A simulated Spotify: eight artists on a fixed day, or as said."""
    with running(SimulatorConfig(**USUAL | config)) as simulator:
        yield simulator


def settings_for(simulator: Any, data: Path, **changes: Any) -> Settings:
    """Settings that point at a simulator."""
    values: dict[str, Any] = {
        "data": data,
        "api_url": simulator.api_url,
        "token_url": simulator.token_url,
        "client_id": SecretStr("simulator"),
        "client_secret": SecretStr("simulator"),
        "genres": genre_names(simulator),
        "max_requests": 100_000,
        **changes,
    }
    return Settings.model_validate(values)


def genre_names(simulator: Any) -> tuple[str, ...]:
    """Every genre of the simulator's catalogue."""
    return tuple(simulator.catalog()["genres"])


def collect(simulator: Any, data: Path, request: RunRequest = DEFAULT_REQUEST, **changes: Any) -> RunResult:
    """One run over all the simulator holds."""
    return run_pipeline(settings_for(simulator, data, **changes), request)


def database(data: Path, name: str = "simulator") -> Rows:
    """Every published row by table, in a fixed order."""
    generation = open_generation(open_workspace(Settings(data=data, workspace=name)))
    return {
        table: sorted(generation.rows(f"SELECT {columns} FROM {table}"), key=repr)
        for table, columns in COMPARED.items()
    }


def held(truth: Mapping[str, Any], *, numbers: bool = True) -> Rows:
    """The rows that a complete collection of the simulator's truth has, in the order and columns of `database`."""
    own = {row["album_id"] for row in truth["credits"] if row["album_group"] != "appears_on"}
    day, artists = truth["on"], truth["artists"]
    albums = [row for row in truth["albums"] if row["album_id"] in own]
    tracks = [row for row in truth["tracks"] if row["album_id"] in own]
    numbers_of = {a["artist_id"]: (a["followers"], a["popularity"]) if numbers else (None, None) for a in artists}
    track_ids = {row["track_id"] for row in tracks}
    return {
        "artists": _sorted((a["artist_id"], a["name"], *numbers_of[a["artist_id"]]) for a in artists),
        "artist_snapshots": _sorted((a["artist_id"], day, *numbers_of[a["artist_id"]]) for a in artists),
        "artist_genres": _sorted((a["artist_id"], genre, "search") for a in artists for genre in a["genres"]),
        "releases": _sorted(tuple(row[name] for name in RELEASE) for row in albums),
        "release_artists": _sorted(
            (c["album_id"], c["artist_id"], c["position"]) for c in truth["album_artists"] if c["album_id"] in own
        ),
        "tracks": _sorted(tuple(row[name] for name in TRACK) for row in tracks),
        "track_artists": _sorted(
            (c["track_id"], c["artist_id"], c["position"]) for c in truth["track_artists"] if c["track_id"] in track_ids
        ),
    }


RELEASE = ("album_id", "name", "album_type", "release_date", "release_date_precision", "total_tracks")
TRACK = ("track_id", "album_id", "name", "disc_number", "track_number", "duration_ms", "explicit")
COMPARED = {
    "artists": "artist_id, name, followers, popularity",
    "artist_snapshots": "artist_id, observed_on::VARCHAR, followers, popularity",
    "artist_genres": "artist_id, genre, provenance",
    "releases": "album_id, name, album_type, release_date_text, release_date_precision, total_tracks",
    "release_artists": "album_id, artist_id, position",
    "tracks": "track_id, album_id, name, disc_number, track_number, duration_ms, explicit",
    "track_artists": "track_id, artist_id, position",
}


def stable_tables(rows: Rows) -> Rows:
    """The same rows but for `artist_genres` that Spotify itself gives: those depend on which endpoint was asked."""
    return {**rows, "artist_genres": [row for row in rows["artist_genres"] if row[2] == "search"]}


def _sorted(rows: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return sorted(set(rows), key=repr)
