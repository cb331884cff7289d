"""A ledger written anew: where place runs out, and what single bits in the old one cost."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from pipeline.errors import DiskFull
from pipeline.keeping.recovery import recover
from pipeline.published.publish import publish
from pipeline.records.ledger import Ledger
from pipeline.workspace import Workspace
from tests.conftest import Clock
from tests.harm import fill, lose
from tests.payloads import artist, commit, search_line

TRACKED = "SELECT run_id, batch_id, table_name, seq, path, sha256, rows FROM parts ORDER BY seq"


def rows(workspace: Workspace, query: str) -> list[tuple[object, ...]]:
    """What a ledger that nobody has open tells."""
    with closing(sqlite3.connect(workspace.ledger_file)) as connection:
        return connection.execute(query).fetchall()


def test_place_runs_out_anywhere(small_disk: Workspace, clock: Clock) -> None:
    """A ledger that is written anew where place runs out is said to lack it, whenever that is; the next try ends it."""
    with closing(Ledger(small_disk.ledger, clock.now)) as ledger:
        for place in range(30):
            commit(small_disk, ledger, f"discover-{place}", search_line(*(artist(f"a{n}") for n in range(place))))
        publish(small_disk, ledger)
    before = rows(small_disk, TRACKED)
    refused = 0
    for free in range(0, 700_000, 25_000):
        lose(small_disk, "ledger.sqlite")
        ballast = fill(small_disk.root.parent, free)
        try:
            recover(small_disk, clock.now)
        except DiskFull:
            refused += 1
        ballast.unlink()
        assert all(each.mended for each in recover(small_disk, clock.now))
        assert rows(small_disk, TRACKED) == before
    assert refused > 5
