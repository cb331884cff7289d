"""Whether the driver's memory stays flat while it commits what workers bring, artist after artist.

Run as a program it is the driver: it commits the batches of a made-up search and prints its memory as it goes.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import zstandard

from pipeline.lake.normalize import Normalizer
from pipeline.lake.store import commit_raw_batch
from pipeline.records.ledger import Ledger
from pipeline.settings import Settings
from pipeline.source import capabilities
from pipeline.source.calls import Batch, Call, RawBatch
from pipeline.source.sightings import Watcher
from pipeline.workspace import open_workspace
from tests.benchmarks.figures import Figure, load, say

__all__ = ["measure_memory"]

GOAL_MB = 50
ARTISTS = 100_000
PAGE, PAGES = 50, 10  # as the planner cuts a search: a batch of ten pages
WARM = 10_000  # artists after which everything that is loaded once has been
TIMEOUT_S = 600
DAY = "2026-03-10"
STATUS = Path("/proc/self/status")


def measure_memory(*, quick: bool = False) -> Iterator[Figure]:
    """How far the driver's memory moves between the 10,000th and the 100,000th artist."""
    artists = ARTISTS // 4 if quick else ARTISTS
    what = f"driver's memory over {artists:,} artists: largest change after the first {WARM:,}"
    if not STATUS.is_file():
        yield Figure(what, "not measured", f"≤ {GOAL_MB} MB", note="this system has no /proc")
        return
    say(f"memory: {artists} artists through the commit path …")
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "tests.benchmarks.memory", folder, str(artists)]
        done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=TIMEOUT_S)
    seen = json.loads(done.stdout)
    settled = [mb for many, mb in seen if many >= WARM]
    change = max(abs(mb - settled[0]) for mb in settled)
    note = f"{settled[0]:.0f} MB at {WARM:,}, {settled[-1]:.0f} MB at the end, {max(settled):.0f} MB at most; {load()}"
    yield Figure(what, f"{change:.0f} MB", f"≤ {GOAL_MB} MB", change <= GOAL_MB, note)


def commit_artists(data: Path, artists: int) -> list[tuple[int, float]]:
    """Commit so many made-up artists; after each batch, how many there are and the memory in MB."""
    workspace = open_workspace(Settings(data=data, workspace="benchmark"))
    ledger, normalizer, seen = Ledger(workspace.ledger), Normalizer(), []
    for number in range(artists // (PAGE * PAGES)):
        batch, raw = _searched(number)
        ledger.begin_task(batch.run_id, batch.batch_id, 1, batch.task, batch.item)
        rows = commit_raw_batch(workspace, ledger, normalizer, batch, raw, "succeeded", "")
        if rows < PAGE * PAGES:
            raise RuntimeError(f"{batch.batch_id} gave {rows} rows: the made-up pages are not what is collected")
        capabilities.observe(ledger, raw.sightings, ledger.now())
        seen.append(((number + 1) * PAGE * PAGES, _resident_mb()))
    ledger.close()
    return seen


def _searched(number: int) -> tuple[Batch, RawBatch]:
    """A batch of search pages and what a worker would bring back."""
    calls, lines, watcher = [], [], Watcher()
    for page in range(PAGES):
        params = {"genre": f"genre {number}", "offset": page * PAGE, "limit": PAGE, "sweep_on": DAY, "follow": True}
        calls.append(Call("search", params))
        body = _page(number, page)
        watcher.look("search", body)
        line = {"fetched_at": f"{DAY}T12:00:00Z", "endpoint": "search", "request": params, "search": body}
        lines.append(json.dumps(line, separators=(",", ":")).encode() + b"\n")
    batch = Batch("run", f"discover-{number:05d}", "discover", f"genre {number}", 1, tuple(calls), PAGES)
    payload = zstandard.ZstdCompressor(level=3).compress(b"".join(lines))
    return batch, RawBatch(batch.batch_id, payload, PAGES, PAGES, (), None, (), watcher.sightings())


def _page(number: int, page: int) -> dict[str, object]:
    first = (number * PAGES + page) * PAGE
    items = [_artist(first + place) for place in range(PAGE)]
    end = None if page == PAGES - 1 else "http://127.0.0.1/v1/search?next"
    return {"artists": {"items": items, "limit": PAGE, "offset": page * PAGE, "total": PAGE * PAGES, "next": end}}


def _artist(index: int) -> dict[str, object]:
    artist_id = f"{index:022d}"
    images = [
        {"url": f"http://127.0.0.1/image/{artist_id}-{size}.svg", "height": size, "width": size}
        for size in (640, 320, 160)
    ]
    return {
        "id": artist_id,
        "name": f"Synthetic Artist {index}",
        "type": "artist",
        "uri": f"spotify:artist:{artist_id}",
        "href": f"http://127.0.0.1/v1/artists/{artist_id}",
        "external_urls": {"spotify": f"http://127.0.0.1/artist/{artist_id}"},
        "images": images,
        "genres": [f"genre {index % 30}"],
        "followers": {"href": None, "total": index * 7},
        "popularity": index % 101,
    }


def _resident_mb() -> float:
    line = next(line for line in STATUS.read_text(encoding="ascii").splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    sys.stdout.write(json.dumps(commit_artists(Path(sys.argv[1]), int(sys.argv[2]))))
