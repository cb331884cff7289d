"""Values of other projects' files → ours: which column means what, and ids, numbers, genres and days in any usual form.

What cannot be understood is None with a reason, never an exception. Imports `shapes`.
"""

from __future__ import annotations

import ast
import json
import math
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

from pipeline.lake.shapes import COUNT

__all__ = ["FIELDS", "Observation", "artist_id", "day_in_name", "field_columns", "has_id", "linked", "observation"]

LAUNCH = date(2008, 10, 7)  # nobody observed Spotify before
# Our field → names it goes by, likelier ones first; compared without case, accents and punctuation.
FIELDS: dict[str, tuple[str, ...]] = {
    "artist_id": (
        *("artist_uri", "spotify_uri", "uri", "spotify_id", "id_spotify", "spotify_artist_id", "artist_id"),
        *("id_artista", "artista_id", "artist_url", "spotify_url", "artist_link", "id", "url", "link", "external_urls"),
    ),
    "name": ("artist_name", "nome_artista", "artista_nome", "name", "nome", "artist", "artista"),
    "followers": ("followers", "seguidores", "followers_total", "total_followers", "followers_count",
                  "total_seguidores", "num_seguidores", "qtd_seguidores"),
    "popularity": ("popularity", "popularidade", "artist_popularity"),
    "genres": ("genres", "generos", "artist_genres", "genre", "genero"),
    "day": ("data_coleta", "coletado_em", "data_hora", "collected_at", "fetched_at", "observed_on", "snapshot_date",
            "data", "date", "dia", "day", "dt", "timestamp", "created_at", "criado_em"),
    "image_url": ("image_url", "imagem_url", "url_imagem", "images", "imagem", "image"),
}  # fmt: skip
_ID = re.compile(r"[0-9A-Za-z]{22}")
_LINK = re.compile(r"(?:spotify:|(?:https?://)?open\.spotify\.com/(?:intl-[\w-]+/)?)(\w+)[:/]([^?/#\s]+)\S*")
_OTHER_LINKS = {
    "album": "a link to an album, not to an artist", "track": "a link to a track, not to an artist",
    "playlist": "a link to a playlist, not to an artist", "user": "a link to a user, not to an artist",
    "show": "a link to a show, not to an artist", "episode": "a link to an episode, not to an artist",
}  # fmt: skip
_GROUPED = re.compile(r"\d{1,3}([.,]\d{3})+")
_DECIMAL = re.compile(r"(?:\d+|\d{1,3}(?:\.\d{3})+),(\d+)|\d{1,3}(?:,\d{3})+\.(\d+)")  # 1.234,0 and 1,234.0
_SURROGATES = re.compile("[\ud800-\udfff\0]")
_SECONDS = re.compile(r"[0-9]{10}(\.[0-9]+)?")
_DAY_FORMS = (
    (re.compile(r"(?<!\d)(\d{4})[-_./]?(\d{2})[-_./]?(\d{2})(?!\d)"), (1, 2, 3)),
    (re.compile(r"(?<!\d)(\d{1,2})[-_./](\d{1,2})[-_./](\d{4})(?!\d)"), (3, 2, 1)),  # day first, as in Brazil
)


@dataclass(frozen=True)
class Observation:
    """An artist as some file has it; `day` None where it does not say. `told` is False for an id alone."""

    artist_id: str
    day: date | None = None
    name: str | None = None
    followers: int | None = None
    popularity: int | None = None
    genres: tuple[str, ...] | None = None
    image_url: str | None = None
    reasons: tuple[str, ...] = field(default=(), compare=False)  # what of it was dropped

    @property
    def told(self) -> bool:
        """Whether it says anything of the artist."""
        return any(value is not None for value in (self.name, self.followers, self.popularity, self.genres))


def observation(values: Mapping[str, Any], today: date) -> Observation | str:
    """What these values say; a reason when no artist can be told."""
    columns = field_columns(tuple(values))
    found, why = "", "no artist's id"
    for column in columns.get("artist_id", ()):
        found, told = artist_id(_inner(values[column], "spotify"))
        if found:
            break
        why = told if values[column] not in (None, "") else why
    if not found:
        return why
    reasons: list[str] = []
    fitted: dict[str, Any] = {}
    for name, fit in _FITS.items():
        for column in columns.get(name, ()):
            value, why = fit(values[column], today)
            if why and name == "day":
                return f"{column}: {why}"  # another day would be a made-up one
            if why:
                reasons.append(f"{column}: {why}")
            if value is not None:
                fitted[name] = value
                break
    return Observation(found, **fitted, reasons=tuple(reasons))


@lru_cache(maxsize=1024)
def field_columns(names: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Our fields, each with the columns it may be read from, likelier ones first."""
    known = {_folded(name): name for name in reversed(names)}
    found = {ours: tuple(known[theirs] for theirs in usual if theirs in known) for ours, usual in FIELDS.items()}
    return {ours: columns for ours, columns in found.items() if columns}


def artist_id(value: Any) -> tuple[str, str]:
    """The artist's id in an id, a URI or a link; empty with a reason when there is none."""
    text = value.strip().strip("\"'<>,;") if isinstance(value, str) else str(value)
    if _ID.fullmatch(text):
        return text, ""
    kind, given = linked(text)
    if kind == "artist" and _ID.fullmatch(given):
        return given, ""
    if kind in _OTHER_LINKS:
        return "", _OTHER_LINKS[kind]
    return "", f"{_shown(value)} is no artist's id or link"


def has_id(values: Mapping[str, Any]) -> bool:
    """Whether one of these values, which may be anything, is the id of an artist by its name and by itself."""
    columns = field_columns(tuple(values)).get("artist_id", ())
    return any(artist_id(values[name])[0] for name in columns if not isinstance(values[name], (dict, list)))


def linked(text: str) -> tuple[str, str]:
    """What a Spotify URI or link leads to: kind and id; both empty where the text is none."""
    link = _LINK.fullmatch(text)
    return (link[1], link[2]) if link else ("", "")


def day_in_name(name: str) -> date | None:
    """The day that a file's or folder's name carries."""
    for form, order in _DAY_FORMS:
        for match in form.finditer(name):
            day = _date(*(int(match[group]) for group in order))
            if day and day >= LAUNCH:
                return day
    return None


def _text(value: Any, _today: date) -> tuple[str | None, str]:
    if isinstance(value, (str, int, float)) and not isinstance(value, bool):
        text = _SURROGATES.sub("\ufffd", str(value)).strip()
        return (text, "") if text and text.lower() not in _NOTHING else (None, "")
    return None, "" if value is None else f"{_shown(value)} where text belongs"


def _count(value: Any, _today: date) -> tuple[int | None, str]:
    return _number(_inner(value, "total"), COUNT.high)


def _percent(value: Any, _today: date) -> tuple[int | None, str]:
    return _number(value, 100)


def _number(value: Any, most: int) -> tuple[int | None, str]:
    if value is None or (isinstance(value, str) and value.strip().lower() in _NOTHING):
        return None, ""
    text = str(value).strip().replace("\u00a0", "").replace(" ", "")
    if isinstance(value, str) and _GROUPED.fullmatch(text):
        text = re.sub("[.,]", "", text)
    elif isinstance(value, str) and (decimal := _DECIMAL.fullmatch(text)):
        decimals = decimal[1] or decimal[2]
        text = f"{re.sub('[.,]', '', text[: -len(decimals)])}.{decimals}"
    try:
        number = float(text) if not text.isdecimal() else int(text)
    except ValueError:  # not a number, or one of more than 4,300 digits
        return None, f"{_shown(value)} is no number"
    if isinstance(number, float) and math.isnan(number):
        return None, ""
    if isinstance(value, bool) or not 0 <= number <= most or number != int(number):
        return None, f"{_shown(value)} is not a whole number from 0 to {most}"
    return int(number), ""


def _genres(value: Any, _today: date) -> tuple[tuple[str, ...] | None, str]:
    listed: Any = _parsed_list(value) if isinstance(value, str) else value
    if listed is None or (isinstance(listed, float) and math.isnan(listed)):
        return None, ""
    if not isinstance(listed, Sequence) or isinstance(listed, str):
        return None, f"{_shown(value)} is no list of genres"
    texts = [text for text, _ in (_text(each, LAUNCH) for each in listed) if text]
    return tuple(dict.fromkeys(texts)), ""


def _parsed_list(text: str) -> Any:
    """A list written as JSON, as Python shows one, or with separators."""
    if text.strip().lower() in _NOTHING:
        return None
    if text.strip().startswith(("[", "(", "{")):
        for parse in (json.loads, ast.literal_eval):
            try:
                found = parse(text.strip())
            except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
                continue
            return sorted(found) if isinstance(found, set) and all(isinstance(each, str) for each in found) else found
    separator = next((each for each in (";", "|", ",") if each in text), ",")
    return [part.strip("[](){}'\" ") for part in text.split(separator)]


def _day(value: Any, today: date) -> tuple[date | None, str]:
    if value is None or (isinstance(value, str) and value.strip().lower() in _NOTHING):
        return None, ""
    day = _moment(value)
    if day is None:
        return None, f"{_shown(value)} is no date"
    if day > today:
        return None, f"{day.isoformat()} is in the future"
    return (day, "") if day >= LAUNCH else (None, f"{day.isoformat()} is before Spotify began")


def _moment(value: Any) -> date | None:
    """The UTC day of a date, an instant in ISO form, a Brazilian date, or seconds since 1970."""
    if isinstance(value, str) and _SECONDS.fullmatch(value.strip()):  # in a cell of CSV a number is text, too
        value = float(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 1e9 <= value < 1e11:
        return datetime.fromtimestamp(value, UTC).date()
    text = str(value).strip()
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        forms = [(form.match(text), order) for form, order in _DAY_FORMS]
        return next((_date(*(int(match[group]) for group in order)) for match, order in forms if match), None)
    try:
        return (instant.astimezone(UTC) if instant.tzinfo else instant).date()
    except OverflowError:  # the first or last day there is
        return None


def _url(value: Any, _today: date) -> tuple[str | None, str]:
    first = value[0] if isinstance(value, list) and value else value
    text, _ = _text(_inner(first, "url"), LAUNCH)
    return (text, "") if text and text.startswith(("http://", "https://")) else (None, "")


_FITS: dict[str, Callable[[Any, date], tuple[Any, str]]] = {
    "name": _text, "followers": _count, "popularity": _percent, "genres": _genres, "day": _day, "image_url": _url,
}  # fmt: skip
_NOTHING = ("", "nan", "none", "null", "n/a", "na", "-")


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _inner(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, Mapping) else value


def _folded(name: str) -> str:
    plain = "".join(char for char in unicodedata.normalize("NFKD", name.lower()) if not unicodedata.combining(char))
    return re.sub(r"[^a-z0-9]+", "_", plain).strip("_")


def _shown(value: Any) -> str:
    text = repr(value[:90] if isinstance(value, (str, list)) else value)  # a link with its id, whole
    return text if len(text) <= 80 else f"{text[:77]}..."
