"""The artists that somebody follows: a list of one's own, one for the workspace, kept in the ledger.

By id, whether anything is known of them or not. Imports `ledger`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from pipeline.records.ledger import Ledger

__all__ = ["Followed", "follow", "followed_ids", "followed_list", "followed_names", "is_followed", "unfollow"]


def followed_ids(ledger: Ledger) -> tuple[str, ...]:
    """Everybody on the list, by id."""
    return tuple(str(row["artist_id"]) for row in ledger.read("SELECT artist_id FROM followed ORDER BY artist_id"))


def followed_names(ledger: Ledger) -> dict[str, str]:
    """The names that the list has for everybody on it, by id; empty where it has none."""
    return {artist_id: each.name for artist_id, each in followed_list(ledger).items()}


class Followed(NamedTuple):
    """Somebody on the list: since which instant, UTC, and the name that the list had with it, if any."""

    since: datetime
    name: str


def followed_list(ledger: Ledger) -> dict[str, Followed]:
    """Everybody on the list, by id."""
    rows = ledger.read("SELECT artist_id, followed_at, name FROM followed ORDER BY artist_id")
    return {
        str(row["artist_id"]): Followed(datetime.fromtimestamp(row["followed_at"], UTC), row["name"]) for row in rows
    }


def is_followed(ledger: Ledger, artist_id: str) -> bool:
    """Whether an artist is on the list."""
    return bool(ledger.read("SELECT 1 FROM followed WHERE artist_id = ?", (artist_id,)))


def follow(ledger: Ledger, artist_ids: Iterable[str] | Mapping[str, str], at: datetime | None = None) -> None:
    """Put artists on the list, all or none, now or `at` an instant; who is on it keeps the instant since when.

    With a mapping each has a name, which may be empty: for those of whom nothing is known yet.
    """
    now = (at or ledger.now()).timestamp()
    named = artist_ids if isinstance(artist_ids, Mapping) else dict.fromkeys(artist_ids, "")
    with ledger.write() as connection:
        connection.executemany(
            "INSERT INTO followed (artist_id, followed_at, name) VALUES (?, ?, ?) ON CONFLICT (artist_id) DO NOTHING",
            [(artist_id, now, name) for artist_id, name in named.items()],
        )


def unfollow(ledger: Ledger, artist_ids: Iterable[str]) -> None:
    """Take artists off the list, all or none; what is known of them stays."""
    with ledger.write() as connection:
        connection.executemany("DELETE FROM followed WHERE artist_id = ?", [(each,) for each in artist_ids])
