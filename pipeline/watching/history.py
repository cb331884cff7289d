"""Runs looked back at: found by state, trigger, date and genre; how they ended, how long they usually take.

Imports `ledger`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from statistics import median

from pipeline.records.database import Row
from pipeline.records.ledger import Ledger, with_times

__all__ = [
    "RunFilter",
    "count_runs",
    "find_runs",
    "is_slow",
    "requests_of",
    "retries_of",
    "run_days",
    "run_durations",
    "run_genres",
    "run_of",
    "running_run",
]

USUAL_RUNS = 10  # what is usual is learned from so many earlier ones
LEAST_RUNS = 3
SLOW, SLOW_S = 2.0, 10.0  # times the median, and seconds above it: a demo's run of three seconds is not slow


@dataclass(frozen=True)
class RunFilter:
    """Which runs: empty fields mean any. Dates are UTC days on which a run began, both included."""

    state: str = ""
    trigger: str = ""
    genre: str = ""
    first_on: date | None = None
    last_on: date | None = None


def find_runs(ledger: Ledger, wanted: RunFilter, limit: int = 20, offset: int = 0) -> list[Row]:
    """Runs, newest first, as `Ledger.runs` gives them."""
    where, params = _where(wanted)
    return ledger.runs(limit, offset, where, params)


def count_runs(ledger: Ledger, wanted: RunFilter) -> int:
    """How many runs there are."""
    where, params = _where(wanted)
    return int(ledger.read(f"SELECT count(*) AS n FROM runs r WHERE {where}", params)[0]["n"])


def run_of(ledger: Ledger, run_id: str) -> Row | None:
    """One run by its id."""
    return next(iter(ledger.runs(1, 0, "r.run_id = ?", (run_id,))), None)


def running_run(ledger: Ledger) -> Row | None:
    """The run that goes on, of whatever process, as a row of `runs` without counts; None when there is none."""
    rows = ledger.read("SELECT * FROM runs WHERE state = 'running' ORDER BY started_at DESC LIMIT 1")
    return with_times(rows[0]) if rows else None


def retries_of(ledger: Ledger, run_id: str) -> list[str]:
    """Ids of the runs that asked again what this one left, newest first."""
    query = "SELECT run_id FROM runs WHERE json_extract(params, '$.retry_of') = ? ORDER BY started_at DESC, run_id DESC"
    return [row["run_id"] for row in ledger.read(query, (run_id,))]


def requests_of(ledger: Ledger, run_id: str) -> dict[str, int]:
    """How many requests of a run each bucket counts, reservations included; those long past are retired."""
    rows = ledger.read("SELECT bucket, count(*) AS n FROM requests WHERE run_id = ? GROUP BY bucket", (run_id,))
    return {row["bucket"]: row["n"] for row in rows}


def run_genres(ledger: Ledger) -> list[str]:
    """Every genre that some run was asked for, in alphabetical order."""
    rows = ledger.read("SELECT DISTINCT value AS genre FROM runs, json_each(runs.params, '$.genres')")
    return sorted(row["genre"] for row in rows)


def run_days(ledger: Ledger, first_on: date) -> list[Row]:
    """How runs ended, by the UTC day on which they began, from a day on: day (ISO), state, runs."""
    return ledger.read(
        "SELECT date(started_at, 'unixepoch') AS day, state, count(*) AS runs FROM runs WHERE started_at >= ? "
        "GROUP BY day, state ORDER BY day, state",
        (_midnight(first_on),),
    )


def run_durations(ledger: Ledger, last: int = 30) -> list[Row]:
    """The last runs that ended, oldest first: run_id, state, started_at (seconds since 1970), seconds."""
    rows = ledger.read(
        "SELECT run_id, state, started_at, round(finished_at - started_at, 3) AS seconds FROM runs "
        "WHERE finished_at IS NOT NULL ORDER BY started_at DESC, run_id DESC LIMIT ?",
        (last,),
    )
    return rows[::-1]


def is_slow(ledger: Ledger, run_id: str, now: datetime) -> bool:
    """Whether a run takes, or took, twice as long as the last ten that succeeded did usually, and 10 s longer."""
    run = run_of(ledger, run_id)
    if run is None:
        return False
    earlier = ledger.read(
        "SELECT finished_at - started_at AS seconds FROM runs WHERE state = 'succeeded' AND started_at < ? "
        "ORDER BY started_at DESC LIMIT ?",
        (run["started_at"].timestamp(), USUAL_RUNS),
    )
    taken = ((run["finished_at"] or now) - run["started_at"]).total_seconds()
    if len(earlier) < LEAST_RUNS:
        return False
    usual = median(row["seconds"] for row in earlier)
    return bool(taken > max(SLOW * usual, usual + SLOW_S))


def _where(wanted: RunFilter) -> tuple[str, list[object]]:
    parts, params = ["TRUE"], list[object]()
    for name in ("state", "trigger"):
        if value := getattr(wanted, name):
            parts.append(f"r.{name} = ?")
            params.append(value)
    if wanted.genre:
        parts.append("EXISTS (SELECT 1 FROM json_each(r.params, '$.genres') WHERE value = ?)")
        params.append(wanted.genre)
    if wanted.first_on:
        parts.append("r.started_at >= ?")
        params.append(_midnight(wanted.first_on))
    if wanted.last_on:
        parts.append("r.started_at < ?")
        params.append(_midnight(wanted.last_on + timedelta(days=1)))
    return " AND ".join(parts), params


def _midnight(day: date) -> float:
    return datetime.combine(day, time(), UTC).timestamp()
