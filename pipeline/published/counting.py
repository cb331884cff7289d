"""What a database built from nothing says of snapshots, counted in one reading of them all, the latest days first.

So an artist's last numbers are met first, and then, month by month, those that they are compared with. What is known of
artists stands in arrays of whole numbers (docs/decisions/0044). Imports `merges`, `ordered_rows`, `kinds`, `schema`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import duckdb
import numpy as np
import pyarrow as pa

from pipeline.published.kinds import Entries, Sums
from pipeline.published.merges import publish_sql
from pipeline.published.ordered_rows import UNKNOWN, Artists, Ints, Rows, read_rows, spans_of
from pipeline.schema import GROWTH_DAYS

__all__ = ["count_snapshots"]

_SEEN = ("observed_on", "seen_followers", "seen_popularity")
_LAST, _PREVIOUS = ("until", "followers"), ("previous_on", "previous_followers")
_FIRST = ("first_on", "first_followers")
_EARLIER = {days: (f"since_{days}", f"before_{days}") for days in GROWTH_DAYS}
_NAMES = (*_SEEN, *_LAST, *_PREVIOUS, *_FIRST, "first_kind", *(name for names in _EARLIER.values() for name in names))

_COMPARED = "SELECT kind, observed_on, sum(gained) AS gained FROM arrived GROUP BY kind, observed_on"
_FOUND = """SELECT kind, observed_on, count(*) AS found, sum(followers) AS found_followers
    FROM arrived GROUP BY kind, observed_on"""


def count_snapshots(con: duckdb.DuckDBPyConnection) -> None:
    """Fill `shifts`, `counted`, `entered`; show what is known of each artist as `last_snapshots`, `counted_growth`."""
    artists = Artists(con)
    entries = Entries(con, artists)
    count = _Count(artists, entries)
    for span in spans_of(con):
        sums = Sums(span, entries.genres)
        for rows in read_rows(con, span, artists):
            count.add(rows, sums)
        _tell(con, publish_sql("sums_of_genres"), sums.columns())
        _tell(con, f"INSERT INTO counted BY NAME {_COMPARED}", count.compared())
        _tell(con, "INSERT INTO entered BY NAME FROM arrived", count.entered())
    _tell(con, f"INSERT INTO counted BY NAME {_FOUND}", count.found())
    con.register("last_snapshots", _table(count.last()))
    con.register("counted_growth", _table(count.growth()))


class _Count:
    """What is known of each artist from the rows added so far: those of the latest days."""

    def __init__(self, artists: Artists, entries: Entries) -> None:
        self._artists, self._entries = artists, entries
        self._of = {name: np.full(len(artists), UNKNOWN) for name in _NAMES}
        self._compared: list[tuple[Ints, ...]] = []
        self._entered: list[tuple[Ints, ...]] = []

    def add(self, rows: Rows, sums: Sums) -> None:
        """Add all rows that a span has of some artists; their sums too."""
        new = self._of["observed_on"][rows.artists] == UNKNOWN
        self._set(_SEEN, rows.artists[new], (values[rows.ends[new]] for values in rows.values))
        kinds = self._entries.kinds_of(rows)
        sums.add(rows, kinds)
        numbered = rows.followers != UNKNOWN
        if not numbered.all():
            rows, kinds = rows.only(numbered), kinds[numbered]
        sums.add_gained(rows, kinds)
        self._compare(rows)
        self._enter(rows)
        self._note_ends(rows)
        self._note_earlier(rows)
        first = (rows.day[rows.starts], rows.followers[rows.starts], kinds[rows.starts])
        self._set((*_FIRST, "first_kind"), rows.artists, first)

    def _compare(self, rows: Rows) -> None:
        """Compare the first numbers known so far with the last of these rows; note who entered a genre in between."""
        some = np.flatnonzero(self._of["until"][rows.artists] != UNKNOWN)
        artists, last = rows.artists[some], rows.ends[some]
        on, followers, kind = (self._of[name][artists] for name in (*_FIRST, "first_kind"))
        before = rows.followers[last]
        self._compared.append((kind, on, followers - before))
        place, entry = self._entries.between(artists, rows.day[last], on)
        self._entered.append((artists[place], self._entries.day[entry], on[place], followers[place], before[place]))

    def _enter(self, rows: Rows) -> None:
        """Note who entered a genre between two of these rows."""
        place, entry = self._entries.between(rows.artists, rows.day[rows.starts], rows.day[rows.ends])
        on = self._entries.day[entry]
        row = rows.until(place, on - 1) + 1
        numbers = (rows.day[row], rows.followers[row], rows.followers[row - 1])
        self._entered.append((rows.artists[place], on, *numbers))

    def _note_ends(self, rows: Rows) -> None:
        """The last number of each artist, and the one before it."""
        new = self._of["until"][rows.artists] == UNKNOWN
        row = np.where(new, rows.ends - 1, rows.ends)
        some = np.where(new, rows.starts < rows.ends, self._of["previous_on"][rows.artists] == UNKNOWN)
        self._set(_PREVIOUS, rows.artists[some], (rows.day[row[some]], rows.followers[row[some]]))
        row = rows.ends[new]
        self._set(_LAST, rows.artists[new], (rows.day[row], rows.followers[row]))

    def _note_earlier(self, rows: Rows) -> None:
        """The numbers from which growth is counted: those of so many days before the last one, or shortly before."""
        first, last = rows.day[rows.starts], rows.day[rows.ends]
        for days, names in _EARLIER.items():
            until = self._of["until"][rows.artists] - days
            is_here = (first <= until) & (last >= until - GROWTH_DAYS[days])
            some = np.flatnonzero(is_here & (self._of[names[0]][rows.artists] == UNKNOWN))
            row = rows.until(some, until[some])
            near = rows.day[row] >= until[some] - GROWTH_DAYS[days]
            self._set(names, rows.artists[some[near]], (rows.day[row[near]], rows.followers[row[near]]))

    def _set(self, names: Sequence[str], artists: Ints, values: Iterable[Ints]) -> None:
        for name, each in zip(names, values, strict=True):
            self._of[name][artists] = each

    def compared(self) -> dict[str, Ints]:
        """What first numbers gained since the last ones before them, by kind and day; of the span that was added."""
        compared, self._compared = self._compared, []
        return _columns(("kind", "observed_on", "gained"), compared)

    def entered(self) -> dict[str, Ints]:
        """The first numbers in a genre of those who had one before it; of the span that was added."""
        entered, self._entered = self._entered, []
        columns = _columns(("key", "entered_on", "observed_on", "followers", "earlier_followers"), entered)
        return columns | {"key": self._artists.numbers[columns["key"]]}

    def found(self) -> dict[str, Ints]:
        """The first number of each artist, with the kind that it was of."""
        return self._those_with(
            "until", {"kind": "first_kind", "observed_on": "first_on", "followers": "first_followers"}
        )

    def last(self) -> dict[str, Ints]:
        """The last row of each artist, whose key is its number."""
        names = ("observed_on", "followers", "popularity")
        return self._those_with("observed_on", {"key": "key"} | dict(zip(names, _SEEN, strict=True)))

    def growth(self) -> dict[str, Ints]:
        """What `artist_growth` says of each artist with a number, and those it had before."""
        names = (*_LAST, *_PREVIOUS, *_FIRST, *(name for names in _EARLIER.values() for name in names))
        return self._those_with("until", {"artist_no": "key"} | {name: name for name in names})

    def _those_with(self, known: str, names: dict[str, str]) -> dict[str, Ints]:
        """Columns of artists of whom something is known, in the order of their numbers."""
        order = np.argsort(self._artists.numbers)
        some = order[self._of[known][order] != UNKNOWN]
        return {name: (self._of | {"key": self._artists.numbers})[source][some] for name, source in names.items()}


def _columns(names: Sequence[str], pieces: Sequence[Sequence[Ints]]) -> dict[str, Ints]:
    nothing = np.empty((len(names), 0), np.int64)
    return dict(zip(names, map(np.concatenate, zip(nothing, *pieces, strict=True)), strict=True))


def _tell(con: duckdb.DuckDBPyConnection, statement: str, columns: dict[str, Ints]) -> None:
    con.register("arrived", _table(columns))
    con.execute(statement)
    con.unregister("arrived")


def _table(columns: dict[str, Ints]) -> pa.Table:
    return pa.table({name: _column(name, values) for name, values in columns.items()})


def _column(name: str, values: Ints) -> pa.Array:
    column = pa.array(values, mask=values == UNKNOWN)
    is_day = name == "until" or name.endswith("_on") or name.startswith("since_")
    return column.cast(pa.int32()).cast(pa.date32()) if is_day else column
