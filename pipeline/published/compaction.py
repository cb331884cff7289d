"""Move snapshots from the database into history files, so that a publish need not copy the years before.

Files are written first, and then a generation that lists them: a kill in between leaves files that nobody lists, which
the next compaction uses. Parts are never touched. Imports `placing`, `publish`, `snapshots`, `history_files`,
`generations`, `ledger`, `upgrade`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import duckdb

from pipeline.published.generations import Generation, current_number, open_generation
from pipeline.published.history_files import HistoryFile, find_file, write_file
from pipeline.published.placing import place_generation, publish_lock, retire
from pipeline.published.publish import BOUND, EXCHANGED, lags, publish
from pipeline.published.snapshots import PAYS, add_files, inputs_of, make_view, within
from pipeline.published.upgrade import publish_anew
from pipeline.records.ledger import Ledger
from pipeline.schema import PUBLISHED, STATE, VIEWS, create_statements
from pipeline.workspace import Workspace

__all__ = ["Compacted", "compact", "pays"]

FINISHED_PAYS = 100_000  # rows of months that are over: below that a file saves less than it costs to open


@dataclass(frozen=True)
class Compacted:
    """The months that got a new history file, its rows and how long it took; none when it does not pay."""

    months: tuple[str, ...]
    rows: int
    seconds: float


def pays(workspace: Workspace) -> bool:
    """Whether the current generation holds enough snapshots that could stand in history files."""
    if current_number(workspace) is None:
        return False
    months = _rows_by_month(open_generation(workspace))
    return sum(months.values()) >= PAYS or sum(list(months.values())[:-1]) >= FINISHED_PAYS


def compact(workspace: Workspace, ledger: Ledger, *, all_months: bool = False) -> Compacted:
    """Write history files for months that are over, and publish a generation without those rows.

    The newest month too when it is large, or with `all_months`. What is not published yet waits for the next time.
    Raises WriterBusy, DiskFull, DamagedFile: the current generation stays as it is.
    """
    begun = time.perf_counter()
    publish_anew(workspace, ledger)  # a copy of tables that are another program's would pass for today's
    # Where whoever exchanged parts or bound them was killed: a copy would tell of those before.
    if any(lags(workspace, ledger, key) for key in (EXCHANGED, BOUND)):
        publish(workspace, ledger)
    with publish_lock(workspace):
        if current_number(workspace) is None:
            return Compacted((), 0, time.perf_counter() - begun)
        generation = open_generation(workspace)
        with generation.cursor() as con:
            files = [_file_of(con, workspace, month) for month in _months(generation, all_months=all_months)]
        if files:
            change = _Copy(workspace, generation, files)
            retire(workspace, place_generation(workspace, ledger, change))
        months = tuple(file.month for file in files)
        return Compacted(months, sum(file.rows for file in files), time.perf_counter() - begun)


def _rows_by_month(generation: Generation) -> dict[str, int]:
    counted = (
        "SELECT strftime(observed_on, '%Y-%m') AS month, count(*) FROM state_snapshots GROUP BY month ORDER BY month"
    )
    return dict(generation.rows(counted))


def _months(generation: Generation, *, all_months: bool) -> list[str]:
    months = _rows_by_month(generation)
    newest = max(months, default="")
    return [month for month, rows in months.items() if all_months or month != newest or rows >= PAYS]


def _file_of(con: duckdb.DuckDBPyConnection, workspace: Workspace, month: str) -> HistoryFile:
    inputs = inputs_of(con)[month]
    select = f"SELECT * FROM artist_snapshots WHERE {within(month)}"
    return find_file(con, workspace.root, month, inputs) or write_file(con, workspace.root, month, inputs, select)


@dataclass(frozen=True)
class _Copy:
    """Make an empty database the same generation, but for rows of snapshots that now stand in files."""

    workspace: Workspace
    generation: Generation
    files: list[HistoryFile]

    def __call__(self, con: duckdb.DuckDBPyConnection) -> None:
        for statement in create_statements():
            con.execute(statement)
        stay = " AND ".join(f"NOT ({within(file.month)})" for file in self.files)
        for name in (PUBLISHED | STATE).keys() - VIEWS.keys():
            condition = stay if name == "state_snapshots" else "true"
            con.execute(f"INSERT INTO {name} FROM {self.generation.alias}.{name} WHERE {condition}")
        add_files(con, self.files)
        make_view(con, self.workspace.root)
