"""Pages: reading limit and offset, and the paging object around the items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import quote

from .objects import compact

__all__ = ["BadRequest", "page_bounds", "page_json"]


class BadRequest(Exception):
    """A request the API refuses: status and message of the error body."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(status, message)
        self.status, self.message = status, message


def page_bounds(query: Mapping[str, str], limits: tuple[int, int], most_offset: int | None = None) -> tuple[int, int]:
    """(limit, offset) of a request. Raises BadRequest `Invalid limit` or `Invalid offset`."""
    default, most = limits
    limit, offset = _whole(query.get("limit"), default), _whole(query.get("offset"), 0)
    if limit is None or not 1 <= limit <= most:
        raise BadRequest(400, "Invalid limit")
    if offset is None or offset < 0 or (most_offset is not None and offset > most_offset):
        raise BadRequest(400, "Invalid offset")
    return limit, offset


def page_json(
    items: Sequence[bytes],
    total: int,
    limit: int,
    offset: int,
    href: str,
    extra: Mapping[str, str],
    end: int | None = None,
) -> bytes:
    """The paging object; `extra` are the other parameters as links repeat them, `end` is where links stop if not at `total`."""
    tail = "".join(f"&{name}={quote(value, safe=',')}" for name, value in extra.items())

    def link(start: int) -> str:
        return f"{href}?offset={start}&limit={limit}{tail}"

    following = link(offset + limit) if offset + limit < (total if end is None else end) else None
    previous = link(max(offset - limit, 0)) if offset > 0 else None
    head = compact(
        {
            "href": link(offset),
            "limit": limit,
            "next": following,
            "offset": offset,
            "previous": previous,
            "total": total,
        }
    )
    return b"".join((head[:-1].encode(), b',"items":[', b",".join(items), b"]}"))


def _whole(text: str | None, default: int) -> int | None:
    if text is None or text == "":
        return default
    digits = text.removeprefix("-")
    return int(text) if digits.isascii() and digits.isdigit() and len(digits) < 10 else None
