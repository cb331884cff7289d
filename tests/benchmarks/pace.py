"""How close a run comes to the shortest time that its permitted rate allows."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.runs.progress import Progress
from pipeline.runs.runner import run_pipeline
from tests.benchmarks.figures import Figure, load, say
from tests.benchmarks.worlds import World, world

__all__ = ["measure_pace"]

GOAL = 1.05
LATENCY_MS = 100
WINDOW_S = 30
ARTISTS = 400  # of the development profile: more than 2,000 requests' worth
RATES = {10: 2_000, 30: 2_000, 100: 2_000}
QUICK = {30: 450, 100: 2_000}


@dataclass
class _Watch:
    """When each task of a run began, in seconds after the run did."""

    began: float = field(default_factory=time.perf_counter)
    tasks: dict[str, float] = field(default_factory=dict)

    def __call__(self, progress: Progress) -> None:
        self.tasks.setdefault(progress.task, time.perf_counter() - self.began)


def measure_pace(*, quick: bool = False) -> Iterator[Figure]:
    """Wall time against requests ÷ permitted rate, at each rate: the whole run, and beside it collecting alone."""
    for rate, requests in (QUICK if quick else RATES).items():
        say(f"pace: {requests} requests at {rate}/s, {LATENCY_MS} ms latency: about {requests / rate:.0f} s …")
        config = {"artists": ARTISTS, "latency_ms": LATENCY_MS, "window_requests": rate * WINDOW_S}
        with world(profile="development", **config) as simulated, tempfile.TemporaryDirectory() as folder:
            yield from _run(simulated, Path(folder), rate, requests)


def _run(simulated: World, data: Path, rate: int, requests: int) -> Iterator[Figure]:
    settings = simulated.settings(data, max_requests=requests, window_requests=rate * WINDOW_S)
    watch, cpu = _Watch(), time.process_time()
    result = run_pipeline(settings, report=watch)
    wall, cpu = time.perf_counter() - watch.began, time.process_time() - cpu
    counts = simulated.counts()
    sent, refused = counts["total"], counts["by_status"].get("429", 0)
    shortest = sent / rate
    collecting = watch.tasks["publish"] - watch.tasks["discover"]
    note = (
        f"{sent} requests in {wall:.1f} s, {cpu:.1f} s CPU; without probe, publish and check "
        f"{collecting / (shortest or 1):.3f}; run {result.state}; {load()}"
    )
    what = f"wall time ÷ (requests ÷ permitted rate), {rate}/s, {LATENCY_MS} ms"
    yield Figure(what, f"{wall / shortest:.3f}", f"≤ {GOAL}", wall / shortest <= GOAL, note)
    most = f"most in any 30 s: {counts['max_in_30_s']} of {rate * WINDOW_S}"
    yield Figure(f"429s when the simulator enforces {rate}/s", str(refused), "0", refused == 0, most)
