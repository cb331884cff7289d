"""Parts of earlier versions of the tables are read for ever; those of a newer program are refused by name."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.errors import SchemaMismatch
from pipeline.published.generations import open_generation
from pipeline.published.live import live
from pipeline.published.publish import publish, rebuild
from pipeline.records.ledger import Ledger, Part, TaskOutcome
from pipeline.schema import SCHEMA_VERSION
from pipeline.workspace import Workspace
from tests.payloads import artist, commit, search_line

FIXTURES = Path(__file__).parent / "fixtures" / "version-0"
DAY = date(2026, 11, 20)


def bring(workspace: Workspace, ledger: Ledger, version: int) -> None:
    """Commit the parts that an earlier program wrote: fewer columns, in another order, of narrower types."""
    parts = []
    for file in sorted(FIXTURES.glob("*.parquet")):
        path = workspace.lake / file.stem / f"day={DAY}" / f"old-{version}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.read_bytes())
        place, digest = path.relative_to(workspace.root).as_posix(), hashlib.sha256(path.read_bytes()).hexdigest()
        rows = pq.read_metadata(path).num_rows
        parts.append(Part(file.stem, place, DAY.isoformat(), rows, path.stat().st_size, digest, version))
    run_id = f"run-{version}"
    ledger.begin_run(run_id, "cli", {}, 1)
    ledger.begin_task(run_id, "old", 1, "discover")
    ledger.commit_batch(TaskOutcome(run_id, "old", 1, "succeeded"), None, parts)


@pytest.mark.parametrize("first", ["old", "new"])
def test_earlier_parts_are_read(workspace: Workspace, ledger: Ledger, first: str):
    """Columns they lack are NULL, types are today's; with parts of today they make one table, in order of commits."""
    bring(workspace, ledger, 0) if first == "old" else None
    commit(workspace, ledger, "b1", search_line(artist("a1", name="New", images=[{"url": "https://x"}])))
    bring(workspace, ledger, 0) if first == "new" else None
    for make in (publish, rebuild):
        make(workspace, ledger)
        found = open_generation(workspace).rows("SELECT artist_id, name, image_url FROM artists ORDER BY 1")
        assert found == [("a1", "New", "https://x"), ("a2", "Two", None)]
        query = "SELECT artist_id, observed_on, followers, popularity FROM artist_snapshots ORDER BY 1, 2"
        assert open_generation(workspace).rows(query) == [
            ("a1", DAY, 7, None),
            ("a1", date(2026, 11, 22), 10, 5),
            ("a2", DAY, 8, None),
        ]


def test_earlier_parts_in_the_live_view(workspace: Workspace, ledger: Ledger):
    """A planner sees them too, before they are published."""
    bring(workspace, ledger, 0)
    with live(workspace, ledger) as view:
        assert view.sql("SELECT artist_id, popularity FROM live_artist_snapshots ORDER BY 1").fetchall() == [
            ("a1", None),
            ("a2", None),
        ]


def test_newer_parts_are_refused(workspace: Workspace, ledger: Ledger):
    """What a newer program wrote is not guessed at."""
    bring(workspace, ledger, SCHEMA_VERSION + 1)
    with pytest.raises(SchemaMismatch, match=r"old-\d+\.parquet was written by a newer version"):
        publish(workspace, ledger)


def make_fixtures() -> None:
    """How the fixtures were made: the tables as an earlier program would have had them."""
    FIXTURES.mkdir(parents=True, exist_ok=True)
    days = pa.array([DAY, DAY], pa.date32())
    tables = {
        "artists": {"name": ["One", "Two"], "artist_id": ["a1", "a2"], "observed_on": days},
        "artist_snapshots": {"artist_id": ["a1", "a2"], "followers": pa.array([7, 8], pa.int32()), "observed_on": days},
    }
    for name, columns in tables.items():
        pq.write_table(pa.table(columns), FIXTURES / f"{name}.parquet")
