"""What the engine costs beside bare joblib: items that do nothing, planned, logged and recorded as in any run."""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import joblib
from pydantic import SecretStr

from pipeline.lake.normalize import Normalizer
from pipeline.records.events import kept_log
from pipeline.records.ledger import Ledger
from pipeline.records.log_context import working_for
from pipeline.runs.context import open_context
from pipeline.runs.dag import Task
from pipeline.runs.fanout import MappedTask
from pipeline.runs.planner import Item, Outlook
from pipeline.settings import Settings
from pipeline.workspace import open_workspace
from tests.benchmarks.figures import Figure, load, say

__all__ = ["measure_engine"]

ITEMS, WORKERS = 10_000, 16
GOAL_S = 0.002


def measure_engine(*, quick: bool = False) -> Iterator[Figure]:
    """Wall time of 10,000 items without a request through a mapped task, less that of joblib alone in the same run."""
    items = ITEMS // 10 if quick else ITEMS
    say(f"engine: {items} items that do nothing …")
    bare = min(_bare(items) for _ in range(3))
    with tempfile.TemporaryDirectory() as folder:
        whole = min(_mapped(Path(folder) / str(number), items) for number in range(1 if quick else 2))
    each = (whole - bare) / items
    note = f"{whole:.1f} s, joblib alone {bare:.2f} s with {WORKERS} threads; {load()}"
    yield Figure(f"engine, {items:,} items that do nothing: cost of each", f"{each * 1000:.2f} ms", "≤ 2 ms",
                 each <= GOAL_S, note)  # fmt: skip


def _bare(items: int) -> float:
    began = time.perf_counter()
    parallel = joblib.Parallel(n_jobs=WORKERS, backend="threading", return_as="generator_unordered", batch_size=1)
    for _ in parallel(joblib.delayed(abs)(number) for number in range(items)):
        pass
    return time.perf_counter() - began


def _mapped(data: Path, items: int) -> float:
    """Seconds of the mapped task, its rows and log lines in the ledger included."""
    secret = SecretStr("bench")
    # Nothing is sent: no item has a call.
    settings = Settings(
        data=data, workspace="bench", api_url="http://127.0.0.1:9/v1/", token_url="http://127.0.0.1:9/token",
        client_id=secret, client_secret=secret, max_requests=1_000_000,
    )  # fmt: skip
    ledger, planned = (
        Ledger(open_workspace(settings).ledger),
        [Item(f"item {number}", (), 1) for number in range(items)],
    )

    def expand(_: Outlook) -> list[Item]:
        found, planned[:] = planned[:], []
        return found

    task = Task("discover", "nothing", expand=expand, mapped_over="items", bucket="other")
    ledger.begin_run("r1", "cli", {}, os.getpid())
    with (
        open_context(settings, ledger, "r1", stop=threading.Event()) as context,
        working_for(run_id="r1"),
        kept_log(ledger, "r1"),
    ):
        began = time.perf_counter()
        result = MappedTask(context, task, Normalizer(), lambda *_: None).run(expand)
        took = time.perf_counter() - began
    ledger.close()
    if result.items != items:
        raise RuntimeError(f"{result.items} of {items} items ended: {result.message}")
    return took
