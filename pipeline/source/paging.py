"""Which call follows an answer: the next page of a list, or the tracks that an album did not embed.

Pure functions over any JSON value. Imports `calls` and `sightings`.
"""

from __future__ import annotations

from typing import Any

from pipeline.source.calls import Call
from pipeline.source.sightings import items_at

__all__ = ["SEARCH_CAP", "following"]

# A search gives no artist beyond this offset, though `next` is still handed out (checked 2026-11-22).
SEARCH_CAP = 1_000
TRACKS_PER_PAGE = 50


def following(call: Call, data: Any) -> list[Call]:
    """The calls that an answer asks for: none where it ends, on an empty page, or where it is of another shape.

    A call may say `follow: False` (its pages are asked one by one), or give a `known_total`: the same total means that
    nothing is new behind the first page.
    """
    match call.endpoint:
        case "search":
            return _next_page(call, data, ("artists",), cap=SEARCH_CAP)
        case "artist_albums" | "album_tracks":
            return _next_page(call, data, ())
        case "album":
            return _unembedded_tracks(items_at(data))
        case "albums":
            return _unembedded_tracks(items_at(data, "albums"))
        case _:
            return []


def _next_page(call: Call, data: Any, path: tuple[str, ...], cap: int | None = None) -> list[Call]:
    page, params = next(iter(items_at(data, *path)), {}), dict(call.params)
    known_total = params.pop("known_total", None)
    if (
        not _continues(page)
        or not params.get("follow", True)
        or (known_total is not None and page.get("total") == known_total)
    ):
        return []
    offset, limit = params["offset"] + params["limit"], params["limit"]
    if cap is not None:
        limit = min(limit, cap - offset)  # the last page ends at the cap
    return [Call(call.endpoint, {**params, "offset": offset, "limit": limit})] if limit > 0 else []


def _unembedded_tracks(albums: list[dict[str, Any]]) -> list[Call]:
    calls = []
    for album in albums:
        page, album_id = next(iter(items_at(album, "tracks")), {}), album.get("id")
        if isinstance(album_id, str) and _continues(page):
            size = page.get("limit")
            offset = size if isinstance(size, int) and 0 < size <= TRACKS_PER_PAGE else len(page["items"])
            calls.append(Call("album_tracks", {"album_id": album_id, "offset": int(offset), "limit": TRACKS_PER_PAGE}))
    return calls


def _continues(page: dict[str, Any]) -> bool:
    items = page.get("items")
    return page.get("next") is not None and isinstance(items, list) and bool(items)
