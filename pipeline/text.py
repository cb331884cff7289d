"""What people are told, on pages and in notifications, in English and Brazilian Portuguese: texts, numbers, dates.

Texts stand in English in the code and are looked up in `pages/locale/<language>/LC_MESSAGES/garimpo.po`, which lies
with those who have most of them, read once. Numbers and dates come from Babel, which this module owns. What Spotify
withholds (None) reads as such, never as 0. Imports `errors`.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale, dates, numbers
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from pipeline.errors import GarimpoError

__all__ = ["Text", "catalogue", "round_seconds"]

DAY_FIELDS = {"en": "YYYY-MM-DD", "pt_BR": "DD/MM/YYYY"}
SPANS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)  # round ones, s
FOLDER = Path(__file__).parent.parent / "pages" / "locale"


@cache
def catalogue(language: str) -> Catalog:
    """The messages of a language; empty for English, in which the code is written."""
    path = FOLDER / language / "LC_MESSAGES" / "garimpo.po"
    if not path.is_file():
        return Catalog(locale=language)
    with path.open("rb") as file:
        return read_po(file, locale=language)


@cache
def _errors(language: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    """What errors say, as patterns with a group for each value, and how the language says it.

    First those that take a last sentence off, then those that begin with a word of their own, the longest first.
    """
    found = [entry for entry in catalogue(language) if entry.context == "error"]
    said = sorted(((str(entry.id), str(entry.string)) for entry in found), key=_rank)
    return tuple((_pattern(english), words) for english, words in said)


def _rank(said: tuple[str, str]) -> tuple[bool, bool, int]:
    return not said[0].startswith("{said}"), said[0].startswith("{"), -len(said[0])


def _pattern(message: str, first: str = ".+?") -> re.Pattern[str]:
    parts = re.split(r"{(\w+)}", message)  # words, name, words, name, …
    values = {1: first} if not parts[0] else {}
    said = [f"(?P<{part}>{values.get(at, '.+?')})" if at % 2 else re.escape(part) for at, part in enumerate(parts)]
    return re.compile("".join(said), re.DOTALL)


@cache
def _phrases(language: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    """What messages say in passing, likewise, the longest first; a value that begins one is a single word."""
    found = [(str(entry.id), str(entry.string)) for entry in catalogue(language) if entry.context == "phrase"]
    longest_first = sorted(found, key=lambda each: -len(each[0]))
    return tuple((_pattern(said, first=r"\S+"), words) for said, words in longest_first)


@dataclass(frozen=True)
class Text:
    """Texts, numbers and dates of one language; instants in one time zone. Call it with an English text."""

    language: str = "en"
    zone: str = "UTC"

    def __call__(self, message: str, **values: object) -> str:
        """The text in this language, with the values in their places."""
        found = catalogue(self.language).get(message)
        text = str(found.string) if found and found.string else message
        return text.format(**values) if values else text

    def error(self, error: GarimpoError | str) -> str:
        """What an error says, in this language where the catalogue knows it or phrases of it; else as it is."""
        said = str(error)
        for pattern, words in _errors(self.language):
            if found := pattern.fullmatch(said):
                return words.format(**{name: self.error(value) for name, value in found.groupdict().items()})
        for pattern, words in _phrases(self.language):
            said = pattern.sub(lambda found, words=words: words.format(**found.groupdict()), said)  # type: ignore[misc]
        return said

    def plural(self, one: str, many: str, count: int, **values: object) -> str:
        """The form for `count`, which stands formatted in place of {count}."""
        found = catalogue(self.language).get(one)
        forms = found.string if found and isinstance(found.string, tuple) else ()
        place = 0 if Locale.parse(self.language).plural_form(count) == "one" else 1
        text = forms[place] if forms and forms[place] else (one, many)[place]
        return text.format(count=self.number(count), **values)

    def number(self, value: float | None) -> str:
        """A whole number, digits grouped; what is withheld is said."""
        return self("not given") if value is None else numbers.format_decimal(round(value), locale=self.language)

    def decimal(self, value: float) -> str:
        """A number with at most one decimal."""
        return str(numbers.format_decimal(round(value, 1 if value < 100 else 0), locale=self.language))

    def compact(self, value: float | None, *, digits: int = 1, least: int = 10_000) -> str:
        """A number as one would say it, such as 1.2M; below `least` in full."""
        if value is None or abs(value) < least:
            return self.number(value)
        return str(numbers.format_compact_decimal(value, locale=self.language, fraction_digits=digits))

    def signed(self, value: float | None) -> str:
        """A compact number with its sign."""
        return self("not given") if value is None else f"{_sign(value)}{self.compact(abs(value))}"

    def percent(self, share: float | None, *, signed: bool = False) -> str:
        """A share in per cent, one decimal below ten; with its sign where it is a change."""
        if share is None:
            return self("not given")
        share = round(share, 3)  # what shows as nought has no sign
        shown = str(
            numbers.format_percent(abs(share), format="0.0%" if 0 < abs(share) < 0.0995 else "0%", locale=self.language)
        )
        return f"{_sign(share)}{shown}" if signed else shown

    def day(self, value: date | None, *, precision: str = "day") -> str:
        """A date as far as it is known: a day, a month or a year."""
        if value is None:
            return self("unknown date")
        if precision == "year":
            return str(value.year)
        if precision == "month":
            return str(dates.format_date(value, format="MMM y", locale=self.language))
        return str(
            dates.format_date(value, format="MMM d, y" if self.language == "en" else "d MMM y", locale=self.language)
        )

    @property
    def day_field(self) -> str:
        """How a day is typed, as Streamlit's fields take it."""
        return DAY_FIELDS[self.language]

    def short_day(self, value: date) -> str:
        """Day and month, where the year is plain: on axes, of last days."""
        return str(dates.format_date(value, format="MMM d" if self.language == "en" else "d MMM", locale=self.language))

    def instant(self, value: datetime | None, near: datetime | None = None) -> str:
        """Day and time in the reader's time zone; with the year, where that of `near` is another."""
        if value is None:
            return ""
        day = "MMM d" if self.language == "en" else "d MMM"
        if near and near.astimezone(self._zone()).year != value.astimezone(self._zone()).year:
            day += ", y" if self.language == "en" else " y"
        pattern = f"{day}, HH:mm"
        return str(dates.format_datetime(value, format=pattern, tzinfo=self._zone(), locale=self.language))

    def moment(self, value: datetime) -> str:
        """Weekday, day and time in the reader's time zone."""
        pattern = "EEE, MMM d, HH:mm" if self.language == "en" else "EEE d MMM, HH:mm"
        return str(dates.format_datetime(value, format=pattern, tzinfo=self._zone(), locale=self.language))

    def weekday(self, value: date) -> str:
        """The name of a day of the week."""
        return str(dates.format_date(value, format="EEEE", locale=self.language))

    def clock(self, value: datetime) -> str:
        """The time of day to the second, in the reader's time zone."""
        return f"{value.astimezone(self._zone()):%H:%M:%S}"

    def zone_name(self, value: datetime) -> str:
        """What the reader's time zone is called at an instant: a name people use, or its distance from UTC."""
        local = value.astimezone(self._zone())
        name = dates.get_timezone_name(local, width="short", locale=self.language)
        return f"UTC{name[:3]}:{name[3:]}".replace("-", "\u2212") if name[0] in "+-" else name

    def zoned(self, value: datetime) -> str:
        """Day and time with the name of the time zone."""
        return f"{self.instant(value)} {self.zone_name(value)}"

    def ago(self, value: datetime, now: datetime) -> str:
        """How long ago, in words."""
        if (now - value).total_seconds() < 60:
            return self("just now")
        return str(
            dates.format_timedelta(
                value - now, add_direction=True, granularity="minute", threshold=1.5, locale=self.language
            )
        )

    def span(self, seconds: float) -> str:
        """A long span of time in its largest unit."""
        return str(dates.format_timedelta(timedelta(seconds=seconds), threshold=1.5, locale=self.language))

    def duration(self, seconds: float) -> str:
        """A span of time in its two largest units."""
        whole = max(0, round(seconds))
        parts = ((whole // 3600, "h"), (whole % 3600 // 60, "min"), (whole % 60, "s"))
        shown = [f"{amount}\u00a0{unit}" for amount, unit in parts if amount][:2]
        return " ".join(shown) or "< 1\u00a0s"

    def _zone(self) -> ZoneInfo:
        try:
            return ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError):  # Windows without tzdata, or a name of the browser's own
            return ZoneInfo("UTC")


def round_seconds(rough: float) -> int:
    """The shortest span not below `rough` that clocks and calendars have a word for: 30 s, 5 min, 2 h, whole days."""
    return next((each for each in SPANS if each >= rough), math.ceil(rough / SPANS[-1]) * SPANS[-1])


def _sign(value: float) -> str:
    return "+" if value > 0 else "\u2212" if value < 0 else ""
