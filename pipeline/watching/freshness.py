"""How old what is known of each genre is, and which genres have grown older than they should.

A target set for a genre is kept in the ledger; the others follow the setting. Imports `capabilities`, `generations`,
`schedules`, `settings`, `upgrade`, `ledger`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Literal

from pipeline.errors import SettingsError
from pipeline.published.generations import current_number, open_generation
from pipeline.published.upgrade import has_todays_tables
from pipeline.records.ledger import Ledger
from pipeline.settings import Settings
from pipeline.source.capabilities import load_capabilities
from pipeline.watching.schedules import list_schedules
from pipeline.workspace import Workspace

__all__ = [
    "GenreFreshness",
    "genre_freshness",
    "own_targets",
    "set_target",
    "stale_genres",
    "target_days",
    "too_old",
    "watched_genres",
]

EXTENDED_DAYS = 1  # an app with Spotify's full quota reads every genre every day
DEVELOPMENT_DAYS = 7  # 600 requests a day are shared by searches, releases and tracks
TARGETS = "fresh_days"  # the name in the ledger under which own targets are kept


@dataclass(frozen=True)
class GenreFreshness:
    """One genre: the day it was last read (None: never), its age in days, and how that compares with the target."""

    genre: str
    read_on: date | None
    age_days: int | None
    target_days: int
    state: Literal["fresh", "stale", "unread"]


def target_days(settings: Settings, ledger: Ledger) -> int:
    """The age that a genre without a target of its own should not exceed: the setting, else what the source permits."""
    if settings.fresh_days is not None:
        return settings.fresh_days
    known = load_capabilities(ledger)
    return EXTENDED_DAYS if known is not None and known.profile == "extended" else DEVELOPMENT_DAYS


def own_targets(ledger: Ledger) -> dict[str, int]:
    """Target ages in days of the genres that have one of their own."""
    return dict(json.loads(ledger.meta(TARGETS) or "{}"))


def set_target(ledger: Ledger, genre: str, days: int | None) -> None:
    """Give a genre a target age of its own; None: it follows the setting again. SettingsError for less than a day."""
    if days is not None and days < 1:
        raise SettingsError(f"days = {days} is less than 1. The target age of {genre} was not changed.")
    targets = {name: age for name, age in own_targets(ledger).items() if name != genre}
    if days is not None:
        targets[genre] = days
    ledger.set_meta(TARGETS, json.dumps(targets, ensure_ascii=False))
    ledger.add_event("INFO", "target_changed", f"{genre}: {days or 'as the setting says'}", genre=genre, days=days)


def watched_genres(ledger: Ledger, settings: Settings) -> tuple[str, ...]:
    """Genres that somebody wants to be collected: those of the settings, then those of schedules."""
    of_schedules = (genre for schedule in list_schedules(ledger) for genre in schedule.genres)
    return tuple(dict.fromkeys((*settings.genres, *of_schedules)))


def genre_freshness(
    workspace: Workspace, ledger: Ledger, settings: Settings, today: date, genres: Iterable[str] = ()
) -> list[GenreFreshness]:
    """One row per watched genre, or per one of those named, from what is published; in their order."""
    read_on, targets = _read_days(workspace), own_targets(ledger)
    most = target_days(settings, ledger)
    return [
        _judged(genre, read_on.get(genre), today, targets.get(genre, most))
        for genre in genres or watched_genres(ledger, settings)
    ]


def stale_genres(rows: Iterable[GenreFreshness]) -> tuple[str, ...]:
    """Genres that were read, but too long ago; the oldest first."""
    stale = [row for row in rows if row.state == "stale"]
    return tuple(row.genre for row in sorted(stale, key=lambda row: row.read_on or date.min))


def too_old(genres: Collection[str]) -> str:
    """That so many genres are stale, in words."""
    return (
        "1 genre is older than it should be"
        if len(genres) == 1
        else f"{len(genres)} genres are older than they should be"
    )


def _read_days(workspace: Workspace) -> dict[str, date]:
    if current_number(workspace) is None or not has_todays_tables(open_generation(workspace)):
        return {}
    query = "SELECT genre, max(observed_on) FROM search_pages GROUP BY genre"
    return dict(open_generation(workspace).rows(query))


def _judged(genre: str, read_on: date | None, today: date, most: int) -> GenreFreshness:
    if read_on is None:
        return GenreFreshness(genre, None, None, most, "unread")
    age = max(0, (today - read_on).days)
    return GenreFreshness(genre, read_on, age, most, "stale" if age > most else "fresh")
