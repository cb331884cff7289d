"""The artists that somebody follows: a list of one's own, one for the workspace, kept in the ledger.

By id, whether anything is known of them or not. Imports `ledger`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from pipeline.records.ledger import Ledger

__all__ = ["follow", "followed_ids", "followed_since", "is_followed", "unfollow"]


def followed_ids(ledger: Ledger) -> tuple[str, ...]:
    """Everybody on the list, by id."""
    return tuple(str(row["artist_id"]) for row in ledger.read("SELECT artist_id FROM followed ORDER BY artist_id"))


def followed_since(ledger: Ledger) -> dict[str, datetime]:
    """Everybody on the list, by id, with the instant since when, UTC."""
    rows = ledger.read("SELECT artist_id, followed_at FROM followed ORDER BY artist_id")
    return {str(row["artist_id"]): datetime.fromtimestamp(row["followed_at"], UTC) for row in rows}


def is_followed(ledger: Ledger, artist_id: str) -> bool:
    """Whether an artist is on the list."""
    return bool(ledger.read("SELECT 1 FROM followed WHERE artist_id = ?", (artist_id,)))


def follow(ledger: Ledger, artist_ids: Iterable[str], at: datetime | None = None) -> None:
    """Put artists on the list, all or none, now or `at` an instant; who is on it keeps the instant since when."""
    now = (at or ledger.now()).timestamp()
    with ledger.write() as connection:
        connection.executemany(
            "INSERT INTO followed VALUES (?, ?) ON CONFLICT (artist_id) DO NOTHING",
            [(each, now) for each in artist_ids],
        )


def unfollow(ledger: Ledger, artist_ids: Iterable[str]) -> None:
    """Take artists off the list, all or none; what is known of them stays."""
    with ledger.write() as connection:
        connection.executemany("DELETE FROM followed WHERE artist_id = ?", [(each,) for each in artist_ids])
