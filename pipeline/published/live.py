"""Every committed row of the lake, published or not, as views: what is planned from while a run collects.

Imports `generations`, `staging`, `engine`, `truth`, `ledger`, `schema`, `workspace`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import duckdb

from pipeline.errors import DamagedFile
from pipeline.lake import engine
from pipeline.lake.truth import fetch_truth
from pipeline.published.generations import current_number, open_generation
from pipeline.published.staging import Listed, parts_select
from pipeline.records.ledger import Ledger, Part
from pipeline.schema import LAKE, PUBLISHED, STATE, Table
from pipeline.workspace import Workspace

__all__ = ["live"]


@contextmanager
def live(workspace: Workspace, ledger: Ledger) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection in which `live_T` shows lake table T with every committed row, published or not; for one thread.

    Published rows appear once per key, dated by the day they were last seen; pending ones as observed.
    """
    if current_number(workspace) is None:
        with engine.cursor() as cursor:
            _create_views(cursor, workspace, ledger.parts(), published=False)
            yield cursor
        return
    generation = open_generation(workspace)
    with generation.cursor() as cursor:
        _create_views(cursor, workspace, ledger.parts(int(generation.meta("applied_seq"))), published=True)
        yield cursor


def _create_views(
    cursor: duckdb.DuckDBPyConnection, workspace: Workspace, pending: Sequence[Part], *, published: bool
) -> None:
    paths: dict[str, list[Listed]] = {name: [] for name in LAKE}
    fetch_truth(workspace, ((part.path, part.sha256) for part in pending))
    for part in pending:
        path = workspace.root / part.path
        if not path.is_file() or path.stat().st_size != part.bytes:
            message = f"{path} is not there as it was committed."
            raise DamagedFile(f"{message} Run `python -m pipeline recover`; nothing was changed.")
        paths[part.table].append((path, part.schema_version, part.seq))
    for name, table in LAKE.items():
        cursor.execute(f"CREATE TEMP VIEW live_{name} AS {_live_select(table, paths[name], published=published)}")


def _live_select(table: Table, paths: Sequence[Listed], *, published: bool) -> str:
    names = table.column_names()
    empty = f"SELECT {', '.join(f'NULL::{c.type} AS {c.name}' for c in table.columns)} LIMIT 0"
    selects = [] if published or paths else [empty]
    if published:
        home = PUBLISHED.get(table.name) or STATE[f"state_{table.name}"]
        day = "observed_on" if "observed_on" in home.column_names() else "last_seen_on AS observed_on"
        selects.append(f"SELECT {', '.join(day if name == 'observed_on' else name for name in names)} FROM {home.name}")
    if paths:
        selects.append(f"SELECT {', '.join(names)} FROM ({parts_select(table.name, paths)})")
    return " UNION ALL ".join(selects)
