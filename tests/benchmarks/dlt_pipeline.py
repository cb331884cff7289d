"""A dlt pipeline of REST resources into DuckDB, declared as dlt's own guide does; runs in an environment of its own.

It stands beside the pipeline in the benchmark and is used by nothing else. Arguments: API address, token address,
output folder; genres as JSON on standard input.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dlt
import duckdb
from dlt.sources.helpers.rest_client.auth import OAuth2ClientCredentials
from dlt.sources.rest_api import rest_api_source

TIMEOUT_S = 5


def main(api_url: str, token_url: str, folder: Path, genres: list[str]) -> None:
    """One load of everything; whatever happens, `kept.json` says what the database holds afterwards."""
    os.environ |= {"RUNTIME__REQUEST_TIMEOUT": str(TIMEOUT_S), "RUNTIME__DLTHUB_TELEMETRY": "false"}
    path = folder / "collected.duckdb"
    pipeline = dlt.pipeline(
        "spotify",
        pipelines_dir=str(folder / "dlt"),
        destination=dlt.destinations.duckdb(str(path)),
        dataset_name="spotify",
    )
    try:
        pipeline.run(rest_api_source(declaration(api_url, token_url, genres)))
    finally:
        (folder / "kept.json").write_text(json.dumps(kept(path)), encoding="utf-8")


def declaration(api_url: str, token_url: str, genres: list[str]) -> Any:
    """Searches, releases of each artist, tracks of each release; what came twice is asked for once."""
    credentials = OAuth2ClientCredentials(
        access_token_url=token_url,
        client_id="simulator",
        client_secret="simulator",
        access_token_request_data={"client_id": "simulator", "client_secret": "simulator"},
    )

    @dlt.resource(name="genres")
    def listed() -> Iterator[list[dict[str, str]]]:
        yield [{"name": genre} for genre in genres]

    search = {"q": 'genre:"{resources.genres.name}"', "type": "artist", "limit": 50}
    groups = {"include_groups": "album,single,compilation", "limit": 50}
    return {
        "client": {"base_url": api_url, "auth": credentials},
        "resource_defaults": {"primary_key": "id", "write_disposition": "merge"},
        "resources": [
            listed(),
            resource("artists", "search", search, "artists.next", "artists.items"),
            resource("releases", "artists/{resources.artists.id}/albums", groups, "next", "items"),
            resource("tracks", "albums/{resources.releases.id}/tracks", {"limit": 50}, "next", "items"),
        ],
    }


def resource(name: str, path: str, params: dict[str, Any], following: str, items: str) -> dict[str, Any]:
    """A resource whose pages are linked."""
    paginator = {"type": "json_link", "next_url_path": following}
    endpoint = {"path": path, "params": params, "paginator": paginator, "data_selector": items}
    return {
        "name": name,
        "endpoint": endpoint,
        "processing_steps": [{"filter": first_time()}, {"map": without_markets}],
    }


def first_time() -> Callable[[dict[str, Any]], bool]:
    """True for an item whose id was not met before."""
    seen: set[str] = set()

    def is_new(item: dict[str, Any]) -> bool:
        return not (item["id"] in seen or seen.add(item["id"]))

    return is_new


def without_markets(item: dict[str, Any]) -> dict[str, Any]:
    """The item without its list of countries, which would become a table of many rows for each release and track."""
    return {key: value for key, value in item.items() if key != "available_markets"}


def kept(path: Path) -> dict[str, list[str]]:
    """Ids in the database, each once."""
    with duckdb.connect(str(path)) as database:
        tables = database.execute("SELECT table_name FROM information_schema.tables").fetchall()
        return {
            table: [row[0] for row in database.execute(f"SELECT DISTINCT id FROM spotify.{table}").fetchall()]
            for table in ("artists", "releases", "tracks")
            if (table,) in tables
        }


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), json.load(sys.stdin))
