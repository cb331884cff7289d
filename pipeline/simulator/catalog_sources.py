"""Where a catalogue's artists come from: drawn from a seed, or read from a CSV file of real ones."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path

from .catalog import Artist, Catalog, fold
from .draws import Dice, pick, weighted
from .genres import GENRES, Genre
from .growth import ANCHOR_DAY
from .ids import ARTIST, IdCipher, is_well_formed
from .names import PORTUGUESE_STYLES, Names

__all__ = ["COLUMNS", "CatalogError", "catalog_from_file", "synthetic_catalog"]

COLUMNS = ("artist_uri", "artist_name", "popularity", "followers", "genres")
_WEIGHTS = list(accumulate(genre.weight for genre in GENRES))
_BY_NAME = {genre.name: genre for genre in GENRES}


class CatalogError(ValueError):
    """The catalogue file cannot be used; the message names file, line and value."""


def synthetic_catalog(seed: int, count: int) -> Catalog:
    """A catalogue of `count` invented artists; the first artists are the same whatever the count."""
    key = f"synthetic:{seed}"
    dice, cipher = Dice(key), IdCipher(key)
    names, taken = Names(dice), set[str]()
    return Catalog(
        key, f"seed {seed}", [_drawn(dice, cipher, names, taken, index) for index in range(count)], ANCHOR_DAY
    )


def _drawn(dice: Dice, cipher: IdCipher, names: Names, taken: set[str], index: int) -> Artist:
    draws = dice(50, index)
    genre = GENRES[weighted(draws[0], _WEIGHTS)]
    style = pick(draws[1], genre.styles)
    name, attempt = names.act(index, style, 0), 0
    while fold(name) in taken:
        attempt += 1
        name = names.act(index, style, attempt)
    taken.add(fold(name))
    return Artist(
        index,
        cipher.encode(ARTIST, index),
        name,
        _genres(genre, draws[2:]),
        genre.since,
        genre.joint,
        style in PORTUGUESE_STYLES,
    )


def _genres(genre: Genre, draws: list[float]) -> tuple[str, ...]:
    if draws[0] < 0.04:
        return ()
    found = [genre.name]
    for draw, share in zip(draws[1:], (0.62, 0.34, 0.12), strict=False):
        if draw < share:
            near = pick(draw / share, _BY_NAME[found[-1]].near)
            found += [near] if near not in found else []
    return tuple(found)


def catalog_from_file(path: Path, anchor_day: int) -> Catalog:
    """The artists of a CSV file (columns `COLUMNS`, genres separated by "; "), each id once.

    Followers and popularity are the file's on `anchor_day` and move with the days around it.

    Raises CatalogError for a file that cannot be read or does not have these columns.
    """
    try:
        content = path.read_bytes()
        text = content.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise CatalogError(f"cannot read the catalogue {path}: {error}") from error
    digest = hashlib.sha256(content).hexdigest()[:12]
    key = f"file:{digest}"
    return Catalog(key, f"file {path.name} {digest}", list(_read(path, text, Dice(key))), anchor_day)


def _read(path: Path, text: str, dice: Dice) -> Iterator[Artist]:
    reader = csv.DictReader(io.StringIO(text, newline=""))
    missing = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
    if missing:
        raise CatalogError(
            f"the catalogue {path} lacks the column(s) {', '.join(missing)}; it needs {', '.join(COLUMNS)}"
        )
    seen: set[str] = set()
    for row in reader:
        found = (row["artist_uri"] or "").strip().rsplit(":", 1)[-1].rsplit("/", 1)[-1]
        if found in seen:
            continue
        where = f"the catalogue {path}, line {reader.line_num}"
        if not is_well_formed(found):
            raise CatalogError(
                f"{where}: artist_uri {row['artist_uri']!r} does not end in an id of 22 letters and digits"
            )
        genres = tuple(dict.fromkeys(genre.strip() for genre in (row["genres"] or "").split(";") if genre.strip()))
        popularity, followers = _whole(row["popularity"], 100, where), _whole(row["followers"], 10**12, where)
        draws = dice(51, len(seen))
        portuguese = any(genre in _BY_NAME or "brasil" in genre for genre in genres)
        name = row["artist_name"] or ""
        yield Artist(len(seen), found, name, genres, 1960 + int(50 * draws[0]), 0.16, portuguese, followers, popularity)
        seen.add(found)


def _whole(text: str | None, most: int, where: str) -> int:
    try:
        number = int(float(text or ""))
    except (ValueError, OverflowError):
        number = -1
    if not 0 <= number <= most:
        raise CatalogError(f"{where}: {text!r} is not a whole number between 0 and {most}")
    return number
