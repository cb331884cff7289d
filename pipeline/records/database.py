"""What a ledger is kept by, whichever that is: transactions of statements, rows as dictionaries.

Statements are written once, in what SQLite and PostgreSQL can both be given (docs/decisions/0038). Imports nothing of
ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

__all__ = ["Connection", "Cursor", "Database", "Row"]

Row = dict[str, Any]


class Cursor(Protocol):
    """What a statement gave: rows as tuples."""

    @property
    def rowcount(self) -> int: ...  # noqa: D102  the database API's own

    def fetchone(self) -> Any: ...  # noqa: D102
    def fetchall(self) -> list[Any]: ...  # noqa: D102
    def __iter__(self) -> Iterator[Any]: ...


class Connection(Protocol):
    """A transaction under way; values stand for question marks."""

    def execute(self, query: str, params: Sequence[Any] = ..., /) -> Cursor: ...  # noqa: D102
    def executemany(self, query: str, rows: Iterable[Sequence[Any]], /) -> Cursor: ...  # noqa: D102


class Database(Protocol):
    """Where the tables of a ledger are; usable from any thread, and by several processes at once."""

    def read(self, query: str, params: Sequence[object] = ()) -> list[Row]:
        """Rows of a SELECT as dictionaries."""
        ...

    def write(self, *, durable: bool = True) -> AbstractContextManager[Connection]:
        """One write transaction, beside which there is no other: committed at the end of the block, or rolled back."""
        ...

    def scrub(self) -> None:
        """Leave nothing of removed rows in what is kept; WriterBusy when somebody is in the way."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...
