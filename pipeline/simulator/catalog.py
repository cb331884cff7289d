"""The catalogue: which artists exist, who follows them, what they have out on a day; a pure function of (seed, day)."""

from __future__ import annotations

import math
import threading
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from .draws import Dice, normal
from .growth import Curve, followers_at_anchor, popularity_score
from .ids import ALBUM, TRACK, IdCipher
from .names import Names
from .releases import Habits, Release, Track, habits_of, releases_of_year, tracks_of

__all__ = ["GROUPS", "Artist", "Catalog", "Credit", "fold"]

GROUPS = ("album", "single", "compilation", "appears_on")
_SCENE, _MIX = 12, 5  # artists who may record together: a dozen of one genre, five of any
_CACHED_ARTISTS = 10_000
_CACHED_DAYS = 3

Credit = tuple[str, Release]  # (album_group as seen from one artist, release)


@dataclass(frozen=True, slots=True)
class Artist:
    """One artist; `followers` and `popularity` hold on the catalogue's anchor day, where the catalogue fixes them."""

    index: int
    id: str
    name: str
    genres: tuple[str, ...]
    since: int
    joint: float
    portuguese: bool
    followers: int | None = None
    popularity: int | None = None


@dataclass(frozen=True, slots=True)
class _Temper:
    """What stays the same about an artist: the curve of the audience, the habits, the starting point."""

    curve: Curve
    habits: Habits
    followers: float
    offset: float


class Catalog:
    """Artists and all that follows from them; days are ordinals of UTC days, artists are numbers into `artists`."""

    def __init__(self, seed: str, label: str, artists: Sequence[Artist], anchor_day: int) -> None:
        self.label, self.artists, self.anchor_day = label, artists, anchor_day
        self.dice, self.cipher = Dice(seed), IdCipher(seed)
        self.names = Names(self.dice)
        self.by_id = {artist.id: artist.index for artist in artists}
        self._tempers: dict[int, _Temper] = {}
        self._led: dict[tuple[int, int], tuple[Release, ...]] = {}
        self._credits: dict[tuple[int, int], list[Credit]] = {}
        self._changing_days = threading.Lock()
        self._numbers: dict[int, dict[int, tuple[int, int]]] = {}
        self._rankings: dict[tuple[str, int], list[int]] = {}

    @cached_property
    def members(self) -> dict[str, list[int]]:
        """Artist numbers by folded genre name."""
        found: dict[str, list[int]] = {}
        for artist in self.artists:
            for genre in artist.genres:
                found.setdefault(fold(genre), []).append(artist.index)
        return found

    @cached_property
    def folded_names(self) -> list[str]:
        """Names as text search sees them, by artist number."""
        return [fold(artist.name) for artist in self.artists]

    @cached_property
    def _circles(self) -> tuple[list[int], dict[int, list[int]], list[int], dict[int, list[int]]]:
        """Who may record with whom: (scene of each artist, its members, mix of each artist, its members)."""
        seen: dict[str, int] = {}
        scene_of, mix_of = [0] * len(self.artists), [0] * len(self.artists)
        names: dict[tuple[str, int], int] = {}
        for artist in self.artists:
            genre = artist.genres[0] if artist.genres else ""
            place = seen[genre] = seen.get(genre, -1) + 1
            scene_of[artist.index] = names.setdefault((genre, place // _SCENE), len(names))
        shuffled = sorted(range(len(self.artists)), key=lambda index: self.dice(40, index)[0])
        for place, index in enumerate(shuffled):
            mix_of[index] = place // _MIX
        return scene_of, _grouped(scene_of), mix_of, _grouped(mix_of)

    def partners(self, index: int) -> list[int]:
        """The artists `index` may record with; the relation is symmetric."""
        scene_of, scenes, mix_of, mixes = self._circles
        return [*scenes[scene_of[index]], *mixes[mix_of[index]]]

    def numbers(self, index: int, day: int) -> tuple[int, int]:
        """(followers, popularity) of an artist, constant within one UTC day."""
        today = self._numbers.get(day)
        if today is None:
            with self._changing_days:
                while len(self._numbers) >= _CACHED_DAYS:
                    self._numbers.pop(next(iter(self._numbers)))
                    self._rankings.clear()
                today = self._numbers.setdefault(day, {})
        found = today.get(index)
        if found is None:
            found = today[index] = self._measured(index, day)
        return found

    def ranking(self, genre: str, day: int) -> list[int]:
        """The artists of a folded genre ("" for all), most popular first, then by id."""
        found = self._rankings.get((genre, day))
        if found is None:
            members: Iterable[int] = self.members.get(genre, ()) if genre else range(len(self.artists))
            found = sorted(members, key=lambda index: (-self.numbers(index, day)[1], self.artists[index].id))
            self._rankings[genre, day] = found
        return found

    def led(self, index: int, year: int) -> tuple[Release, ...]:
        """The releases this artist leads in this year, oldest first."""
        found = self._led.get((index, year))
        if found is None:
            if len(self._led) > 10 * _CACHED_ARTISTS:
                self._led.clear()
            found = releases_of_year(self.dice, index, year, self.temper(index).habits, self.partners)
            self._led[index, year] = found
        return found

    def discography(self, index: int, day: int) -> list[Credit]:
        """What an artist has out by this day: albums, singles, compilations, appearances, each newest first."""
        year = date.fromordinal(day).year
        found = self._credits.get((index, year))
        if found is None:
            if len(self._credits) > _CACHED_ARTISTS:
                self._credits.clear()
            found = self._credits[index, year] = self._credited(index, year)
        return [credit for credit in found if credit[1].day <= day]

    def release(self, album_id: str, day: int) -> Release | None:
        """The release with this id if it is out by this day."""
        place = self.cipher.decode(ALBUM, album_id)
        if place is None or place[0] >= len(self.artists) or place[3]:
            return None
        for release in self.led(place[0], place[1]):
            if release.number == place[2] and release.day <= day:
                return release
        return None

    def track(self, track_id: str, day: int) -> Track | None:
        """The track with this id if its release is out by this day."""
        place = self.cipher.decode(TRACK, track_id)
        if place is None:
            return None
        release = self.release(self.cipher.encode(ALBUM, *place[:3]), day)
        return self.tracks(release)[place[3]] if release and place[3] < release.total_tracks else None

    def tracks(self, release: Release) -> tuple[Track, ...]:
        """The tracks of a release in order."""
        return tracks_of(self.dice, release)

    def all_releases(self, day: int) -> list[Release]:
        """Every release out by this day, by artist, oldest first."""
        last = date.fromordinal(day).year
        return [
            release
            for index in range(len(self.artists))
            for year in range(self.temper(index).habits.debut, last + 1)
            for release in self.led(index, year)
            if release.day <= day
        ]

    def fresh(self, day: int, days: int) -> list[Release]:
        """The releases of the last `days` days, newest first."""
        years = {date.fromordinal(day).year, date.fromordinal(day - days).year}
        found = [
            release
            for index in range(len(self.artists))
            for year in years
            for release in self.led(index, year)
            if day - days < release.day <= day
        ]
        return sorted(found, key=lambda release: (-release.day, release.lead, release.number))

    def album_id(self, release: Release) -> str:
        """The id of a release."""
        return self.cipher.encode(ALBUM, release.lead, release.year, release.number)

    def track_id(self, track: Track) -> str:
        """The id of a track."""
        return self.cipher.encode(TRACK, track.release.lead, track.release.year, track.release.number, track.position)

    def temper(self, index: int) -> _Temper:
        """The artist's lasting traits."""
        found = self._tempers.get(index)
        if found is None:
            artist = self.artists[index]
            followers = (
                float(artist.followers) if artist.followers is not None else followers_at_anchor(self.dice, index)
            )
            habits = habits_of(self.dice, index, artist.since, artist.joint)
            offset = 4.0 * normal(self.dice(41, index)[0])
            found = self._tempers[index] = _Temper(Curve.drawn(self.dice, index), habits, followers, offset)
        return found

    def _measured(self, index: int, day: int) -> tuple[int, int]:
        artist, temper = self.artists[index], self.temper(index)
        followers = self._followers(temper, day)
        score = self._score(index, followers, day)
        if artist.popularity is not None:
            if day == self.anchor_day:
                return followers, artist.popularity
            start = self._score(index, self._followers(temper, self.anchor_day), self.anchor_day)
            score = artist.popularity + score - start
        return followers, min(max(round(score), 0), 100)

    def _followers(self, temper: _Temper, day: int) -> int:
        grown = temper.curve.log_size(day) - temper.curve.log_size(self.anchor_day)
        return round(min(temper.followers * math.exp(grown), 2e9))

    def _score(self, index: int, followers: int, day: int) -> float:
        temper = self.temper(index)
        momentum = temper.curve.log_size(day) - temper.curve.log_size(day - 30)
        return popularity_score(followers, momentum, self._days_since_release(index, day), temper.offset)

    def _days_since_release(self, index: int, day: int) -> int | None:
        year = date.fromordinal(day).year
        for release in (*reversed(self.led(index, year)), *reversed(self.led(index, year - 1))):
            if release.day <= day:
                return day - release.day
        return None

    def _credited(self, index: int, last_year: int) -> list[Credit]:
        found = []
        for lead in sorted({index, *self.partners(index)}):
            for year in range(self.temper(lead).habits.debut, last_year + 1):
                for release in self.led(lead, year):
                    if index in release.artists:
                        found.append((release.album_type, release))
                    elif any(guest == index for guest, _ in release.guests):
                        found.append(("appears_on", release))
        order = {group: place for place, group in enumerate(GROUPS)}
        return sorted(found, key=lambda credit: (order[credit[0]], -credit[1].day, credit[1].lead, credit[1].number))


def fold(text: str) -> str:
    """Lower case without accents, as names and genres are compared."""
    if text.isascii():
        return text.lower()
    return "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))


def _grouped(group_of: Sequence[int]) -> dict[int, list[int]]:
    groups: dict[int, list[int]] = {}
    for index, group in enumerate(group_of):
        groups.setdefault(group, []).append(index)
    return groups
