"""What artists release, and when: a process per artist, a pure function of (seed, artist, year)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from .draws import Dice, normal, pick, poisson

__all__ = ["Habits", "Release", "Track", "habits_of", "releases_of_year", "tracks_of"]

_FRIDAYS_SINCE = 2015  # new music has come out on Fridays, world-wide, since July 2015
_MOST_A_YEAR = 40


@dataclass(frozen=True, slots=True)
class Habits:
    """How one artist releases: from `debut` on, `rate` releases a year until `quiet` (then hardly any)."""

    debut: int
    quiet: int
    rate: float
    album_share: float
    joint: float


@dataclass(frozen=True, slots=True)
class Release:
    """One release; it appears on UTC day `day` (an ordinal); `artists` and `guests` are artist numbers."""

    lead: int
    year: int
    number: int
    day: int
    precision: str
    album_type: str
    total_tracks: int
    artists: tuple[int, ...]
    guests: tuple[tuple[int, int], ...]  # (artist, track position counted from 0)

    @property
    def release_date(self) -> str:
        """The date as the API spells it, in its precision."""
        return date.fromordinal(self.day).isoformat()[: {"year": 4, "month": 7, "day": 10}[self.precision]]


@dataclass(frozen=True, slots=True)
class Track:
    """One track of a release; `position` counts from 0 over all discs."""

    release: Release
    position: int
    disc_number: int
    track_number: int
    duration_ms: int
    explicit: bool
    isrc: str
    artists: tuple[int, ...]


def habits_of(dice: Dice, index: int, since: int, joint: float) -> Habits:
    """The habits of an artist whose genre began in `since`; most debuts are recent."""
    draws = dice(30, index)
    debut = max(since, 2025 - poisson(draws[0], 4.0, 12) - int(11 * draws[1] ** 3 * 6))
    quiet = debut + 3 + int(18 * draws[3]) if draws[2] < 0.18 else 9999
    rate = min(max(0.6 * math.exp(0.8 * normal(draws[4])), 0.05), 12.0)
    return Habits(debut, quiet, rate, 0.12 + 0.36 * draws[5] ** 2, joint)


def releases_of_year(
    dice: Dice, index: int, year: int, habits: Habits, partners: Callable[[int], Sequence[int]]
) -> tuple[Release, ...]:
    """The releases artist `index` leads in this year, oldest first."""
    if year < habits.debut:
        return ()
    draws = dice(31, index, year)
    mean = habits.rate * (0.5 + draws[0]) * (1.0 if year <= habits.quiet else 0.06)
    count = max(poisson(draws[1], mean, _MOST_A_YEAR), 1 if year == habits.debut else 0)
    found = [_release(dice, index, year, number, habits, partners) for number in range(count)]
    return tuple(sorted(found, key=lambda release: (release.day, release.number)))


def _release(
    dice: Dice, index: int, year: int, number: int, habits: Habits, partners: Callable[[int], Sequence[int]]
) -> Release:
    draws = dice(32, index, year, number)
    day, precision = _day(year, draws[0], draws[1])
    album_type, total = _format(habits, year, draws[2], draws[3])
    others = [other for other in partners(index) if other != index]
    artists: tuple[int, ...] = (index,)
    if others and draws[4] < habits.joint:
        artists += (pick(draws[4] / habits.joint, others),)
    guests = (
        _guests(dice(33, index, year, number), others, artists, total)
        if others and draws[5] < habits.joint * 1.3
        else ()
    )
    return Release(index, year, number, day, precision, album_type, total, artists, guests)


def _day(year: int, where: float, habit: float) -> tuple[int, str]:
    first = date(year, 1, 1).toordinal()
    day = first + int(where * 365)
    if year >= _FRIDAYS_SINCE:
        if habit < 0.74:
            day += 4 - (day - 1) % 7
            day += 7 if day < first else -7 if day > first + 364 else 0
        return day, "day"
    if year < 1972 or (year < 1996 and habit < 0.3):
        return first, "year"
    if year < 1996 and habit < 0.45:
        return date.fromordinal(day).replace(day=1).toordinal(), "month"
    return day, "day"


def _format(habits: Habits, year: int, kind: float, size: float) -> tuple[str, int]:
    if year >= habits.debut + 6 and kind > 0.95:
        return "compilation", 12 + int(19 * size)
    if kind < habits.album_share:
        return "album", 51 + int(2000 * (size - 0.985)) if size > 0.985 else 7 + int(10 * size)
    return "single", 4 + int(3 * size * 0.99) if kind > 0.85 else 1 if size < 0.72 else 2


def _guests(
    draws: list[float], others: Sequence[int], artists: tuple[int, ...], total: int
) -> tuple[tuple[int, int], ...]:
    chosen: dict[int, int] = {}
    for number in range(1 + int(draws[0] * 2.2)):
        guest = pick(draws[1 + 2 * number], others)
        if guest not in artists:
            chosen[guest] = int(draws[2 + 2 * number] * total)
    return tuple(chosen.items())


def tracks_of(dice: Dice, release: Release) -> tuple[Track, ...]:
    """The tracks of a release in order; more than 30 fill several discs of 25."""
    per_disc = 25 if release.total_tracks > 30 else 9999
    return tuple(_track(dice, release, position, per_disc) for position in range(release.total_tracks))


def _track(dice: Dice, release: Release, position: int, per_disc: int) -> Track:
    draws = dice(34, release.lead, release.year, release.number, position)
    guests = tuple(artist for artist, where in release.guests if where == position)
    return Track(
        release,
        position,
        1 + position // per_disc,
        1 + position % per_disc,
        int(1000 * (105 + 210 * (draws[0] + draws[1]) / 2)),
        draws[2] < 0.12,
        _isrc(release, position),
        release.artists + guests,
    )


def _isrc(release: Release, position: int) -> str:
    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    registrant = "".join(digits[release.lead // 36**place % 36] for place in (2, 1, 0))
    return f"ZZ{registrant}{release.year % 100:02d}{release.number * 100 + position:05d}"
