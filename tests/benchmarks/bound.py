"""What binding parts into volumes saves: disk, a look back, a rebuild; before and after in one process."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

from pipeline.keeping.binding import Bound, bind
from pipeline.published.generations import open_generation
from pipeline.published.publish import rebuild
from pipeline.records.ledger import Ledger
from pipeline.workspace import Workspace
from tests.benchmarks.figures import Figure, load, say, timed
from tests.benchmarks.reading import opened
from tests.benchmarks.store_world import LAST_DAY, World, make_store

__all__ = ["measure_bound"]

# A laptop for a year and three weeks; and many artists, of whom a month that is over lies together.
LAPTOP, MANY = World(2_000, 387, 8), World(200_000, 53, 4)
QUICK = World(1_000, 60, 8)
ROWS, GOAL_GB = 100_000_000, 2.5


def measure_bound(*, quick: bool = False) -> Iterator[Figure]:
    """Parts as runs write them, everybody with attributes and genres every day, without the answers they came from."""
    for world in (QUICK,) if quick else (LAPTOP, MANY):
        say(f"bound: making {world.artists:,} artists × {world.days} days …")
        with tempfile.TemporaryDirectory() as temporary:
            workspace, ledger = opened(Path(temporary))
            for _ in make_store(workspace, ledger, world, whole=True):
                pass
            yield from _bound(workspace, ledger, world)
            ledger.close()


def _bound(workspace: Workspace, ledger: Ledger, world: World) -> Iterator[Figure]:
    told, asked = f"{world.artists:,} × {world.days} days", LAST_DAY - timedelta(days=world.days // 2)
    rebuild(workspace, ledger)
    steps = {"look back": lambda: _look_back(workspace, asked), "rebuild": lambda: rebuild(workspace, ledger)}
    before, old = {name: timed(step)[0] for name, step in steps.items()}, _sizes(workspace)
    made = bind(workspace, ledger)
    after, new = {name: timed(step)[0] for name, step in steps.items()}, _sizes(workspace)
    rows = sum(
        row["rows"]
        for row in ledger.read("SELECT rows FROM parts WHERE table_name = 'artists' AND path LIKE '%/month=%'")
    )
    beside = f"{made.parts:,} parts in {made.volumes} volumes, {made.seconds:.1f} s"
    yield Figure(f"parts bound, before ÷ now, {told}", f"{made.bytes_before / made.bytes_now:.0f}", note=beside)
    if world is MANY:
        yield _disk(made, rows, new["artist_snapshots"] / (world.artists * world.days), told)
    yield Figure(f"files of the lake, {told}", f"{new['files']:,}", note=f"{old['files']:,} before")
    for name in steps:
        beside = f"{before[name]:.2f} s before, {after[name]:.2f} now; {load()}"
        yield Figure(f"{name}, now ÷ before, {told}", f"{after[name] / before[name]:.2f}", note=beside)


def _disk(made: Bound, rows: int, numbers: float, told: str) -> Figure:
    """What `ROWS` artists and days take that were answered whole, by those of the volumes."""
    before, now = made.bytes_before / rows, made.bytes_now / rows
    truth = (now + numbers) * ROWS / 1e9
    beside = f"{before:.0f} bytes an artist and day before, {now:.1f} now, {numbers:.0f} for numbers"
    what = f"disk of {ROWS:,} answered whole and bound, {told}"
    return Figure(what, f"{truth:.2f} GB", f"≤ {GOAL_GB} GB", truth <= GOAL_GB, beside)


def _look_back(workspace: Workspace, day: date) -> None:
    """The first question of a day, which makes the database of what was known then."""
    shutil.rmtree(workspace.db / "as-of", ignore_errors=True)
    open_generation(workspace, day).rows("SELECT count(*) FROM artists")


def _sizes(workspace: Workspace) -> dict[str, int]:
    """Bytes by folder of the lake, and how many files there are."""
    found = [
        (path.relative_to(workspace.lake).parts[0], path.stat().st_size) for path in workspace.lake.rglob("*.parquet")
    ]
    return {name: sum(size for each, size in found if each == name) for name, _ in found} | {"files": len(found)}
