"""A call becomes a question to the client: which of its methods, with which arguments, checked before anything is sent.

Knows spotipy's methods by name only. Imports `calls` and `errors`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.errors import BadRequest
from pipeline.source.calls import Call, label

__all__ = ["ALBUM_GROUPS", "IDS_PER_CALL", "Question", "question"]

ALBUM_GROUPS = ("album", "single", "compilation", "appears_on")
IDS_PER_CALL = {"artists": 50, "albums": 20}  # most ids in one request (checked 2026-11-22)
LARGEST_PAGE, LONGEST_GENRE = 50, 100


@dataclass(frozen=True)
class Question:
    """A method of the client and what to call it with."""

    method: str
    subject: str | list[str]
    options: Mapping[str, Any] = field(default_factory=dict)

    def put_to(self, client: Any) -> Any:
        """What the client answers."""
        return getattr(client, self.method)(self.subject, **self.options)


def question(call: Call) -> Question:
    """How a call is asked; raises BadRequest naming the wrong value, and then nothing was sent."""
    build = _QUESTIONS.get(call.endpoint)
    if build is None:
        raise _wrong(call, "endpoint", call.endpoint)
    return build(call)


def _page(call: Call) -> dict[str, Any]:
    """Offset and limit, always both: a client's own default is more than development mode allows."""
    page = {name: call.params.get(name) for name in ("limit", "offset")}
    for name, least, most in (("limit", 1, LARGEST_PAGE), ("offset", 0, 1_000_000)):
        value = page[name]
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise _wrong(call, name, value)
    return page


def _genre(call: Call) -> str:
    """The genre without what would end the quotation or the line; its spelling is kept otherwise."""
    value = call.params.get("genre")
    if not isinstance(value, str):
        raise _wrong(call, "genre", value)
    clean = " ".join("".join(" " if mark in '"“”\\' or not mark.isprintable() else mark for mark in value).split())
    if not 0 < len(clean) <= LONGEST_GENRE:
        raise _wrong(call, "genre", value)
    return clean


def _group(call: Call) -> str:
    value = call.params.get("group")
    if not isinstance(value, str) or not set(value.split(",")) <= set(ALBUM_GROUPS):
        raise _wrong(call, "group", value)
    return value


def _id(call: Call, name: str) -> str:
    return _checked(call, name, call.params.get(name))


def _ids(call: Call) -> list[str]:
    value = call.params.get("ids")
    if not isinstance(value, list | tuple) or not 0 < len(value) <= IDS_PER_CALL[call.endpoint]:
        raise _wrong(call, "number of ids", len(value) if isinstance(value, list | tuple) else value)
    return [_checked(call, "id", item) for item in value]


def _checked(call: Call, name: str, value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[0-9A-Za-z]{1,64}", value):
        raise _wrong(call, name, value)
    return value


def _wrong(call: Call, name: str, value: object) -> BadRequest:
    shown = ascii(value) if isinstance(value, str | int | float | None) else type(value).__name__
    shown = shown if len(shown) <= 80 else f"{shown[:80]}…"
    return BadRequest(f"{label(call)[:120]}: {name} {shown} cannot be asked for. It was not sent; the others go on.")


_QUESTIONS: dict[str, Callable[[Call], Question]] = {
    "search": lambda call: Question("search", f'genre:"{_genre(call)}"', {"type": "artist", **_page(call)}),
    "artist": lambda call: Question("artist", _id(call, "id")),
    "artists": lambda call: Question("artists", _ids(call)),
    "artist_albums": lambda call: Question(
        "artist_albums", _id(call, "artist_id"), {"include_groups": _group(call), **_page(call)}
    ),
    "album": lambda call: Question("album", _id(call, "id")),
    "albums": lambda call: Question("albums", _ids(call)),
    "album_tracks": lambda call: Question("album_tracks", _id(call, "album_id"), _page(call)),
}
