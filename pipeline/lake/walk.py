"""One parsed line of a raw file, walked value by value against its declaration: what fits is kept, the rest is told.

Takes any JSON there is. Conversions are those of DuckDB's reader: a number in text counts as a number, a number where
text belongs becomes text, true is 1. Imports `shapes`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from functools import cache
from typing import Any, cast

from pipeline.lake.shapes import ANSWERS, ASKED, OBJECTS, First, Leaf, Shape

__all__ = ["MAX_LIST", "MAX_TEXT", "walk"]

MAX_TEXT = 1000  # characters
MAX_LIST = 50  # texts in one list: genres
Fit = Callable[[Any, list[str]], Any]
_SURROGATES = re.compile("[\ud800-\udfff]")


def walk(line: Any) -> tuple[dict[str, Any] | None, list[str]]:
    """The line as a row of `answers` without its number, None when nothing of it can be used; and what was dropped.

    One reason for each thing dropped, naming its place and its value, shortened.
    """
    if not isinstance(line, dict):
        return None, ["the line is not an object"]
    endpoint = line.get("endpoint")
    if not isinstance(endpoint, str) or endpoint not in OBJECTS:
        return None, ["the endpoint is unknown"]
    if line.get("unparsed") is not None:
        return None, [f"{endpoint}: the answer is not JSON"]
    reasons: list[str] = []
    day, asked, answer = (_fit(name)(line.get(name), reasons) for name in ("fetched_at", "request", endpoint))
    asked = asked or dict.fromkeys(cast("dict[str, Shape]", ANSWERS["request"]))
    lacking = [f"request.{name}" for name in ASKED.get(endpoint, ()) if asked[name] is None]
    if lacking := lacking + ["fetched_at"] * (day is None):
        return None, [*reasons, f"{endpoint}: no usable {', '.join(lacking)}"]
    if (found := _found(answer, endpoint)) is None:
        return None, [*reasons, f"{endpoint}: the answer holds no objects"]
    return {"endpoint": endpoint, "observed_on": date.fromisoformat(day[:10]), **_asked(asked), **found}, reasons


def _asked(request: dict[str, Any]) -> dict[str, Any]:
    genre, sweep_on = request["genre"], request["sweep_on"]
    return {
        "genre": genre and genre.strip(" ").lower(),
        "sweep_on": sweep_on and date.fromisoformat(sweep_on[:10]),
        "artist_id": request["artist_id"],
        "album_group": request["group"],
        "album_id": request["album_id"],
        "page_offset": request["offset"],
        "page_limit": request["limit"],
        "known_total": request["known_total"],
    }


def _found(answer: Any, endpoint: str) -> dict[str, Any] | None:
    """The objects under the name of their kind, and what the page around them says; None where there are none."""
    kind, steps = OBJECTS[endpoint]
    page, objects = answer, answer
    for step in steps:
        page, objects = objects, objects and objects[step]
    if objects is None:
        return None
    objects = objects if steps else [objects]
    return {
        "total": page.get("total"),
        "returned": len(objects),
        "nothing_next": page.get("next") is None,
        kind: objects,
    }


@cache
def _fit(name: str) -> Fit:
    return _fitter(ANSWERS[name], name)


def _fitter(shape: Shape, path: str) -> Fit:
    if isinstance(shape, Leaf):
        return _text_fitter(shape, path) if shape.type == "VARCHAR" else _number_fitter(shape, path)
    if isinstance(shape, First):
        return _first_fitter(shape, path)
    return _list_fitter(shape[0], path) if isinstance(shape, list) else _object_fitter(dict(shape), path)


def _object_fitter(shape: dict[str, Shape], path: str) -> Fit:
    fields = [(name, _fitter(inner, f"{path}.{name}")) for name, inner in shape.items()]
    has_key = "id" in shape

    def fit(value: Any, reasons: list[str]) -> Any:
        if not isinstance(value, dict):
            if value is not None:
                reasons.append(f"{path}: {_shown(value)} where an object belongs")
            return None
        fitted = {name: inner(value.get(name), reasons) for name, inner in fields}
        if has_key and fitted["id"] is None:
            reasons.append(f"{path}: no usable id")
            return None
        return fitted

    return fit


def _first_fitter(shape: First, path: str) -> Fit:
    whole = _list_fitter(shape[0], path)
    return lambda value, reasons: whole(value[:1] if isinstance(value, list) else value, reasons)


def _list_fitter(shape: Shape, path: str) -> Fit:
    inner = _fitter(shape, f"{path}[]")
    plain = isinstance(shape, Leaf)
    keyed = isinstance(shape, dict) and "id" in shape

    def fit(value: Any, reasons: list[str]) -> Any:
        if not isinstance(value, list):
            if value is not None:
                reasons.append(f"{path}: {_shown(value)} where a list belongs")
            return None
        if keyed and None in value:
            reasons.extend(f"{path}[]: null" for item in value if item is None)
        fitted = [inner(item, reasons) for item in value]
        if not plain:
            return fitted
        if len(fitted) > MAX_LIST:
            reasons.append(f"{path}: {len(fitted)} entries, cut to {MAX_LIST}")
        return [item for item in fitted if item is not None][:MAX_LIST]

    return fit


def _text_fitter(leaf: Leaf, path: str) -> Fit:
    test = leaf.test

    def fit(value: Any, reasons: list[str]) -> Any:
        if value is None:
            return None
        if (
            not isinstance(value, str)
            or len(value) > MAX_TEXT
            or "\0" in value
            or not (value.isascii() or _is_whole(value))
        ):
            value = _as_text(value, path, reasons)
            if value is None:
                return None
        if test is not None and not test(value):
            reasons.append(f"{path}: {_shown(value)} is not usable there")
            return None
        return value

    return fit


def _number_fitter(leaf: Leaf, path: str) -> Fit:
    low, high, is_flag = leaf.low, leaf.high, leaf.type == "BOOLEAN"

    def fit(value: Any, reasons: list[str]) -> Any:
        if value is None:
            return None
        number = value if type(value) is int else _as_number(value)
        if is_flag and isinstance(value, (int, float)):
            number = int(value != 0)
        if number is None or not low <= number <= high:
            reasons.append(f"{path}: {_shown(value)} is not from {low} to {high}")
            return None
        return bool(number) if is_flag else number

    return fit


def _is_whole(text: str) -> bool:
    return _SURROGATES.search(text) is None


def _as_text(value: Any, path: str, reasons: list[str]) -> str | None:
    if isinstance(value, (dict, list)):
        reasons.append(f"{path}: {_shown(value)} where text belongs")
        return None
    text = value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else repr(value)
    whole = _SURROGATES.sub("\ufffd", text.replace("\0", ""))
    if whole != text:
        reasons.append(f"{path}: characters that no text can hold, taken out")
    if len(whole) > MAX_TEXT:
        reasons.append(f"{path}: {len(whole)} characters, cut to {MAX_TEXT}")
    return whole[:MAX_TEXT]


def _as_number(value: Any) -> int | None:
    """A fraction is rounded: to the even side of a half when it is a number, away from zero when it stands in text."""
    if isinstance(value, (bool, int)):
        return int(value)
    if isinstance(value, float):
        return round(value) if math.isfinite(value) else None
    return _number_in(value) if isinstance(value, str) else None


def _number_in(text: str) -> int | None:
    if text.lower() in ("true", "false"):
        return int(text.lower() == "true")
    with suppress(ValueError):  # also for integers of more than 4,300 digits
        return int(text)
    with suppress(ValueError, OverflowError):
        return int(math.copysign(math.floor(abs(float(text)) + 0.5), float(text)))
    return None


def _shown(value: Any) -> str:
    if isinstance(value, (dict, list)):
        return "an object" if isinstance(value, dict) else "a list"
    text = ascii(value) if not isinstance(value, str) else ascii(value[:60])
    return text if len(text) <= 40 else f"{text[:37]}..."
