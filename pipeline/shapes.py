"""The answers we read, declared once: what DuckDB is told to expect, and what a damaged line is walked against.

A leaf says what a value may be. `columns()` is the declaration as DuckDB types for the strict reader; `clean()` brings one parsed
line to that declaration and says what it had to drop. Imports nothing of ours.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

__all__ = ["ANSWERS", "MAX_LIST", "MAX_TEXT", "Leaf", "Shape", "clean", "columns"]

MAX_TEXT = 1000  # characters; the longest title known on Spotify has about 400
MAX_LIST = 50  # texts in a list of an object (genres)
_ID = re.compile(r"[0-9A-Za-z]{1,64}")  # base 62, 22 characters today [doc Spotify URIs and IDs]
_SURROGATES = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Leaf:
    """A value: its DuckDB type for the strict reader, and the bounds or the test it has to pass."""

    type: str
    low: int = 0
    high: int = 0
    test: Callable[[str], object] | None = None


Shape = Leaf | Mapping[str, Any] | list[Any]

TEXT = Leaf("VARCHAR")
ID = Leaf("VARCHAR", test=_ID.fullmatch)
LINK = Leaf("VARCHAR", test=re.compile(r"https?://").match)
DAY = Leaf("VARCHAR", test=lambda text: _is_day(text[:10]))
FLAG = Leaf("BOOLEAN")
COUNT = Leaf("BIGINT", 0, 2**63 - 1)
NUMBER = Leaf("INTEGER", 0, 2**31 - 1)
PLACE = Leaf("SMALLINT", 0, 2**15 - 1)
PERCENT = Leaf("SMALLINT", 0, 100)

_CREDIT = {"id": ID, "name": TEXT}
_LINKS = {"spotify": LINK}
_IMAGES = [{"url": LINK}]
_ARTIST = {
    "id": ID, "name": TEXT, "genres": [TEXT], "images": _IMAGES, "external_urls": _LINKS, "followers": {"total": COUNT}, "popularity": PERCENT,
}  # fmt: skip
_TRACK = {
    "id": ID, "name": TEXT, "disc_number": PLACE, "track_number": PLACE, "duration_ms": NUMBER, "explicit": FLAG, "popularity": PERCENT,
    "external_ids": {"isrc": TEXT}, "external_urls": _LINKS, "artists": [_CREDIT],
}  # fmt: skip


def _page(item: Shape) -> dict[str, Shape]:
    return {"items": [item], "total": NUMBER, "next": TEXT}


_ALBUM = {
    "id": ID, "name": TEXT, "album_type": TEXT, "release_date": TEXT, "release_date_precision": TEXT, "total_tracks": NUMBER, "label": TEXT,
    "popularity": PERCENT, "external_ids": {"upc": TEXT}, "images": _IMAGES, "external_urls": _LINKS, "artists": [_CREDIT],
    "tracks": _page(_TRACK),
}  # fmt: skip
_REQUEST = {
    "genre": TEXT, "sweep_on": DAY, "offset": NUMBER, "limit": NUMBER, "artist_id": ID, "group": TEXT, "album_id": ID,
}  # fmt: skip

# One line of a raw file: what was asked, and the answer under the name of its endpoint.
ANSWERS: dict[str, Shape] = {
    "fetched_at": DAY,
    "endpoint": TEXT,
    "unparsed": TEXT,
    "request": _REQUEST,
    "search": {"artists": _page(_ARTIST)},
    "artist": _ARTIST,
    "artists": {"artists": [_ARTIST]},
    "artist_albums": _page(_ALBUM),
    "album": _ALBUM,
    "albums": {"albums": [_ALBUM]},
    "album_tracks": _page(_TRACK),
}

# Where the objects of an answer are; what has no objects there says nothing.
OBJECTS = {
    "search": ("artists", "items"), "artist": (), "artists": ("artists",), "artist_albums": ("items",), "album": (), "albums": ("albums",),
    "album_tracks": ("items",),
}  # fmt: skip
# What the request must say for the rows to have their keys.
ASKED = {"search": ("genre", "sweep_on", "offset"), "artist_albums": ("artist_id", "group", "offset"), "album_tracks": ("album_id", "offset")}


def columns() -> dict[str, str]:
    """The declaration as DuckDB types, for `read_json(columns=…)`."""
    return {name: _type(shape) for name, shape in ANSWERS.items()}


def clean(line: Any) -> tuple[dict[str, Any] | None, list[str]]:
    """A parsed line brought to the declaration, or None when nothing of it can be used; and what was dropped, one reason each."""
    if not isinstance(line, dict):
        return None, ["the line is not an object"]
    endpoint = line.get("endpoint")
    if "unparsed" in line:
        return None, [f"{endpoint}: the answer is not JSON"]
    if not isinstance(endpoint, str) or endpoint not in OBJECTS:
        return None, ["the endpoint is unknown"]
    reasons: list[str] = []
    kept = {name: _fit(line.get(name), ANSWERS[name], name, reasons) for name in ("fetched_at", "endpoint", "request", endpoint)}
    asked = kept["request"] or {}
    lacking = [f"request.{name}" for name in ASKED.get(endpoint, ()) if asked.get(name) is None]
    lacking += [] if kept["fetched_at"] else ["fetched_at"]
    if lacking:
        return None, [*reasons, f"{endpoint}: no usable {', '.join(lacking)}"]
    if not _keep_identified(kept[endpoint], endpoint, reasons):
        return None, [*reasons, f"{endpoint}: the answer holds no list of objects"]
    return kept, reasons


def _keep_identified(answer: Any, endpoint: str, reasons: list[str]) -> bool:
    """Whether the answer has its objects; those without a usable id, and credits without one, are taken out."""
    for step in OBJECTS[endpoint]:
        answer = answer.get(step) if isinstance(answer, dict) else None
    if not OBJECTS[endpoint]:
        if not isinstance(answer, dict) or answer.get("id") is None:
            return False
        _thin(answer, endpoint, reasons)
        return True
    if not isinstance(answer, list):
        return False
    answer[:] = [item if _identified(item, f"{endpoint} item {place}", reasons) else None for place, item in enumerate(answer)]
    return True


def _identified(item: Any, where: str, reasons: list[str]) -> bool:
    if not isinstance(item, dict) or item.get("id") is None:
        reasons.append(f"{where}: no usable id")
        return False
    _thin(item, where, reasons)
    return True


def _thin(item: dict[str, Any], where: str, reasons: list[str]) -> None:
    if isinstance(item.get("artists"), list):
        item["artists"] = [credit for credit in item["artists"] if _identified(credit, f"{where} credit", reasons)]
    tracks = item.get("tracks")
    if isinstance(tracks, dict) and isinstance(tracks.get("items"), list):
        tracks["items"] = [track if _identified(track, f"{where} track", reasons) else None for track in tracks["items"]]


def _type(shape: Shape) -> str:
    if isinstance(shape, Leaf):
        return shape.type
    if isinstance(shape, list):
        return f"{_type(shape[0])}[]"
    return "STRUCT(" + ", ".join(f'"{name}" {_type(inner)}' for name, inner in shape.items()) + ")"


def _fit(value: Any, shape: Shape, where: str, reasons: list[str]) -> Any:
    if value is None:
        return None
    if isinstance(shape, Leaf):
        return _fit_leaf(value, shape, where, reasons)
    if isinstance(shape, list):
        if isinstance(value, list):
            return _fit_list(value, shape[0], where, reasons)
    elif isinstance(value, dict):
        return {name: _fit(value.get(name), inner, f"{where}.{name}", reasons) for name, inner in shape.items()}
    reasons.append(f"{where}: {_kind(value)} where {'a list' if isinstance(shape, list) else 'an object'} belongs")
    return None


def _fit_list(value: list[Any], inner: Shape, where: str, reasons: list[str]) -> list[Any]:
    fitted = [_fit(item, inner, f"{where}[]", reasons) for item in value]
    if not isinstance(inner, Leaf):
        return fitted
    if len(fitted) > MAX_LIST:
        reasons.append(f"{where}: {len(fitted)} entries, cut to {MAX_LIST}")
    return [item for item in fitted if item is not None][:MAX_LIST]


def _fit_leaf(value: Any, leaf: Leaf, where: str, reasons: list[str]) -> Any:
    if isinstance(value, (dict, list)):
        reasons.append(f"{where}: {_kind(value)} where a value belongs")
        return None
    if leaf.type == "VARCHAR":
        return _fit_text(value, leaf, where, reasons)
    fitted = _flag(value) if leaf.type == "BOOLEAN" else _integer(value)
    if fitted is None or (leaf.type != "BOOLEAN" and not leaf.low <= fitted <= leaf.high):
        reasons.append(f"{where}: {_short(value)} is not {'true or false' if leaf.type == 'BOOLEAN' else f'from {leaf.low} to {leaf.high}'}")
        return None
    return fitted


def _fit_text(value: Any, leaf: Leaf, where: str, reasons: list[str]) -> str | None:
    text = value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else repr(value)
    whole = _SURROGATES.sub("\ufffd", text.replace("\x00", ""))
    if whole != text:
        reasons.append(f"{where}: characters that no text can hold, taken out")
    if len(whole) > MAX_TEXT:
        reasons.append(f"{where}: {len(whole)} characters, cut to {MAX_TEXT}")
        whole = whole[:MAX_TEXT]
    if leaf.test and not leaf.test(whole):
        reasons.append(f"{where}: {_short(whole)} is not usable there")
        return None
    return whole


def _integer(value: Any) -> int | None:
    """As DuckDB's reader would convert: a number in text counts, a fraction is rounded half away from zero."""
    if isinstance(value, int):
        return int(value)
    try:
        number = float(value)
    except ValueError:
        return None
    return int(math.copysign(math.floor(abs(number) + 0.5), number)) if math.isfinite(number) else None


def _flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else {"true": True, "false": False, "1": True, "0": False}.get(str(value).lower())


def _kind(value: Any) -> str:
    return "an object" if isinstance(value, dict) else "a list" if isinstance(value, list) else _short(value)


def _short(value: Any) -> str:
    shown = ascii(value)
    return shown if len(shown) <= 40 else shown[:37] + "..."


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).year > 0 and len(text) == 10
    except ValueError:
        return False
