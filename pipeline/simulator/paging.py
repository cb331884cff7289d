"""Pages: reading limit and offset, and the paging object around the items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from .objects import compact

__all__ = ["BadRequest", "Page", "page_bounds"]


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


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a listing of `total`; `extra` are the other parameters, as its links repeat them."""

    href: str
    total: int
    limit: int
    offset: int
    extra: Mapping[str, str]

    def json(self, items: Sequence[bytes]) -> bytes:
        """The paging object around these items."""
        following = self.offset + self.limit
        head = compact(
            {
                "href": self._link(self.offset),
                "limit": self.limit,
                "next": self._link(following) if following < self.total else None,
                "offset": self.offset,
                "previous": self._link(max(self.offset - self.limit, 0)) if self.offset > 0 else None,
                "total": self.total,
            }
        )
        return b"".join((head[:-1].encode(), b',"items":[', b",".join(items), b"]}"))

    def _link(self, offset: int) -> str:
        tail = "".join(f"&{name}={quote(value, safe=',')}" for name, value in self.extra.items())
        return f"{self.href}?offset={offset}&limit={self.limit}{tail}"


def _whole(text: str | None, default: int) -> int | None:
    if text is None or text == "":
        return default
    digits = text.removeprefix("-")
    return int(text) if digits.isascii() and digits.isdigit() and len(digits) < 10 else None
