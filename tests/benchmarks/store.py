"""What keeping costs: a commit, a replay, a publish, a rebuild, disk; on the same stores the questions of `reading`."""

from __future__ import annotations

import json
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import zstandard

from pipeline.lake.normalize import Normalizer
from pipeline.lake.store import commit_raw_batch
from pipeline.published.publish import publish, rebuild
from pipeline.records.ledger import Ledger
from pipeline.source.calls import Batch, RawBatch
from pipeline.workspace import Workspace
from tests.benchmarks.figures import Figure, load, say, timed
from tests.benchmarks.reading import measure_reading, opened, quantile
from tests.benchmarks.replaying import measure_replay
from tests.benchmarks.store_world import World, add_day, add_releases, make_store

__all__ = ["measure_store"]

WORLDS = (World(1_000_000, 100), World(100_000, 1_000))
QUICK = (World(30_000, 40),)
RUN = 10_000  # artists that a run of a day brings
COMMITS, PAGE = 200, 50
REPLAYED = 1_000_000  # artist objects


def measure_store(*, quick: bool = False, folder: Path | None = None) -> Iterator[Figure]:
    """Every figure of the store, on each world; `folder` keeps the stores, or has them already."""
    with tempfile.TemporaryDirectory() as temporary:
        yield from _commits(Path(temporary) / "commits", COMMITS // 4 if quick else COMMITS)
        yield from measure_replay(Path(temporary) / "replay", REPLAYED // 50 if quick else REPLAYED)
    for world in QUICK if quick else WORLDS:
        with tempfile.TemporaryDirectory() as temporary:
            root = (folder or Path(temporary)) / f"w{world.artists}"
            _make(root, world)
            yield from _keeping(root, world)
            yield from _publishing(root, world, whole=False)
            yield from measure_reading(root, world, rounds=20 if quick else 60, seconds=5 if quick else 40)
            yield from _publishing(root, world, whole=True)


def _commits(root: Path, many: int) -> Iterator[Figure]:
    """A page of a search each: a raw file, its rows in parts, one transaction; all of it durable."""
    (workspace, ledger), normalizer, took = opened(root), Normalizer(), list[tuple[float, float]]()
    say(f"store: {many} commits of {PAGE} artists …")
    ledger.begin_run("run", "cli", {}, 1)
    for number in range(many):
        raw = RawBatch(f"batch-{number:04d}", _page(number), 1, 1)
        ledger.begin_task("run", raw.batch_id, 1, "discover", "mpb")
        batch = Batch("run", raw.batch_id, "discover", "mpb", 1, (), PAGE)
        took.append(timed(lambda: commit_raw_batch(workspace, ledger, normalizer, batch, raw, "succeeded", "")))  # noqa: B023
    ledger.close()
    for share, goal in ((0.5, 15), (0.95, 40)):
        wall, cpu = (quantile([each[part] * 1000 for each in took[5:]], share) for part in (0, 1))
        value = f"{wall:.1f} ms"
        yield Figure(
            f"task commit, p{share * 100:.0f}", value, f"< {goal} ms", wall < goal, f"CPU {cpu:.1f} ms; {load()}"
        )


def _page(number: int) -> bytes:
    items = [
        {
            "id": f"{number:08d}{place:014d}",
            "name": f"Banda {number} do {place}",
            "followers": {"href": None, "total": number * 100 + place},
            "popularity": place,
            "genres": ["mpb"],
            "images": [{"url": f"https://i.scdn.co/image/{number:08d}{place:032d}", "height": 640, "width": 640}],
            "external_urls": {"spotify": f"https://open.spotify.com/artist/{number:08d}{place:014d}"},
        }
        for place in range(PAGE)
    ]
    request = {"genre": "mpb", "offset": 0, "limit": PAGE, "sweep_on": "2026-11-22"}
    page = {"artists": {"items": items, "total": PAGE, "next": None}}
    line = {"fetched_at": "2026-11-22T06:00:01Z", "endpoint": "search", "request": request, "search": page}
    return zstandard.ZstdCompressor(level=3).compress(json.dumps(line).encode() + b"\n")


def _make(root: Path, world: World) -> None:
    """A published store of a world, unless it is there."""
    workspace, ledger = opened(root)
    if not ledger.meta("made"):
        say(f"store: making {world.artists:,} artists × {world.days:,} days …")
        for days in make_store(workspace, ledger, world):
            if days % 50 == 0:
                say(f"  {days} days")
        add_releases(workspace, ledger, world)
        say(f"  published in {rebuild(workspace, ledger).seconds:.0f} s, files of months included; {load()}")
        ledger.set_meta("made", "1")
    ledger.close()


def _keeping(root: Path, world: World) -> Iterator[Figure]:
    (workspace, ledger), told = opened(root), f"{world.artists:,} × {world.days:,} days"
    yield _of("rebuild everything published", told, [timed(lambda: rebuild(workspace, ledger))], 30)
    yield from _sizes(workspace, told)
    ledger.close()


def _publishing(root: Path, world: World, *, whole: bool) -> Iterator[Figure]:
    """Runs that bring numbers and what changed; `whole`: as they are, with attributes and genres of everybody again."""
    (workspace, ledger), told = opened(root), f"{world.artists:,} × {world.days:,} days"
    brought = "attributes and genres again" if whole else "numbers, and what changed"
    for artists, rounds, goal in ((RUN, 3, 0.5), (world.artists, 1, 5.0)):
        some = min(artists, world.artists)
        took = [_published(workspace, ledger, world, some, whole=whole) for _ in range(rounds)]
        yield _of(f"publish a run of {artists:,} artists, {brought}", told, took, goal)
    ledger.close()


def _published(workspace: Workspace, ledger: Ledger, world: World, artists: int, *, whole: bool) -> tuple[float, float]:
    added = int(ledger.meta("added") or 0) + 1
    add_day(workspace, ledger, world, world.days - 1 + added, artists=artists, parts=4, whole=whole)
    ledger.set_meta("added", str(added))
    return timed(lambda: publish(workspace, ledger))


def _sizes(workspace: Workspace, told: str) -> Iterator[Figure]:
    """Truth is what cannot be made again; raw answers, which are let go of after 90 days, are not in these stores."""
    files = [(path, path.stat().st_size) for path in workspace.root.rglob("*") if path.is_file()]
    history = sum(
        size for path, size in files if path.parent.parent.name.endswith("_history") or "_history" in str(path.parent)
    )
    current = max((size for path, size in files if path.suffix == ".duckdb"), default=0)
    truth = sum(size for path, size in files if path.is_relative_to(workspace.lake)) - history
    for what, size, goal in (
        ("parts", truth, 2.5),
        ("derived: months sorted, and a generation", history + current, 0.7),
    ):
        yield Figure(f"disk, {what}, {told}", f"{size / 1e9:.2f} GB", f"≤ {goal} GB", size <= goal * 1e9)


def _of(what: str, told: str, took: Sequence[tuple[float, float]], goal: float) -> Figure:
    wall, cpu = (statistics.median(each[part] for each in took) for part in (0, 1))
    note = f"CPU {cpu:.2f} s; median of {len(took)}; {load()}"
    return Figure(f"{what}, {told}", f"{wall:.2f} s", f"< {goal:g} s", wall < goal, note)
