"""When runs start by themselves: schedules as rows of the ledger, their fire times, and which of them are due.

Fire times up to a schedule's `dealt_until` are dealt with; that is kept, so that what was missed while no program ran
is found at the next start, by whatever process. Imports `cron`, `errors`, `ledger`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from typing import Literal, get_args
from zoneinfo import ZoneInfo

from pipeline.cron import instants_at, parse_cron
from pipeline.errors import SettingsError
from pipeline.records.database import Row
from pipeline.records.ledger import Ledger

__all__ = [
    "Due",
    "Schedule",
    "add_schedule",
    "change_schedule",
    "check_schedule",
    "claim",
    "due_schedules",
    "keep_default",
    "list_schedules",
    "next_times",
    "pause_schedule",
    "remove_schedule",
    "resume_schedule",
    "unclaim",
]

Kind = Literal["cron", "interval", "once"]
DEFAULT = "default"
LATE_S = 60.0  # a fire time begun later than this was missed
MOST_MISSED = 10_000  # fire times looked at; a year of hours
SHORTEST_S = 60
UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


@dataclass(frozen=True)
class Schedule:
    """One row. `spec` by kind: a crontab line; seconds or '6h'; a local date and time. Empty genres: the settings'."""

    name: str
    kind: Kind
    spec: str
    timezone: str
    genres: tuple[str, ...] = ()
    max_requests: int | None = None
    priority: int = 0
    paused: bool = False
    grace_s: float | None = None
    created_at: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    dealt_until: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    last_run_id: str = ""

    def fire_times(self, after: datetime) -> Iterator[datetime]:
        """Instants strictly after one, UTC, in order."""
        zone = ZoneInfo(self.timezone)
        match self.kind:
            case "cron":
                yield from parse_cron(self.spec).instants(zone, after)
            case "interval":
                step = timedelta(seconds=_seconds(self.spec))
                instant = self.created_at + ((after - self.created_at) // step + 1) * step
                while True:
                    yield instant
                    instant += step
            case "once":
                instant = instants_at(_wall_time(self.spec), zone)[0]
                if instant > after:
                    yield instant


@dataclass(frozen=True)
class Due:
    """A schedule whose time has come: the last fire time that passed, and those before it that were missed, too."""

    schedule: Schedule
    due_at: datetime
    missed: tuple[datetime, ...]
    is_late: bool
    is_dropped: bool  # later than the schedule's grace: dealt with, not run


def add_schedule(ledger: Ledger, schedule: Schedule) -> Schedule:
    """Keep a new schedule; it fires from now on. SettingsError names what is wrong with it."""
    now = ledger.now()
    wanted = check_schedule(schedule, now)
    with ledger.write() as connection:
        if connection.execute("SELECT 1 FROM schedules WHERE name = ?", (wanted.name,)).fetchone():
            raise SettingsError(
                f"There is a schedule named {wanted.name}: remove it first, or choose another name. {UNCHANGED}"
            )
        connection.execute(
            "INSERT INTO schedules (name, kind, spec, timezone, genres, max_requests, priority, paused, grace_s, "
            "created_at, dealt_until) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (wanted.name, wanted.kind, wanted.spec, wanted.timezone, json.dumps(wanted.genres, ensure_ascii=False),
             wanted.max_requests, wanted.priority, int(wanted.paused), wanted.grace_s, now.timestamp(),
             now.timestamp()),
        )  # fmt: skip
    return wanted


def change_schedule(ledger: Ledger, schedule: Schedule) -> Schedule:
    """Put a schedule in the place of the one of its name, which fires from now on by it; paused stays paused."""
    now = ledger.now()
    wanted = check_schedule(schedule, now)
    query = (
        "UPDATE schedules SET kind = ?, spec = ?, timezone = ?, genres = ?, max_requests = ?, priority = ?, "
        "grace_s = ?, created_at = ?, dealt_until = ? WHERE name = ?"
    )
    genres, instant = json.dumps(wanted.genres, ensure_ascii=False), now.timestamp()
    limits = (genres, wanted.max_requests, wanted.priority, wanted.grace_s)
    values = (wanted.kind, wanted.spec, wanted.timezone, *limits, instant, instant, wanted.name)
    _change(ledger, wanted.name, query, values)
    return wanted


def check_schedule(schedule: Schedule, now: datetime) -> Schedule:
    """The schedule as it would be kept now; SettingsError names what is wrong with it."""
    wanted = replace(schedule, created_at=now, dealt_until=now)
    _check(wanted, now)
    return wanted


def list_schedules(ledger: Ledger) -> list[Schedule]:
    """Every schedule by name."""
    return [_from_row(row) for row in ledger.read("SELECT * FROM schedules ORDER BY name")]


def pause_schedule(ledger: Ledger, name: str) -> None:
    """Let it fire no more until it is resumed."""
    _change(ledger, name, "UPDATE schedules SET paused = 1 WHERE name = ?", (name,))


def resume_schedule(ledger: Ledger, name: str) -> None:
    """Let it fire again; what passed meanwhile is not caught up."""
    now = ledger.now().timestamp()
    query = (
        "UPDATE schedules SET dealt_until = CASE paused WHEN 0 THEN dealt_until ELSE ? END, paused = 0 WHERE name = ?"
    )
    _change(ledger, name, query, (now, name))


def remove_schedule(ledger: Ledger, name: str) -> None:
    """Forget it; its runs stay."""
    _change(ledger, name, "DELETE FROM schedules WHERE name = ?", (name,))


def next_times(schedule: Schedule, now: datetime, count: int = 5) -> list[datetime]:
    """The next fire times, UTC; none while it is paused."""
    return [] if schedule.paused else list(islice(schedule.fire_times(now), count))


def due_schedules(ledger: Ledger, now: datetime) -> list[Due]:
    """Schedules with fire times that have passed and were not dealt with: higher priority first, then longer due."""
    found = [due for schedule in list_schedules(ledger) if (due := _due(schedule, now)) is not None]
    return sorted(found, key=lambda due: (-due.schedule.priority, due.due_at))


def claim(ledger: Ledger, due: Due, run_id: str = "") -> bool:
    """Deal with it, for this process; False when another one was first or it was changed meanwhile."""
    schedule = due.schedule
    with ledger.write() as connection:
        changed = connection.execute(
            "UPDATE schedules SET dealt_until = ?, last_run_id = coalesce(nullif(?, ''), last_run_id) "
            "WHERE name = ? AND dealt_until = ? AND paused = 0",
            (due.due_at.timestamp(), run_id, schedule.name, schedule.dealt_until.timestamp()),
        )
        return changed.rowcount == 1


def unclaim(ledger: Ledger, due: Due) -> None:
    """Take a claim back: its run did not start, so it is due still."""
    schedule = due.schedule
    with ledger.write() as connection:
        connection.execute(
            "UPDATE schedules SET dealt_until = ?, last_run_id = ? WHERE name = ? AND dealt_until = ?",
            (schedule.dealt_until.timestamp(), schedule.last_run_id, schedule.name, due.due_at.timestamp()),
        )


def keep_default(ledger: Ledger, line: str, timezone: str) -> None:
    """Make the setting `schedule` a schedule when it is first seen, and again whenever the setting changes."""
    wanted, seen = f"{timezone} {line}".strip() if line else "", ledger.meta("default_schedule")
    if seen == wanted:
        return
    schedule = Schedule(DEFAULT, "cron", line, timezone)
    if line:
        check_schedule(schedule, ledger.now())  # before the one that is there goes
    if any(each.name == DEFAULT for each in list_schedules(ledger)):
        remove_schedule(ledger, DEFAULT)
    if line:
        add_schedule(ledger, schedule)
    ledger.set_meta("default_schedule", wanted)


def _due(schedule: Schedule, now: datetime) -> Due | None:
    if schedule.paused:
        return None
    passed = list(
        islice(takewhile(lambda instant: instant <= now, schedule.fire_times(schedule.dealt_until)), MOST_MISSED)
    )
    if not passed:
        return None
    late_s = (now - passed[-1]).total_seconds()
    dropped = schedule.grace_s is not None and late_s > max(schedule.grace_s, LATE_S)
    return Due(schedule, passed[-1], tuple(passed[:-1]), late_s > LATE_S, dropped)


def _check(schedule: Schedule, now: datetime) -> None:
    if not re.fullmatch(r"[\w.-]{1,40}", schedule.name):
        raise SettingsError(
            f"name = {schedule.name!r} is not 1 to 40 letters, digits, dots or hyphens, without spaces. {UNCHANGED}"
        )
    if schedule.kind not in get_args(Kind):
        raise SettingsError(f"kind = {schedule.kind!r} is none of {', '.join(get_args(Kind))}. {UNCHANGED}")
    if schedule.max_requests is not None and schedule.max_requests < 1:
        raise SettingsError(f"max_requests = {schedule.max_requests} is less than 1. {UNCHANGED}")
    try:
        ZoneInfo(schedule.timezone)
    except (KeyError, ValueError, OSError):
        said = f"timezone = {schedule.timezone!r} is not a time zone; an example is America/Sao_Paulo."
        raise SettingsError(f"{said} {UNCHANGED}") from None
    try:
        if schedule.kind == "once" and _wall_time(schedule.spec).tzinfo is not None:  # it would not be heeded
            said = "it names an offset: write the time without one, as in 2027-01-31T06:00, and the time zone"
            raise ValueError(said)
        first = next(schedule.fire_times(now), None)
    except (ValueError, OverflowError) as error:
        raise SettingsError(f"{schedule.kind} {schedule.spec!r} cannot be used: {error}. {UNCHANGED}") from None
    if first is None:
        raise SettingsError(f"{schedule.kind} {schedule.spec!r} lies in the past. {UNCHANGED}")


UNCHANGED = "Nothing was changed."


def _wall_time(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError("it is no local date and time, as in 2027-01-31T06:00") from None


def _seconds(text: str) -> int:
    found = re.fullmatch(r"(\d+)\s*([smhdw]?)", text.strip().lower())
    if found is None:
        raise ValueError("it is no interval (seconds, or as in 90m, 6h, 2d)")
    seconds = int(found[1]) * UNITS[found[2] or "s"]
    if seconds < SHORTEST_S:
        raise ValueError(f"it is shorter than {SHORTEST_S} seconds")
    return seconds


def _change(ledger: Ledger, name: str, query: str, params: tuple[object, ...]) -> None:
    with ledger.write() as connection:
        if connection.execute(query, params).rowcount != 1:
            known = (
                ", ".join(row[0] for row in connection.execute("SELECT name FROM schedules ORDER BY name")) or "none"
            )
            raise SettingsError(f"{name} is not a schedule (there are: {known}). {UNCHANGED}")


def _from_row(row: Row) -> Schedule:
    instants = {key: datetime.fromtimestamp(row[key], UTC) for key in ("created_at", "dealt_until")}
    return Schedule(**{**row, **instants, "genres": tuple(json.loads(row["genres"])), "paused": bool(row["paused"])})
