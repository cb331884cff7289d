"""Where growth reads the numbers of the days it starts from: in history files, or in the parts of just these days.

A history file is sorted by artist, so that every day of its month is read for one. Where the parts of the days asked
for are much smaller, these are read instead; both say the same (docs/decisions/0022). They are read while other
statements of a publish run. Imports `engine`, `history_files`, `merges`, `snapshots`, `staging`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb

from pipeline.errors import DamagedFile
from pipeline.lake import engine
from pipeline.published.history_files import view_statement
from pipeline.published.merges import publish_sql
from pipeline.published.snapshots import history_of
from pipeline.published.staging import Listed, MergeSource, check_parts, parts_select
from pipeline.schema import GROWTH_DAYS

__all__ = ["EarlierDays", "read_earlier_days", "show_earlier_days"]

# What a row of a part costs beside one of a history file, and what it costs to open a part, in rows of a history file.
DEARER, OPENING = 4, 30_000

_LONGER = [days for days in GROWTH_DAYS if days > 1]  # of a day the number before the last is kept anyway


@dataclass(frozen=True)
class EarlierDays:
    """Numbers of artists so many `days` before the days from `first` to `last`, as `show_earlier_days` shows them.

    `rows` is an Arrow table.
    """

    first: date
    last: date
    rows: Any


def read_earlier_days(con: duckdb.DuckDBPyConnection, source: MergeSource) -> Callable[[], EarlierDays | None]:
    """Read them for the artists in new parts while others go on with `con`; what is given waits for them."""
    database = con.execute("SELECT current_database()").fetchall()[0][0]
    pool = ThreadPoolExecutor(1)
    read = pool.submit(_read, database, source)
    pool.shutdown(wait=False)
    return read.result


def _read(database: str, source: MergeSource) -> EarlierDays | None:
    """None where new rows are of so many days that they are earlier days of each other."""
    select = parts_select("artist_snapshots", source.listed("artist_snapshots"))
    with closing(engine.cursor(database)) as con:
        con.execute(view_statement(source.root, history_of(con), kind="TEMP VIEW"))  # its own may be of another folder
        first, last = con.execute(f"SELECT min(observed_on), max(observed_on) FROM ({select})").fetchall()[0]
        if first is None or last - first >= timedelta(min(_LONGER)):
            return None
        asked = f"SEMI JOIN (SELECT artist_id FROM ({select})) USING (artist_id)"
        return EarlierDays(first, last, engine.arrow(con, f"FROM ({_select(con, source.root, first, last)}) {asked}"))


def show_earlier_days(con: duckdb.DuckDBPyConnection, root: Path, read: EarlierDays | None = None) -> None:
    """Make `earlier_days` show the numbers at least of the days so many `days` before the last of those in `ends`.

    Of several on a day that with the highest `place` counts. `read`: taken where it has these days.
    """
    first, last = con.execute(publish_sql("earlier_days")).fetchall()[0]
    if read is not None and first is not None and read.first <= first and last <= read.last:
        con.register("earlier_days", read.rows)
    else:
        con.execute(f"CREATE OR REPLACE TEMP VIEW earlier_days AS {_select(con, root, first, last)}")


def _select(con: duckdb.DuckDBPyConnection, root: Path, first: date | None, last: date | None) -> str:
    found = _parts(con, root, first, last)
    listed = {days: MergeSource(root, parts).listed("artist_snapshots") for days, parts in found.items()}
    return " UNION ALL ".join(_of_day(days, first, last, listed.get(days, [])) for days in _LONGER)


def _of_day(days: int, first: date | None, last: date | None, parts: Sequence[Listed]) -> str:
    if parts:
        rows = parts_select("artist_snapshots", parts)
    else:
        rows = "SELECT *, 0 AS place FROM artist_snapshots"
        if first is not None and last is not None:
            back = timedelta(days)
            rows += f" WHERE observed_on BETWEEN DATE '{first - back}' AND DATE '{last - back}'"
    return f"(SELECT {days} AS days, artist_id, observed_on, followers, place FROM ({rows}))"


def _parts(
    con: duckdb.DuckDBPyConnection, root: Path, first: date | None, last: date | None
) -> dict[int, list[dict[str, Any]]]:
    """For days back the parts with rows of them, in the order of commits; none where history files are to be read."""
    cursor = con.execute(publish_sql("days_in_parts"), {"days": _LONGER, "first": first, "last": last})
    names = [column[0] for column in cursor.description or ()]
    found: dict[int, list[dict[str, Any]]] = {}
    for row in cursor.fetchall():
        part = dict(zip(names, row, strict=True))
        found.setdefault(part["days"], []).append(part)
    return {days: parts for days, parts in found.items() if _pays(parts) and _sound(root, parts)}


def _pays(parts: Sequence[dict[str, Any]]) -> bool:
    return bool(parts[0]["filed"] > DEARER * sum(part["rows"] for part in parts) + OPENING * len(parts))


def _sound(root: Path, parts: Sequence[dict[str, Any]]) -> bool:
    """Whether all are what was committed; where one is not, history files still have its rows."""
    try:
        check_parts(root, parts)
    except DamagedFile:
        return False
    return True
