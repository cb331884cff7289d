"""Every snapshot by artist and day, as arrays of numbers: of history files, which lie in that order, and the table.

pyarrow keeps an id that many rows share as one, so that it is looked up once, not with each row (docs/decisions/0044).
Imports `engine`, `errors`, `merges`, `snapshots`.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.errors import DamagedFile
from pipeline.lake.engine import arrow, first_line
from pipeline.published.merges import publish_sql
from pipeline.published.snapshots import history_of, root_of

__all__ = ["UNKNOWN", "Artists", "Ints", "Rows", "Span", "integers", "read_rows", "spans_of"]

Ints = np.ndarray[tuple[int], np.dtype[np.int64]]

UNKNOWN = int(np.iinfo(np.int64).min)  # stands for NULL
_EPOCH = date(1970, 1, 1).toordinal()
_VALUES = ("observed_on", "followers", "popularity")


@dataclass(frozen=True)
class Span:
    """Days, since 1970, of which all rows are in one place: in a history file, or in the table where `path` is None."""

    first: int
    last: int
    path: Path | None = None


@dataclass(frozen=True)
class Rows:
    """All that a span has of some artists: who, where the rows of each begin, and of each row day and numbers."""

    artists: Ints
    starts: Ints
    day: Ints
    followers: Ints
    popularity: Ints

    @property
    def values(self) -> tuple[Ints, Ints, Ints]:
        """Day and numbers."""
        return self.day, self.followers, self.popularity

    @cached_property
    def ends(self) -> Ints:
        """Each artist's last row."""
        return np.append(self.starts, len(self.day))[1:] - 1

    @cached_property
    def _order(self) -> Ints:
        return self.spread(np.arange(len(self.starts)) << 32) + self.day

    def spread(self, values: Ints) -> Ints:
        """What is said of each artist, for each of its rows."""
        return np.repeat(values, self.ends - self.starts + 1)

    def until(self, places: Ints, days: Ints) -> Ints:
        """The last row up to a day of each artist at these places; the row before its first where there is none."""
        return np.searchsorted(self._order, (places << 32) + days, "right") - 1

    def only(self, chosen: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Rows:
        """Rows that are chosen."""
        return _rows_of(self.spread(self.artists)[chosen], *(values[chosen] for values in self.values))

    def inner(self) -> Rows:
        """The same without the first and the last artist, without a copy."""
        low, high = self._inner
        return Rows(self.artists[1:-1], self.starts[1:-1] - low, *(values[low:high] for values in self.values))

    def rims(self) -> Rows:
        """The first and the last artist alone."""
        low, high = self._inner
        chosen = np.ones(len(self.day), bool)
        chosen[low:high] = False
        return self.only(chosen)

    @property
    def _inner(self) -> tuple[int, int]:
        return int(self.ends[0]) + 1, int(self.starts[-1])


class Artists:
    """Every artist by the place of the id in the order of ids, which is that of the rows."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        """Takes them from `artists`; `numbers` are those that they have there."""
        table = arrow(con, "SELECT artist_id, artist_no FROM artists ORDER BY artist_id")
        self._ids, self.numbers = table.column(0).combine_chunks(), integers(table.column(1))

    def __len__(self) -> int:
        return len(self._ids)

    def places(self, ids: pa.Array) -> Ints:
        """The artists with these ids, which are in order; for nobody's, how many artists there are."""
        low = bisect_left(self._ids, ids[0].as_py(), key=lambda id_: id_.as_py())
        high = bisect_right(self._ids, ids[-1].as_py(), key=lambda id_: id_.as_py())
        found = pc.index_in(ids, value_set=self._ids.slice(low, high - low))
        return np.asarray(pc.fill_null(found, len(self) - low), np.int64) + low

    def by_number(self, numbers: Ints) -> Ints:
        """The artists with these numbers."""
        return np.argsort(self.numbers)[numbers]


def spans_of(con: duckdb.DuckDBPyConnection) -> list[Span]:
    """Where the rows are, the latest days first; no two have a day in common, none is longer than a month."""
    root = Path(root_of(con))
    placed = [(file.first_on, file.last_on, root / file.path) for file in history_of(con)]
    placed += [(*days, None) for days in con.execute(publish_sql("unfiled_spans")).fetchall()]
    spans = [Span(first.toordinal() - _EPOCH, last.toordinal() - _EPOCH, path) for first, last, path in placed]
    return sorted(spans, key=lambda span: span.first, reverse=True)


def read_rows(con: duckdb.DuckDBPyConnection, span: Span, artists: Artists) -> Iterator[Rows]:
    """The rows of a span, of some artists at a time, of each all at once; there may be none."""
    if span.path is None:
        days = [date.fromordinal(day + _EPOCH) for day in (span.first, span.last)]
        numbers, *values = map(integers, arrow(con, publish_sql("unfiled_rows"), days).columns)
        yield _rows_of(artists.by_number(numbers), *values)
        return
    rims = []  # who may go on in what is read next
    for rows in _ahead(_read_file(span.path, span.last, artists)):
        rims.append(rows.rims())
        yield rows.inner()
    if rims:
        each = (np.concatenate(pieces) for pieces in zip(*(rows.values for rows in rims), strict=True))
        yield _rows_of(np.concatenate([rows.spread(rows.artists) for rows in rims]), *each)


def _ahead(read: Iterator[Rows]) -> Iterator[Rows]:
    """Each while another thread reads the next: what is counted and what is read take about as long."""
    with ThreadPoolExecutor(1) as reader:
        coming = reader.submit(next, read, None)
        while (rows := coming.result()) is not None:
            coming = reader.submit(next, read, None)
            yield rows


def _read_file(path: Path, last: int, artists: Artists) -> Iterator[Rows]:
    """What it has up to a day of artists that are known, one group of rows after the other."""
    for table in _groups(path):
        ids = table.column("artist_id").combine_chunks()
        ids = ids if pa.types.is_dictionary(ids.type) else ids.dictionary_encode()
        starts = _starts(ids.indices.to_numpy())
        places = artists.places(ids.dictionary.take(ids.indices.take(pa.array(starts))))
        rows = Rows(places, starts, *(integers(table.column(name)) for name in _VALUES))
        if rows.day.max() > last or places.max() == len(artists):
            rows = rows.only((rows.day <= last) & (rows.spread(places) < len(artists)))
        if len(rows.day):
            yield rows


def _groups(path: Path) -> Iterator[pa.Table]:
    """The groups of rows of a file; ids that it keeps once each are not unpacked. Raises DamagedFile."""
    try:
        with pq.ParquetFile(path) as plain, pq.ParquetFile(path, read_dictionary=["artist_id"]) as shared:
            for group in range(plain.num_row_groups):
                is_shared = "RLE_DICTIONARY" in plain.metadata.row_group(group).column(0).encodings
                yield (shared if is_shared else plain).read_row_group(group, use_threads=False)
    except (pa.ArrowException, OSError, KeyError, ValueError) as error:  # what pyarrow says of flipped bits
        text = f"{path} cannot be read ({first_line(error)})."
        raise DamagedFile(f"{text} Run `python -m pipeline recover`: it is made anew from the parts.") from error


def integers(column: pa.ChunkedArray) -> Ints:
    """Whole numbers or days as an array, UNKNOWN where they are NULL."""
    numbers = column.cast(pa.int32()) if pa.types.is_date(column.type) else column
    known = pc.fill_null(numbers.cast(pa.int64()), UNKNOWN) if numbers.null_count else numbers
    return np.asarray(known.combine_chunks(), np.int64)


def _rows_of(artists: Ints, day: Ints, followers: Ints, popularity: Ints) -> Rows:
    """Rows that each say whose they are."""
    starts = _starts(artists)
    return Rows(artists[starts], starts, day, followers, popularity)


def _starts(each: Ints) -> Ints:
    return np.flatnonzero(np.concatenate((each[:1] == each[:1], each[1:] != each[:-1])))
