"""How old what is known of each genre is, and which genres have grown older than they should.

Imports `capabilities`, `generations`, `settings`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Literal

from pipeline.capabilities import load as load_capabilities
from pipeline.generations import current_number, open_generation
from pipeline.ledger import Ledger
from pipeline.settings import Settings
from pipeline.workspace import Workspace

__all__ = ["GenreFreshness", "genre_freshness", "stale_genres", "target_days"]

EXTENDED_DAYS = 1  # an app with Spotify's full quota reads every genre every day
DEVELOPMENT_DAYS = 7  # 600 requests a day are shared by searches, releases and tracks


@dataclass(frozen=True)
class GenreFreshness:
    """One genre: the day it was last read (None: never), its age in days, and how that compares with the target."""

    genre: str
    read_on: date | None
    age_days: int | None
    target_days: int
    state: Literal["fresh", "stale", "unread"]


def target_days(settings: Settings, ledger: Ledger) -> int:
    """The age that a genre should not exceed: the setting, else what the source lets one reach."""
    if settings.fresh_days is not None:
        return settings.fresh_days
    known = load_capabilities(ledger)
    return EXTENDED_DAYS if known is not None and known.profile == "extended" else DEVELOPMENT_DAYS


def genre_freshness(
    workspace: Workspace, ledger: Ledger, settings: Settings, today: date, genres: Iterable[str] = ()
) -> list[GenreFreshness]:
    """One row per genre of the settings, or of those named, from what is published; in their order."""
    read_on = _read_days(workspace)
    most = target_days(settings, ledger)
    return [_judged(genre, read_on.get(genre), today, most) for genre in genres or settings.genres]


def stale_genres(rows: Iterable[GenreFreshness]) -> tuple[str, ...]:
    """Genres that were read, but too long ago; the oldest first."""
    stale = [row for row in rows if row.state == "stale"]
    return tuple(row.genre for row in sorted(stale, key=lambda row: row.read_on or date.min))


def _read_days(workspace: Workspace) -> dict[str, date]:
    if current_number(workspace) is None:
        return {}
    query = "SELECT genre, max(observed_on) FROM search_pages GROUP BY genre"
    return dict(open_generation(workspace).rows(query))


def _judged(genre: str, read_on: date | None, today: date, most: int) -> GenreFreshness:
    if read_on is None:
        return GenreFreshness(genre, None, None, most, "unread")
    age = max(0, (today - read_on).days)
    return GenreFreshness(genre, read_on, age, most, "stale" if age > most else "fresh")
