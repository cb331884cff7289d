"""A plain script, as one is written in an evening: spotipy one call after the other, pandas, JSON files, SQLite.

It stands beside the pipeline in the benchmark and is used by nothing else. It catches what it can: an error costs the
genre or the artist at hand. Arguments: API address, token address, output folder; genres as JSON on standard input.
"""

from __future__ import annotations

import json
import sqlite3
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import spotipy
from spotipy.cache_handler import MemoryCacheHandler
from spotipy.oauth2 import SpotifyClientCredentials

ALBUMS_PER_CALL = 20
Rows = dict[str, list[dict[str, Any]]]


def main(api_url: str, token_url: str, folder: Path, genres: list[str]) -> None:
    """Collect genre by genre; after each one a JSON file and rows in SQLite."""
    credentials = SpotifyClientCredentials("simulator", "simulator", cache_handler=MemoryCacheHandler())
    credentials.OAUTH_TOKEN_URL = token_url
    client = spotipy.Spotify(auth_manager=credentials)
    client.prefix = api_url
    known: set[str] = set()
    with sqlite3.connect(folder / "spotify.db") as database:
        for number, genre in enumerate(genres):
            try:
                rows = collect(client, genre, known)
            except Exception as error:  # noqa: BLE001  as such scripts do: say so and go on
                sys.stderr.write(f"{genre}: {error}\n")
                continue
            (folder / f"batch_{number:03d}.json").write_text(json.dumps(rows, indent=2), encoding="utf-8")
            for table, found in rows.items():
                if found:
                    pd.json_normalize(found, sep="_").astype(str).to_sql(table, database, if_exists="append")
    (folder / "kept.json").write_text(json.dumps(kept(folder / "spotify.db")), encoding="utf-8")


def collect(client: Any, genre: str, known: set[str]) -> Rows:
    """Artists of a genre; releases and tracks of those not yet seen under another one."""
    rows: Rows = {"artists": [], "releases": [], "tracks": []}
    for artist in pages(client, client.search(f'genre:"{genre}"', limit=50, type="artist"), "artists"):
        rows["artists"].append(flat(artist, "followers_total", artist["followers"]["total"]))
        if artist["id"] in known:
            continue
        known.add(artist["id"])
        try:
            albums = pages(client, client.artist_albums(artist["id"], "album,single,compilation", limit=50), None)
            rows["releases"] += [flat(album, "artist_id", artist["id"]) for album in albums]
            rows["tracks"] += tracks(client, [album["id"] for album in albums])
        except Exception as error:  # noqa: BLE001  the same, one artist at a time
            sys.stderr.write(f"{artist['name']}: {error}\n")
    return rows


def pages(client: Any, page: Any, key: str | None) -> list[dict[str, Any]]:
    """Every item of a list and of its following pages."""
    page, items = page[key] if key else page, []
    while page:
        items += page["items"]
        following = client.next(page)
        page = following[key] if following and key else following
    return items


def tracks(client: Any, ids: list[str]) -> list[dict[str, Any]]:
    """The tracks that releases embed, and those behind."""
    found = []
    for start in range(0, len(ids), ALBUMS_PER_CALL):
        for album in client.albums(ids[start : start + ALBUMS_PER_CALL])["albums"]:
            found += [flat(track, "album_id", album["id"]) for track in pages(client, album["tracks"], None)]
    return found


def flat(item: dict[str, Any], name: str, value: object) -> dict[str, Any]:
    """The plain values of an item and one more."""
    return {key: each for key, each in item.items() if not isinstance(each, dict | list)} | {name: value}


def kept(path: Path) -> dict[str, list[str]]:
    """Ids in the database, each once."""
    with sqlite3.connect(path) as database:
        tables = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {
            table: [row[0] for row in database.execute(f"SELECT DISTINCT id FROM {table}")]
            for table in ("artists", "releases", "tracks")
            if table in tables
        }


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), json.load(sys.stdin))
