"""A run whose batches other workers collect: the same rows, one budget, and a stated end whatever befalls them."""

from __future__ import annotations

import json
import math
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from pipeline.integrations import backends
from pipeline.records.events import EventFilter, read_events
from pipeline.records.opening import opened_ledger
from pipeline.runs.context import open_context
from pipeline.runs.elsewhere import Elsewhere
from pipeline.simulator.server import Running
from pipeline.source.allowance import NotTaken
from pipeline.source.calls import Batch, Call
from pipeline.source.deadline import TimedSource
from tests.worlds import collect, database, running_world, settings_for

BATCH = Batch("r", "a-1", "refresh_artists", "x", 1, (Call("artist", {"id": "x"}),), 1)
AWAITED = "backend=dask://far:1 batches are collected by this process until its workers have come, for 30 s at most"
Accident = Callable[[int], object]  # of the n-th batch; None: nothing happens to it


class Unlucky(backends.Pool):
    """Threads that stand for other machines, and what happens to the batches on their way."""

    def __init__(self, accident: Accident, *, alive: bool = True, late: float = 0) -> None:
        super().__init__(ThreadPoolExecutor(4), 4)
        self.accident, self.alive, self.late, self.batches = accident, alive, late, 0

    def submit(self, function, *arguments):
        """Hand over one batch."""
        self.batches += 1
        match self.accident(self.batches):
            case BaseException() as error:
                lost: Future[object] = Future()
                lost.set_exception(error)
                return lost
            case "twice":
                super().submit(function, *arguments).result()
        return super().submit(function, *arguments)

    def has_come(self):
        """Not before it was asked so often."""
        self.late -= 1
        return self.late < 0

    def is_alive(self):
        """As told."""
        return self.alive


@pytest.fixture(scope="module")
def simulator() -> Iterator[Running]:
    """A small world."""
    with running_world(artists=6, seed=3, now="2026-03-01T12:00:00Z") as served:
        yield served


@pytest.fixture(scope="module")
def wanted(simulator, tmp_path_factory) -> object:
    """What threads of this process collect from it."""
    folder = tmp_path_factory.mktemp("here")
    assert collect(simulator, folder).state == "succeeded"
    return database(folder)


def run(simulator, data, monkeypatch, accident: Accident = lambda _: None, **options):
    """A run by workers with that accident, and those workers."""
    workers = Unlucky(accident, **options)
    monkeypatch.setattr(backends, "open_workers", lambda _: workers)
    return collect(simulator, data, backend="dask://far:1"), workers


def test_far_workers_bring_the_same(simulator, wanted, tmp_path, monkeypatch):
    """The published database is what threads here collect; the run reports what the source was asked."""
    before = simulator.counts()["total"]
    result, workers = run(simulator, tmp_path, monkeypatch)
    assert (result.state, workers.batches > 3, database(tmp_path)) == ("succeeded", True, wanted)
    assert result.requests == simulator.counts()["total"] - before


def test_run_begins_without_them(simulator, wanted, tmp_path, monkeypatch):
    """Until its workers have come a run collects by itself, which its log says once; from then on they do."""
    result, workers = run(simulator, tmp_path, monkeypatch, late=11)
    with opened_ledger(settings_for(simulator, tmp_path)) as (_, ledger):
        told = [(row["level"], row["task"], row["message"]) for row in read_events(ledger, EventFilter(text="awaited"))]
        here = ledger.read("SELECT count(*) n FROM requests WHERE endpoint = 'search' AND batch_id = ''")[0]["n"]
    assert (result.state, here > 0, workers.batches > 0, database(tmp_path)) == ("succeeded", True, True, wanted)
    assert told == [("INFO", "discover", AWAITED)]


@pytest.mark.parametrize(("waited_s", "batches"), [(29, 0), (31, 1)])
def test_workers_are_awaited_half_a_minute(simulator, ledger, clock, tmp_path, waited_s, batches):
    """This process collects in the place of workers for thirty seconds; then a batch waits for them."""
    with open_context(settings_for(simulator, tmp_path), ledger, "r") as context:
        context.workers = workers = Unlucky(lambda _: None, late=math.inf)
        context.opened_s -= waited_s
        raw = Elsewhere(context, timeout_s=60).collect(BATCH, TimedSource(context.source, 60, "x"))
        workers.close()
    assert (raw.requests, workers.batches) == (1, batches)


def test_pool_has_come():
    """Workers behind threads are there at once, unless there is a first call to wait for."""
    with ThreadPoolExecutor(1) as threads:
        plain, awaited = backends.Pool(threads, 1), backends.Pool(threads, 1, first=Future())
        assert (plain.has_come(), awaited.has_come()) == (True, False)
        awaited.first.set_result(None)
        assert awaited.has_come()


def test_one_of_several_listens():
    """An address of several places is alive where one of them is; where nothing listens it is not."""
    with socket.create_server(("127.0.0.1", 0)) as there:
        port = there.getsockname()[1]
        assert backends.listens(f"spark://127.0.0.1:9,127.0.0.1:{port}")
    assert not backends.listens(f"spark://127.0.0.1:9,127.0.0.1:{port}")


@pytest.mark.slow
def test_lost_worker_is_replaced(simulator, wanted, tmp_path, monkeypatch):
    """A batch whose worker is lost is another attempt's, and nothing is missing in the end."""
    result, _ = run(simulator, tmp_path, monkeypatch, lambda n: OSError("worker lost") if n == 2 else None)
    assert (result.state, database(tmp_path)) == ("succeeded", wanted)


@pytest.mark.slow
def test_each_worker_lost_is_told(simulator, tmp_path, monkeypatch):
    """When every worker is lost, each time, the run fails and says why in one line; the next one completes."""
    result, _ = run(simulator, tmp_path, monkeypatch, lambda _: OSError("worker lost. This often\nhappens when"))
    assert (result.state, "(OSError: worker lost. This often happens when)" in result.message) == ("failed", True)
    assert collect(simulator, tmp_path).state == "succeeded"


def test_what_is_not_taken_costs_nothing(simulator, tmp_path, monkeypatch):
    """Batches that no worker begins (no such function, no right to call it) leave the budget as it was."""
    before = simulator.counts()["total"]
    result, workers = run(simulator, tmp_path, monkeypatch, lambda _: NotTaken("it answered 404"))
    told = "dask://far:1 did not take the batch (NotTaken: it answered 404)"
    assert (result.state, told in result.message, workers.batches > 3) == ("failed", True, True)
    assert result.requests == simulator.counts()["total"] - before


@pytest.mark.slow
def test_system_gone_ends_run(simulator, tmp_path, monkeypatch):
    """When the system itself is gone the run ends at once, names it, and keeps what was committed."""
    gone = lambda n: OSError("no scheduler") if n > 3 else None  # noqa: E731
    result, workers = run(simulator, tmp_path, monkeypatch, gone, alive=False)
    assert (result.state, "dask://far:1 does not answer any more" in result.message) == ("failed", True)
    assert workers.batches < 8  # of nine: those that were under way
    assert collect(simulator, tmp_path).state == "succeeded"


@pytest.mark.slow
def test_work_done_twice_is_kept_once(simulator, wanted, tmp_path, monkeypatch):
    """A batch that was collected twice, as systems do that lose a result, brings its rows once."""
    run(simulator, tmp_path, monkeypatch, lambda n: "twice" if n % 2 else None)
    assert database(tmp_path) == wanted


def test_time_to_come_is_made_up(simulator, ledger, clock, tmp_path):
    """Slots that pass while the workers of a run come are taken late, in its later tasks, too: none is lost."""
    turns = []
    with open_context(settings_for(simulator, tmp_path, window_requests=303), ledger, "r") as context:
        context.workers = workers = Unlucky(lambda _: clock.move(seconds=3))
        here = TimedSource(context.source, 60, "x")
        for _ in range(2):
            assert Elsewhere(context, timeout_s=60).collect(BATCH, here).requests == 1
            turns += ledger.read("SELECT next_slot_at AS at FROM buckets WHERE bucket = '*'")
        workers.close()
    assert turns[1]["at"] - turns[0]["at"] == pytest.approx(0.1, abs=0.01)


def test_places_of_a_refused_batch_are_free(simulator, ledger, tmp_path):
    """What others reserve while a batch comes back that nobody took, under numbers that it had, stays theirs."""

    class Refused(Unlucky):
        def is_alive(self):
            with ledger.write() as connection:
                connection.execute("INSERT INTO requests (at, bucket, endpoint) VALUES (7, 'artist', 'artist')")
            return True

    with open_context(settings_for(simulator, tmp_path), ledger, "r") as context:
        context.workers = workers = Refused(lambda _: NotTaken("it answered 429"))
        raw = Elsewhere(context, timeout_s=60).collect(BATCH, TimedSource(context.source, 60, "x"))
        workers.close()
    assert "did not take the batch" in str(raw.error)
    assert [row["at"] for row in ledger.read("SELECT at FROM requests")] == [7]


@pytest.mark.parametrize(
    ("module", "said"),
    [
        ("no_such_workers", "needs the package pipeline.integrations.no_such_workers: pip install --group dask"),
        ("wire", "cannot be reached (ConnectionError: nothing listens there). Start it, or set it to threads."),
    ],
)
def test_doctor_looks_at_workers(
    inside: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, said: str
) -> None:
    """Workers that cannot be had are told before the first run has to end for them."""
    monkeypatch.setitem(backends.MODULES, "dask", module)
    given = {"GARIMPO_DATA": str(tmp_path / "data"), "GARIMPO_BACKEND": "dask://127.0.0.1:9"}
    code, out, _ = inside(given, tmp_path, "doctor", "--json")
    [check] = [check for check in json.loads(out)["checks"] if check["name"] == "backend"]
    assert (code, check["ok"], said in check["detail"]) == (2, False, True)


def test_doctor_calls_no_function(inside: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a function, which costs whenever it is called, no more is said than that its package is here."""
    monkeypatch.setitem(backends.MODULES, "gcf", "wire")
    given = {"GARIMPO_DATA": str(tmp_path / "data"), "GARIMPO_BACKEND": "gcf://127.0.0.1:9/collect"}
    code, out, _ = inside(given, tmp_path, "doctor", "--json")
    [check] = [check for check in json.loads(out)["checks"] if check["name"] == "backend"]
    assert (code, check["ok"], "whether that answers, the first batch tells" in check["detail"]) == (0, True, True)
