"""Collecting far from the ledger: a worker keeps to the requests and the pace it was given."""

from __future__ import annotations

import json
import pickle
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from pipeline.errors import AllowanceSpent
from pipeline.source.allowance import Allowance, AllowanceGate, collect_with_allowance
from pipeline.source.calls import Batch, Call
from tests.loopback import NOW, Sent, serving

CALLS = tuple(Call("artist", {"id": f"a{number}"}) for number in range(1, 6))
BATCH = Batch("run", "refresh-0001", "refresh", "x", 1, CALLS, 100)
FAST = Allowance(100, 10_000.0)


def test_allowance_ends_batch():
    """When the requests are used up nothing more is sent, and the rest is left."""
    with serving(Sent({})) as server:
        raw = collect_with_allowance(BATCH, server.access(), Allowance(3, 10_000.0))
    assert (len(server.asked), raw.requests, raw.lines) == (3, 3, 3)
    assert (type(raw.error), raw.left) == (AllowanceSpent, CALLS[3:])


def test_retries_count():
    """An attempt is a request of the allowance like any other."""
    answers = [Sent({}), Sent(b"", 500), Sent(b"", 500)]
    with serving(lambda _: answers.pop() if len(answers) > 1 else answers[0]) as server:
        raw = collect_with_allowance(BATCH, server.access(), Allowance(4, 10_000.0))
    assert (len(server.asked), raw.requests, raw.lines) == (4, 4, 2)


def test_batch_comes_as_json():
    """A worker that only knows JSON gets the batch as such."""
    with serving(Sent({})) as server:
        raw = collect_with_allowance(json.loads(json.dumps(BATCH.to_dict())), server.access(), FAST)
    assert (raw.lines, raw.left, raw.error) == (5, (), None)


def test_other_process_collects():
    """Everything a worker process needs travels there, and its result travels back."""
    with serving(Sent({"id": "a1"})) as server, ProcessPoolExecutor(1, get_context("spawn")) as pool:
        raw = pool.submit(collect_with_allowance, BATCH, server.access(), FAST).result(60)
    assert (raw.lines, raw.requests, len(server.asked)) == (5, 5, 5)


@pytest.mark.parametrize("value", [FAST, collect_with_allowance], ids=["allowance", "entry"])
def test_pieces_pickle(value):
    """The pieces that go to a worker pickle."""
    assert pickle.loads(pickle.dumps(value)) == value  # noqa: S301  our own bytes


def test_pace_is_kept():
    """Requests are spaced evenly; time that passed anyway is not waited for again, nor saved up."""
    seconds, waits = [0.0], []

    def sleep(wait: float) -> None:
        waits.append(round(wait, 3))
        seconds[0] += wait

    gate = AllowanceGate(Allowance(10, 4.0), lambda: NOW, lambda: seconds[0], sleep)
    for passed in (0.0, 0.0, 0.1, 5.0, 0.0):
        seconds[0] += passed
        gate.acquire("search", "search")
    assert waits == [0.0, 0.25, 0.15, 0.0, 0.25]


def test_spent_gate_says_so():
    """The refusal names the bucket and the number."""
    gate = AllowanceGate(Allowance(0, 1.0), lambda: NOW)
    with pytest.raises(AllowanceSpent) as caught:
        gate.acquire("albums", "album")
    assert (caught.value.bucket, caught.value.reason) == ("albums", "the 0 requests of this worker are used up")
