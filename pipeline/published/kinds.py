"""Artists who are in the same genres are of one kind: who is of which on which day, and sums by kind and day.

A million artists are of some thousand kinds, and what is counted of a kind counts for each of its genres; `entries.sql`
says who enters which genre when. Imports `engine`, `merges`, `ordered_rows`.
"""

from __future__ import annotations

import duckdb
import numpy as np

from pipeline.lake.engine import arrow
from pipeline.published.merges import publish_sql
from pipeline.published.ordered_rows import UNKNOWN, Artists, Ints, Rows, Span, integers

__all__ = ["Entries", "GenresOfKinds", "Sums"]

Sheet = np.ndarray[tuple[int, int], np.dtype[np.int64]]


class Entries:
    """The days on which artists enter genres, by artist and day, and of which kind they are from then on."""

    def __init__(self, con: duckdb.DuckDBPyConnection, artists: Artists) -> None:
        """Takes them from `entries`, of which each has a `day`, and `genres` of kinds, which are counted from 0."""
        numbers, self.day, self._kind = map(integers, arrow(con, publish_sql("entries_in_order")).columns)
        self._artist = artists.by_number(numbers)
        self._order = (self._artist << 32) + self.day
        self.genres = GenresOfKinds(con)
        last = np.flatnonzero(np.diff(self._artist, append=-1))
        self._last_on, self._last_kind = np.full(len(artists), UNKNOWN), np.zeros(len(artists), np.int64)
        self._last_on[self._artist[last]] = self.day[last]
        self._last_kind[self._artist[last]] = self._kind[last]

    def between(self, artists: Ints, after: Ints, until: Ints) -> tuple[Ints, Ints]:
        """The entries of each artist after a day and up to another: the place of each in `artists`, and its own."""
        some = np.flatnonzero(self._last_on[artists] > after)  # of most, entering genres is long over
        low, high = (np.searchsorted(self._order, (artists[some] << 32) + day[some], "right") for day in (after, until))
        count = high - low
        return np.repeat(some, count), np.repeat(high - np.cumsum(count), count) + np.arange(count.sum())

    def kinds_of(self, rows: Rows) -> Ints:
        """The kind that each row's artist is of on its day."""
        first, last = rows.day[rows.starts], rows.day[rows.ends]
        place, entry = self.between(rows.artists, first, last)
        starts = np.concatenate((rows.starts, rows.until(place, self.day[entry] - 1) + 1))
        kinds = np.concatenate((self._kinds_on(rows.artists, first), self._kind[entry]))
        order = np.argsort(starts, kind="stable")
        return np.repeat(kinds[order], np.diff(starts[order], append=len(rows.day)))

    def _kinds_on(self, artists: Ints, day: Ints) -> Ints:
        kinds = self._last_kind[artists]
        some = np.flatnonzero(self._last_on[artists] > day)
        entry = np.searchsorted(self._order, (artists[some] << 32) + day[some], "right") - 1
        is_its = (entry >= 0) & (self._artist[entry] == artists[some])
        kinds[some] = np.where(is_its, self._kind[entry], 0)
        return kinds


class GenresOfKinds:
    """The genres of every kind, by genre: who is of a kind counts for them all."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        """Takes them from `kinds`; `count` is how many kinds there are."""
        genres, self._kinds = map(integers, arrow(con, publish_sql("genres_of_kinds")).columns)
        self._starts = np.flatnonzero(np.diff(genres, prepend=-1))
        self.numbers, self.count = genres[self._starts], int(self._kinds.max()) + 1

    def add_up(self, of_kinds: Sheet) -> Sheet:
        """Sums of genres, one row for each, from such of kinds."""
        return np.add.reduceat(of_kinds[self._kinds], self._starts, axis=0)


class Sums:
    """Sums by kind and day of a span, each at a place that follows from the two: an artist's lie side by side."""

    def __init__(self, span: Span, genres: GenresOfKinds) -> None:
        self._genres, self._first, self._days = genres, span.first, span.last - span.first + 1
        names = ("artists", "no_followers", "followers", "no_popularity", "popularity", "gained")
        self._of = {name: np.zeros(genres.count * self._days, np.int64) for name in names}

    def add(self, rows: Rows, kinds: Ints) -> None:
        """Add rows whose artists are of these kinds."""
        places = kinds * self._days + (rows.day - self._first)
        np.add.at(self._of["artists"], places, 1)
        for name, values in (("followers", rows.followers), ("popularity", rows.popularity)):
            unknown = values == UNKNOWN
            some = unknown.any()
            if some:
                np.add.at(self._of[f"no_{name}"], places[unknown], 1)
            np.add.at(self._of[name], places[~unknown] if some else places, values[~unknown] if some else values)

    def add_gained(self, rows: Rows, kinds: Ints) -> None:
        """Add what artists gained from row to row; each has a number of followers."""
        gained = np.zeros_like(rows.followers)
        np.subtract(rows.followers[1:], rows.followers[:-1], out=gained[1:])
        gained[rows.starts] = 0
        np.add.at(self._of["gained"], kinds * self._days + (rows.day - self._first), gained)

    def columns(self) -> dict[str, Ints]:
        """The sums of genres on days with somebody."""
        of = {name: self._genres.add_up(sums.reshape(-1, self._days)) for name, sums in self._of.items()}
        of["with_followers"] = of["artists"] - of.pop("no_followers")
        of["with_popularity"] = of["artists"] - of.pop("no_popularity")
        genre, day = np.nonzero(of["artists"])
        keys = {"genre_no": self._genres.numbers[genre], "observed_on": day + self._first}
        return keys | {name: sums[genre, day] for name, sums in of.items()}
