"""What a replay costs: a million artist objects as Spotify gives them, derived again in a process of its own.

Run as a program it is that process: it replays the workspace it is given, and says how long that took, and its memory.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import zstandard

from pipeline.keeping.replay import replay
from pipeline.lake.normalize import Normalizer
from pipeline.lake.store import commit_raw_batch
from pipeline.source.calls import Batch, RawBatch
from tests.benchmarks.figures import Figure, load, say
from tests.benchmarks.reading import opened

__all__ = ["measure_replay"]

PER_BATCH, PER_PAGE = 1_000, 50
LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def measure_replay(root: Path, objects: int) -> Iterator[Figure]:
    """Objects per second of processor time of a replay that finds everything as it was, and its largest memory."""
    say(f"replay: {objects:,} artist objects in batches of {PER_BATCH:,} …")
    _make(root, objects)
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.replaying", str(root)], stdout=subprocess.PIPE, check=True
    )
    took = json.loads(done.stdout)
    rate, told = (
        objects / took["cpu"],
        f"{took['wall']:.0f} s by the clock, {took['changed']} batches changed; {load()}",
    )
    yield Figure("replay, objects per CPU-second", f"{rate:,.0f}", "≥ 300,000", rate >= 300_000, told)
    yield Figure("replay, memory", f"{took['mb']} MB", "< 400 MB", took["mb"] < 400, load())


def _make(root: Path, objects: int) -> None:
    """Commit batches of pages of a search, as a run does, without publishing."""
    (workspace, ledger), normalizer, rng = opened(root), Normalizer(), random.Random(1)
    packer = zstandard.ZstdCompressor(level=3)
    ledger.begin_run("run", "cli", {}, 1)
    for number in range(objects // PER_BATCH):
        lines = [_line(rng, number, offset) for offset in range(0, PER_BATCH, PER_PAGE)]
        raw = RawBatch(f"batch-{number:05d}", packer.compress("".join(lines).encode()), len(lines), len(lines))
        ledger.begin_task("run", raw.batch_id, 1, "discover", "mpb")
        batch = Batch("run", raw.batch_id, "discover", "mpb", 1, (), PER_PAGE)
        commit_raw_batch(workspace, ledger, normalizer, batch, raw, "succeeded", "")
    ledger.finish_run("run", "succeeded")
    ledger.close()


def _line(rng: random.Random, number: int, offset: int) -> str:
    request = {"genre": f"genre {number}", "offset": offset, "limit": PER_PAGE, "sweep_on": "2026-11-22"}
    page = {"artists": {"items": [_artist(rng) for _ in range(PER_PAGE)], "total": PER_BATCH, "next": None}}
    line = {"fetched_at": "2026-11-22T06:00:01Z", "endpoint": "search", "request": request, "search": page}
    return json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n"


def _artist(rng: random.Random) -> dict[str, Any]:
    """A full object with three images, 680 bytes on average."""
    artist_id = "".join(rng.choices(LETTERS, k=22))
    return {
        "external_urls": {"spotify": f"https://open.spotify.com/artist/{artist_id}"},
        "followers": {"href": None, "total": int(10 ** rng.uniform(0, 7))},
        "genres": rng.sample([f"genre {each}" for each in range(500)], rng.randint(0, 4)),
        "href": f"https://api.spotify.com/v1/artists/{artist_id}",
        "id": artist_id,
        "images": [
            {"url": f"https://i.scdn.co/image/{rng.getrandbits(160):040x}", "height": size, "width": size}
            for size in (640, 320, 160)
        ],
        "name": " ".join(f"{rng.choice(['Banda', 'Céu', 'Mar', 'São'])}{rng.randrange(3000)}" for _ in range(2)),
        "popularity": rng.randrange(101),
        "type": "artist",
        "uri": f"spotify:artist:{artist_id}",
    }


def _largest_mb() -> int:
    status = Path("/proc/self/status")  # Linux alone tells
    lines = status.read_text(encoding="ascii").splitlines() if status.is_file() else []
    return next((int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM")), 0)


if __name__ == "__main__":
    where, books = opened(Path(sys.argv[1]))
    wall, cpu = time.perf_counter(), time.process_time()
    changed = replay(where, books).changed
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    sys.stdout.write(json.dumps({"wall": wall, "cpu": cpu, "mb": _largest_mb(), "changed": changed}))
