"""The answers of the extended profile against the API's published description."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

Simulate = Callable[..., Any]
DESCRIPTION = Path(__file__).resolve().parents[3] / "shared" / "spotify-openapi.yml"
SCHEMAS = "#/components/schemas/"

pytestmark = pytest.mark.skipif(not DESCRIPTION.exists(), reason="the API's description is not beside the repository")


@pytest.fixture(scope="session")
def description() -> dict[str, Any]:
    """The description as JSON Schema: what may be null says so in its type."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found: dict[str, Any] = nullable(yaml.load(DESCRIPTION.read_text(encoding="utf-8"), loader))  # noqa: S506 - a safe loader
    return found


def nullable(node: Any) -> Any:
    """OpenAPI's `nullable: true` as JSON Schema's type list."""
    if isinstance(node, list):
        return [nullable(part) for part in node]
    if not isinstance(node, dict):
        return node
    node = {key: nullable(part) for key, part in node.items()}
    if node.get("nullable") is True and isinstance(node.get("type"), str):
        node["type"] = [node["type"], "null"]
    return node


def known_fields(description: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """The fields an object of this schema may have, with their schemas."""
    if "$ref" in schema:
        schema = description["components"]["schemas"][schema["$ref"].removeprefix(SCHEMAS)]
    fields: dict[str, Any] = {}
    for part in schema.get("allOf", []):
        fields |= known_fields(description, part)
    return fields | schema.get("properties", {})


def unknown_fields(description: dict[str, Any], schema: dict[str, Any], value: Any, where: str = "") -> list[str]:
    """The paths of fields the description does not know."""
    if isinstance(value, list):
        return [
            path for item in value for path in unknown_fields(description, schema.get("items", {}), item, where + "[]")
        ]
    if not isinstance(value, dict):
        return []
    fields = known_fields(description, schema)
    unknown = [f"{where}.{key}" for key in value if key not in fields]
    for key in value.keys() & fields.keys():
        unknown += unknown_fields(description, fields[key], value[key], f"{where}.{key}")
    return unknown


def answers(site: Any) -> dict[str, Any]:
    """An answer of each endpoint by the name of its response in the description."""
    truth = site.simulator.truth(genres=("samba", "hip hop"))
    artist_id = next(row["artist_id"] for row in truth["credits"] if row["album_group"] == "appears_on")
    album_id = max(truth["albums"], key=lambda row: row["total_tracks"])["album_id"]
    track_ids = ",".join(row["track_id"] for row in truth["tracks"][:5])
    return {
        "SearchItems": site.json("search", q="genre:samba", type="artist"),
        "OneArtist": site.json(f"artists/{artist_id}"),
        "ManyArtists": site.json("artists", ids=artist_id),
        "PagingArtistDiscographyAlbumObject": site.json(f"artists/{artist_id}/albums", limit=50),
        "ManyTracks": site.json("tracks", ids=track_ids),
        "OneAlbum": site.json(f"albums/{album_id}"),
        "ManyAlbums": site.json("albums", ids=album_id),
        "PagingSimplifiedTrackObject": site.json(f"albums/{album_id}/tracks", limit=50),
        "OneTrack": site.json(f"tracks/{track_ids[:22]}"),
        "PagedAlbums": site.json("browse/new-releases", limit=50),
        "PagedCategories": site.json("browse/categories"),
        "Markets": site.json("markets"),
    }


def test_answers_fit_the_description(simulate: Simulate, description: dict[str, Any]) -> None:
    """Every answer validates, and has no field the description does not know."""
    for name, answer in answers(simulate()).items():
        schema = description["components"]["responses"][name]["content"]["application/json"]["schema"]
        jsonschema.validate(answer, {"components": description["components"], **schema})
        assert unknown_fields(description, schema, answer) == [], name


def test_errors_fit_the_description(simulate: Simulate, description: dict[str, Any]) -> None:
    """Error bodies are error objects."""
    site = simulate(window_requests=3)
    schema = {"components": description["components"], "$ref": f"{SCHEMAS}ErrorObject"}
    for path, status in (("artists/x", 400), ("nonsense", 404), ("recommendations", 404), ("markets", 429)):
        answer = site.get(path)
        assert answer.status_code == status
        jsonschema.validate(answer.json()["error"], schema)


def test_validation_would_notice(simulate: Simulate, description: dict[str, Any]) -> None:
    """A wrong type or an unknown field does not pass."""
    answer = simulate().json("search", q="genre:samba", type="artist")
    schema = description["components"]["responses"]["SearchItems"]["content"]["application/json"]["schema"]
    answer["artists"]["items"][0]["mood"] = 1
    assert unknown_fields(description, schema, answer) == [".artists.items[].mood"]
    answer["artists"]["items"][0]["popularity"] = "high"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(answer, {"components": description["components"], **schema})
