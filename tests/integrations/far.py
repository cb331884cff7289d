"""What every system has to do alike: the same database as threads, one budget, a stated end, a price per batch.

Each system's test hands over an address, a way to kill its workers, and what its logs say.
"""

from __future__ import annotations

import json
import os
import re
import signal
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from pipeline.published.generations import open_generation
from pipeline.records.opening import opened_ledger
from pipeline.runs.progress import RunResult
from pipeline.runs.runner import run_pipeline
from pipeline.settings import Settings, load_settings
from pipeline.source.allowance import Allowance, collect_with_allowance
from pipeline.source.calls import Batch, Call, RawBatch
from pipeline.source.spotify import Access
from pipeline.workspace import open_workspace
from tests.benchmarks.worlds import World, world

__all__ = [
    "MEASURE",
    "SECRET",
    "collect",
    "credentials",
    "dies_each_time",
    "dies_once",
    "last_run",
    "measured",
    "nothing",
    "overhead_ms",
    "pace",
    "processes",
    "published",
    "published_by",
    "same_as_threads",
    "small_world",
    "suicide",
    "told",
    "until",
    "variables",
    "while_running",
]

SECRET = "a-secret-that-no-log-may-show"
NAMES_A_RUN = re.compile(r"run_id|_at$|batch|attempt|artist_no")  # artists are numbered as they were committed
TABLES = "artists artist_snapshots artist_genres releases release_artists tracks track_artists"


MEASURE = os.environ.get("MEASURE", "")  # requests a second at which the pace is measured; empty: it is not
ROUNDS = 100 if MEASURE else 20

HERE = "0100007F|0{16}FFFF00000100007F|0{24}01000000"  # 127.0.0.1, the same as of IPv6, and ::1

measured = pytest.mark.skipif(not MEASURE, reason="a measurement: python -m tests.benchmarks elsewhere")


def small_world(**config: Any) -> Any:
    """A simulator in a process of its own."""
    return world(**{"profile": "extended", "artists": 12, "client_id": "garimpo", "client_secret": SECRET, **config})


def collect(simulated: World, data: Path, backend: str, **changes: Any) -> RunResult:
    """One run through a backend."""
    values = {"client_id": "garimpo", "client_secret": SECRET, "backend": backend, **changes}
    return run_pipeline(simulated.settings(data, **values))


def variables(simulated: World, data: Path) -> dict[str, str]:
    """The same settings as variables of the environment, for systems that start processes of their own."""
    more = {"GARIMPO_GENRES": ",".join(simulated.genres), "GARIMPO_MAX_REQUESTS": "1000000"}
    return credentials(simulated) | more | {"GARIMPO_DATA": str(data)}


def credentials(simulated: World) -> dict[str, str]:
    """Of these what a worker needs that has an environment of its own."""
    return {
        "SPOTIPY_CLIENT_ID": "garimpo", "SPOTIPY_CLIENT_SECRET": SECRET,
        "GARIMPO_API_URL": simulated.api_url, "GARIMPO_TOKEN_URL": simulated.token_url,
    }  # fmt: skip


def published(data: Path) -> dict[str, list[Any]]:
    """Every published row of a folder, but for what names the run, its instant and its order."""
    return published_by(Settings(data=data, workspace="simulator"))


def published_by(settings: Settings) -> dict[str, list[Any]]:
    """The same of the workspace that settings name."""
    generation, found = open_generation(open_workspace(settings)), {}
    for name in TABLES.split():
        columns = [row[0] for row in generation.rows(f"SELECT column_name FROM (DESCRIBE {name})")]
        same = [column for column in columns if not NAMES_A_RUN.search(column)]
        found[name] = generation.rows(f"SELECT {', '.join(same)} FROM {name} ORDER BY ALL")
    return found


def last_run() -> dict[str, Any]:
    """What the ledger of the settings in the environment says of the last run."""
    with opened_ledger(load_settings()) as (_, ledger):
        return dict(ledger.runs(1)[0])


def same_as_threads(simulated: World, wanted: dict[str, list[Any]], data: Path, backend: str, **changes: Any) -> None:
    """Run by the backend: the database must equal what threads publish, table by table, and no row missing."""
    simulated.restart()
    result = collect(simulated, data, backend, **changes)
    assert result.state == "succeeded", result.message
    assert result.requests == simulated.counts()["total"]
    found = published(data)
    assert {name: len(rows) for name, rows in found.items()} == {name: len(rows) for name, rows in wanted.items()}
    assert found == wanted


def where(batch: Batch, access: Access, allowance: Allowance) -> RawBatch:
    """The process that a batch is collected in, as its payload."""
    time.sleep(0.05)
    return RawBatch(batch.batch_id, str(os.getpid()).encode(), 0, 0)


def suicide(batch: Batch, access: Access, allowance: Allowance) -> RawBatch:
    """Ends its process once per marker file, then collects; every time where there can be no such file."""
    marker = Path(batch.item)
    if not marker.exists():
        with suppress(OSError):
            marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return where(batch, access, allowance)


def dies_once(workers: Any, folder: Path) -> bytes:
    """A batch kills its worker and is lost with an error; handed over again it is collected: by which process."""
    batch, access, allowance = nothing()
    doomed = replace(batch, item=str(folder / "once"))
    with pytest.raises(Exception, match=r"\S"):
        workers.submit(suicide, doomed, access, allowance).result(120)
    for _ in range(60):  # until the system has a worker in the place of the dead one
        try:
            return workers.submit(suicide, doomed, access, allowance).result(120).payload
        except Exception:  # noqa: BLE001  whatever the system raises meanwhile
            time.sleep(0.5)
    raise AssertionError("no worker came back")


def processes(workers: Any, many: int = 16) -> set[int]:
    """The processes that so many batches were collected in."""
    futures = [workers.submit(where, *nothing()) for _ in range(many)]
    return {int(future.result(60).payload) for future in futures}


def dies_each_time(workers: Any) -> None:
    """A batch that kills its worker every time is lost every time, with an error: none of the attempts hangs."""
    batch, access, allowance = nothing()
    for number in range(3):
        with pytest.raises(Exception, match=r"\S"):
            workers.submit(suicide, replace(batch, item=f"/nowhere/{number}"), access, allowance).result(120)


def overhead_ms(workers: Any, rounds: int = ROUNDS) -> float:
    """Median milliseconds from handing over a batch of no requests to its result, once warm."""
    empty, spent = nothing(calls=0), []
    for _ in range(rounds + 10):
        began = time.perf_counter()
        workers.submit(collect_with_allowance, *empty).result(60)
        spent.append((time.perf_counter() - began) * 1000)
    return statistics.median(spent[10:])


def nothing(calls: int = 1) -> tuple[Batch, Access, Allowance]:
    """A batch that goes nowhere, or with no calls at all, and what goes with it."""
    batch = Batch("run", "b", "discover", "nothing", 1, (Call("artist", {"id": "a"}),) * calls, 1)
    return batch, Access("http://127.0.0.1:9/v1/", "http://127.0.0.1:9/token", "garimpo", SECRET), Allowance(1, 1.0)


def pace(address: Callable[[World], str], folder: Path, requests: int = 2_000) -> None:
    """Wall time of so many requests of 100 ms through a backend, against threads at the same permitted rate."""
    per_30_s, took = int(MEASURE) * 30, {}
    with small_world(profile="development", artists=400, latency_ms=100, window_requests=per_30_s) as simulated:
        for backend in ("threads", address(simulated)):
            simulated.restart()
            began = time.perf_counter()
            result = collect(simulated, folder / backend[:4], backend, window_requests=per_30_s, max_requests=requests)
            took[backend[:4]] = time.perf_counter() - began
            counts = simulated.counts()
            assert (counts["total"], result.state) == (requests, "succeeded"), result.message
    here, there = took.values()
    told(
        pace=round(there / here, 3), here_s=round(here, 1), there_s=round(there, 1), rate=int(MEASURE),
        refused=counts["by_status"].get("429", 0), most_in_30_s=counts["max_in_30_s"], load=round(os.getloadavg()[0]),
    )  # fmt: skip


def told(**figures: Any) -> None:
    """A line that run.sh shows."""
    sys.stdout.write(f"\nFIGURES {json.dumps(figures)}\n")


@contextmanager
def while_running(action: Callable[[], None], simulated: World, requests: int = 12) -> Any:
    """Do something to the system in the middle of a run: once so many requests have been answered."""
    simulated.restart()
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.05):
            if simulated.counts()["total"] >= requests:
                return action()
        return None

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


@contextmanager
def refusing(status: int) -> Iterator[str]:
    """A server of this machine that answers every POST with a status and empty JSON: its host and port."""

    class Refusal(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Refusal) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


def doors(root: int) -> list[str]:
    """Where a process and what it started listen beyond this machine (Linux): addresses as the kernel writes them."""
    family, held = [root], set()
    for each in family:
        for file in Path(f"/proc/{each}/task").glob("*/children"):
            family += map(int, file.read_text().split())
        for link in Path(f"/proc/{each}/fd").iterdir():
            with suppress(FileNotFoundError):  # closed meanwhile
                held.add(str(link.readlink()))
    rows = [line.split() for kind in ("tcp", "tcp6") for line in Path(f"/proc/net/{kind}").read_text().splitlines()[1:]]
    listening = [row[1] for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in held]
    assert listening, "none of them listens at all"
    return [place for place in listening if not re.match(f"({HERE}):", place)]


def until(action: Callable[[], Any], seconds: float = 60) -> None:
    """Try until it works."""
    end = time.monotonic() + seconds
    while True:
        try:
            action()
        except Exception:
            if time.monotonic() > end:
                raise
            time.sleep(0.5)
        else:
            return
