"""When people are told: after a headless run, when one could not start, and what followed artists released since.

Imports `opening`, `generations`, `queries`, `followed`, `ledger`, `freshness`, `notify`, `progress`, `settings`,
`text`.
"""

from __future__ import annotations

import logging
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from pipeline.errors import GarimpoError, RunInProgress
from pipeline.published.generations import open_generation
from pipeline.records.followed import followed_ids
from pipeline.records.ledger import Ledger
from pipeline.records.opening import opened_ledger
from pipeline.runs.progress import RunResult
from pipeline.settings import Settings
from pipeline.watching.freshness import genre_freshness, stale_genres
from pipeline.watching.notify import bury_crashed, notifier
from pipeline.workspace import Workspace

if TYPE_CHECKING:
    from pipeline.text import Text

__all__ = ["new_releases", "tell_crashed", "tell_releases", "tell_run_end", "tell_run_refused"]

log = logging.getLogger(__name__)

NEW_DAYS = 30  # as the overview counts what was released
MOST = 100_000  # of a month: more than five thousand artists release, and one label's whole catalogue put out again


def tell_crashed(settings: Settings) -> None:
    """End runs whose process is gone, and notify whoever wants to know."""
    with opened_ledger(settings, to_read=True) as (workspace, ledger):
        bury_crashed(settings, workspace, ledger)


def tell_run_end(settings: Settings, result: RunResult) -> None:
    """Notify whoever wants to know how a headless run ended, which genres are too old even so, and what came out."""
    with opened_ledger(settings, to_read=True) as (workspace, ledger):
        told, today = notifier(settings, ledger), ledger.now().date()
        told.run_ended(result)
        told.genres_seen(stale_genres(genre_freshness(workspace, ledger, settings, today)))
        tell_releases(settings, workspace, ledger)


def tell_run_refused(settings: Settings, error: GarimpoError) -> None:
    """Notify whoever wants to know that a headless run could not start; one that only came too late is no failure."""
    if not isinstance(error, RunInProgress):
        with opened_ledger(settings, to_read=True) as (_, ledger):
            notifier(settings, ledger).run_refused(str(error))


def tell_releases(settings: Settings, workspace: Workspace, ledger: Ledger) -> None:
    """Notify whoever wants to know of new releases. What hinders it is logged alone: the run itself has ended."""
    told = notifier(settings, ledger)
    if told.reaches_somebody:
        try:
            told.releases_seen(new_releases(workspace, ledger, ledger.now().date(), told.text))
        except GarimpoError as error:
            log.warning("releases_not_told %s", error)


def new_releases(workspace: Workspace, ledger: Ledger, today: date, text: Text) -> dict[str, str]:
    """Albums and singles that followed artists released in the last 30 days: a line for each by its id, newest first.

    With the link to Spotify, as its terms ask. Raises StorageError while nothing is published.
    """
    followed = followed_ids(ledger)
    if not followed:
        return {}
    from pipeline.queries import newest_releases  # with polars, which the command line starts without

    found = newest_releases(open_generation(workspace), MOST, followed, NEW_DAYS).to_dicts()
    return {row["album_id"]: _line(row, text) for row in found if row["release_date"] > today - timedelta(NEW_DAYS)}


def _line(row: dict[str, Any], text: Text) -> str:
    names = f"({', '.join(row['artist_names'])})" if row["artist_names"] else None
    day = text.day(row["release_date"], precision=row["release_date_precision"])
    return " ".join(filter(None, (day, row["name"], names, row["spotify_url"])))
