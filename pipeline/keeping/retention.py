"""Retention: what is kept for how many days, layer by layer, and what goes when those are over.

A batch is as old as its run: what an import brought counts from the day it came, whatever days it speaks of. Imports
`events`, `exchange`, `ledger`, `retiring`, `settings`, `workspace`.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

from pipeline.keeping.exchange import RAW, Exchange, settle
from pipeline.records.database import Row
from pipeline.records.events import note
from pipeline.records.ledger import Ledger
from pipeline.records.retiring import old_events, retire_rows
from pipeline.settings import Settings
from pipeline.workspace import Workspace

__all__ = ["Going", "apply_retention", "keep_within_retention", "plan_log", "plan_retention", "retire_within_retention"]

log = logging.getLogger(__name__)

SNAPSHOTS = "artist_snapshots"  # the layer of numbers by day: this lake table and what is derived from it
DONE_ON = "retention_on"  # the ledger's word for the day of the last time
TOGETHER = 500  # files in one transaction
ACCUSTOMED = timedelta(days=30)  # a clock that is further than that from every run before is not believed by itself
SETTLED = 7  # days with runs after which it is: time for somebody to see that it is wrong


@dataclass(frozen=True)
class Going:
    """What goes of one layer: files, rows, bytes, and the first and last day they speak of; None where nothing does."""

    layer: str
    keep_days: int
    files: int = 0
    rows: int = 0
    bytes: int = 0
    first_day: str | None = None
    last_day: str | None = None


def plan_retention(ledger: Ledger, settings: Settings, today: date) -> tuple[Going, ...]:
    """What is older than the settings permit on a day; rows of raw files are their answers."""
    return tuple(_going(layer, keep, _old(ledger, layer, keep, today)) for layer, keep in _layers(settings))


def plan_log(ledger: Ledger, settings: Settings) -> Going:
    """What of the log is older than the settings permit: rows are its lines. `retire_rows` lets go of it."""
    old = old_events(ledger, settings.keep_log_days)
    days = [old[name] and datetime.fromtimestamp(old[name], UTC).date().isoformat() for name in ("first_at", "last_at")]
    return Going("log", settings.keep_log_days, 0, int(old["n"]), 0, *days)


def apply_retention(
    workspace: Workspace, ledger: Ledger, settings: Settings, today: date, only: Collection[str] = (RAW, SNAPSHOTS)
) -> tuple[Going, ...]:
    """Let go of it: ledger rows, files, and every generation that still shows them. For the holder of the run lock.

    `only`: of these layers.
    """
    gone = []
    for layer, keep in _layers(settings):
        old = _old(ledger, layer, keep, today) if layer in only else []
        for start in range(0, len(old), TOGETHER):
            exchange = Exchange(workspace, ledger)
            for row in old[start : start + TOGETHER]:
                exchange.drop_raw(row, "retention") if layer == RAW else exchange.drop_part(row, "retention")
            exchange.carry_out()
        gone.append(_going(layer, keep, old))
    settle(workspace, ledger)
    return tuple(gone)


def keep_within_retention(workspace: Workspace, ledger: Ledger, settings: Settings) -> tuple[Going, ...]:
    """Apply it as a run does, once a day; nothing, and a word in the log, while the clock looks wrong.

    Numbers go a month at a time, since everything is published anew without them (docs/decisions/0048). A clock set
    years ahead would let everything go at once: one that was more than 30 days from all runs before is believed when
    runs of seven days since, not of today, agree with it; any other with the first. `purge` asks nobody.
    """
    now = ledger.now()
    if ledger.meta(DONE_ON) == now.date().isoformat():
        return ()
    due = [going for going in plan_retention(ledger, settings, now.date()) if _is_due(going, now.date())]
    if due and not _is_accustomed(ledger, now):
        note(
            log, "retention_waits", level=logging.WARNING, files=sum(going.files for going in due),
            message="this clock is far from that of earlier runs; `python -m pipeline purge` applies it anyway",
        )  # fmt: skip
        return ()
    layers = {going.layer for going in due}
    gone = apply_retention(workspace, ledger, settings, now.date(), layers) if due else ()
    ledger.set_meta(DONE_ON, now.date().isoformat())
    for going in gone:
        if going.files:
            note(log, "retention_applied", layer=going.layer, files=going.files, rows=going.rows, bytes=going.bytes)
    return gone


def retire_within_retention(ledger: Ledger, settings: Settings) -> int:
    """Let go of log lines, requests and items that are too old, as a run does; how many.

    None while the clock looks wrong: requests of the last day would be gone when it is set right, and Spotify still
    counts them.
    """
    return retire_rows(ledger, settings.keep_log_days) if _is_accustomed(ledger, ledger.now()) else 0


def _layers(settings: Settings) -> Iterator[tuple[str, int]]:
    yield from ((RAW, settings.keep_raw_days), (SNAPSHOTS, settings.keep_snapshot_days))


def _old(ledger: Ledger, layer: str, keep_days: int, today: date) -> list[Row]:
    """Files of a layer whose run began before the kept days; none where they are kept for ever."""
    if not keep_days:
        return []
    table, where = ("raw_files", "") if layer == RAW else ("parts", "AND f.table_name = ?")
    return ledger.read(
        f"SELECT f.* FROM {table} f LEFT JOIN runs r USING (run_id) "
        f"WHERE max(f.day, coalesce(date(r.started_at, 'unixepoch'), f.day)) < ? {where} ORDER BY f.day, f.path",
        (_first_kept(keep_days, today), *([layer] if where else [])),
    )


def _is_due(going: Going, today: date) -> bool:
    """Whether a run lets go of it: of numbers once a whole month of them is too old."""
    if going.first_day is None:
        return False
    return going.layer == RAW or going.first_day[:7] < _first_kept(going.keep_days, today)[:7]


def _first_kept(keep_days: int, today: date) -> str:
    return (today - timedelta(days=keep_days)).isoformat()


def _going(layer: str, keep_days: int, files: Sequence[Row]) -> Going:
    if not files:
        return Going(layer, keep_days)
    days = [str(row["day"]) for row in files]
    rows = sum(int(row["lines" if layer == RAW else "rows"]) for row in files)
    return Going(layer, keep_days, len(files), rows, sum(int(row["bytes"]) for row in files), min(days), max(days))


def _is_accustomed(ledger: Ledger, now: datetime) -> bool:
    today = datetime.combine(now.date(), datetime.min.time(), now.tzinfo)
    query = "SELECT DISTINCT date(started_at, 'unixepoch') AS day FROM runs WHERE started_at < ? ORDER BY day DESC"
    days = [now.date(), *(date.fromisoformat(row["day"]) for row in ledger.read(query, (today.timestamp(),)))]
    for agreeing, (later, earlier) in enumerate(pairwise(days)):
        if later - earlier > ACCUSTOMED:
            return agreeing >= SETTLED
    return len(days) > 1
