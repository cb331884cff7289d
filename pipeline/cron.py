"""Crontab lines as instants, by the rules of cron: 0 and 7 are Sunday, two restricted day fields mean either.

Where clocks are set back a line with fixed hours fires once (the first time), where they are set forward it fires in
the hour after; a line for every hour follows the real hours. Pure functions; imports nothing of ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import product
from zoneinfo import ZoneInfo

__all__ = ["Cron", "instants_at", "parse_cron"]

WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
SHORTHANDS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
LONGEST_DAYS = 366 * 29  # a leap day that must be a certain weekday comes every 28 years


@dataclass(frozen=True)
class Cron:
    """A parsed line; `either_day`: day of month and weekday are both restricted, and one of them is enough."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either_day: bool
    every_hour: bool

    def instants(self, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
        """Instants strictly after one, UTC, in order; ends where the line never comes."""
        first = after.astimezone(zone).date() - timedelta(days=1)
        for offset in range(LONGEST_DAYS):
            day = first + timedelta(days=offset)
            if self._is_on(day):
                yield from (instant for instant in self._on(day, zone) if instant > after)

    def _is_on(self, day: date) -> bool:
        in_month, in_week = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        matches = (in_month or in_week) if self.either_day else (in_month and in_week)
        return day.month in self.months and matches

    def _on(self, day: date, zone: ZoneInfo) -> list[datetime]:
        found = set[datetime]()
        for hour, minute in product(self.hours, self.minutes):
            wall = datetime.combine(day, time(hour, minute))
            real = instants_at(wall, zone)
            if self.every_hour:
                found.update(instant for instant in real if instant.astimezone(zone).replace(tzinfo=None) == wall)
            else:
                found.add(real[0])
        return sorted(found)


def instants_at(wall: datetime, zone: ZoneInfo) -> list[datetime]:
    """The instants (UTC) at which a clock on the wall shows this: one; two where it is set back; shifted in a gap."""
    both = [wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)]
    return both[:1] if both[0] >= both[1] else both  # in a gap the first one is the later: after the gap


@cache
def parse_cron(line: str) -> Cron:
    """The line as numbers; ValueError says which field is wrong, and what to write."""
    fields = SHORTHANDS.get(line.strip().lower(), line).lower().split()
    if len(fields) == 1 and fields[0].startswith("@"):
        raise ValueError(f"{fields[0]} is none of {', '.join(SHORTHANDS)}")
    if len(fields) != 5:
        said = "it needs five fields (minute hour day month weekday, as in '0 6 * * *')"
        raise ValueError(f"{said} and has {len(fields)}")
    minute, hour, day, month, weekday = fields
    cron = Cron(
        _numbers("minute", minute, 0, 59),
        _numbers("hour", hour, 0, 23),
        _numbers("day", day, 1, 31),
        _numbers("month", month, 1, 12, MONTHS, 1),
        frozenset(number % 7 for number in _numbers("weekday", weekday, 0, 7, WEEKDAYS, 0)),
        either_day=not day.startswith("*") and not weekday.startswith("*"),
        every_hour=hour.startswith("*"),
    )
    if next(cron.instants(ZoneInfo("UTC"), datetime(2024, 1, 1, tzinfo=UTC)), None) is None:
        raise ValueError("that day never comes")
    return cron


def _numbers(
    field: str, text: str, lowest: int, highest: int, names: tuple[str, ...] = (), first: int = 0
) -> frozenset[int]:
    found = set[int]()
    for part in text.split(","):
        span, _, step = part.partition("/")
        begin, _, end = span.partition("-")
        try:
            stride = int(step or 1) if not part.endswith(("/", "-")) else int("")
            low = lowest if span == "*" else _number(begin, names, first)
            high = highest if span == "*" or (step and not end) else _number(end or begin, names, first)
        except ValueError:
            named = f" or {names[0]} to {names[-1]}" if names else ""
            write = f"write numbers from {lowest} to {highest}{named}, as in 5, 1-5 or */2"
            raise ValueError(f"{field} {part!r} is not understood: {write}") from None
        if stride < 1:
            raise ValueError(f"{field} {part!r} has a step below 1: write one as in */2")
        if high < low and names:
            high += 7 if highest == 7 else 12  # fri-mon
        if lowest <= high < low <= highest:
            again = f"/{step}" if step else ""
            write = f"write {low}-{highest}{again},{lowest}-{high}{again}"
            raise ValueError(f"{field} {part!r} ends before it begins: {write}")
        if not lowest <= low <= highest or high < low or (high > highest and not names):
            raise ValueError(f"{field} {part!r} is not within {lowest} to {highest}")
        found.update(_wrapped(number, highest) for number in range(low, high + 1, stride))
    return frozenset(found)


def _number(text: str, names: tuple[str, ...], first: int) -> int:
    return names.index(text) + first if text in names else int(text)


def _wrapped(number: int, highest: int) -> int:
    """Behind the last weekday or month the first one comes again."""
    if number <= highest:
        return number
    return number - 7 if highest == 7 else number - 12
