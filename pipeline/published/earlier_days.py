"""Where growth reads the numbers of the days it starts from: in history files, or in the parts of just these days.

A history file is sorted by artist, so that every day of its month is read for one. Where the parts of the days asked
for are much smaller, these are read instead; both say the same (docs/decisions/0022). Imports `merges`, `staging`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from pipeline.errors import DamagedFile
from pipeline.published.merges import publish_sql
from pipeline.published.staging import check_parts, parts_select
from pipeline.schema import GROWTH_DAYS

__all__ = ["show_earlier_days"]

# What a row of a part costs beside one of a history file, and what it costs to open a part, in rows of a history file.
DEARER, OPENING = 4, 30_000


def show_earlier_days(con: duckdb.DuckDBPyConnection) -> None:
    """Make `day_N` show artist_snapshots at least on the days N days before the last numbers of those in `ends`."""
    for days in GROWTH_DAYS:
        first, last = con.execute(publish_sql("earlier_days"), {"days": days}).fetchall()[0]
        parts = [] if first is None else _parts(con, first, last)
        con.execute(_view(f"day_{days}", parts))


def _view(name: str, parts: Sequence[dict[str, Any]]) -> str:
    if not parts:
        return f"CREATE OR REPLACE TEMP VIEW {name} AS FROM artist_snapshots"
    select = parts_select("artist_snapshots", [(part["path"], part["schema_version"]) for part in parts])
    return publish_sql("parts_of_days").replace("{name}", name).replace("{parts}", select)


def _parts(con: duckdb.DuckDBPyConnection, first: date, last: date) -> Sequence[dict[str, Any]]:
    """The parts with rows of these days, in the order of commits; none where history files are to be read."""
    cursor = con.execute(publish_sql("days_in_parts"), [first, last])
    names = [column[0] for column in cursor.description or ()]
    found = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    if not found or found[0]["filed"] <= DEARER * sum(part["rows"] for part in found) + OPENING * len(found):
        return []
    root = Path(found[0]["root"])
    try:
        check_parts(root, found)
    except DamagedFile:  # not on the disk, or not what was committed: history files still have its rows
        return []
    return [{**part, "path": root / part["path"]} for part in found]
