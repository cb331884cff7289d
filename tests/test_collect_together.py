"""Batches that arrive together are kept together: nothing of any is lost, and the last items are small."""

from __future__ import annotations

import pytest
import zstandard

from pipeline.runs.planner import _tapered
from pipeline.source.calls import RawBatch
from pipeline.source.collect import gathered
from pipeline.source.sightings import Watcher
from tests.worlds import collect, database, genre_names, held, running_world, stable_tables


def brought(name: str, text: bytes) -> RawBatch:
    """What a worker brings back for a batch."""
    seen = Watcher().sightings()
    return RawBatch(name, zstandard.ZstdCompressor().compress(text), text.count(b"\n"), 1, (), None, (), seen)


def test_gathered_holds_every_line():
    """The lines of all stand in one frame, in order, under the first one's name."""
    raw = gathered([brought("a", b"1\n2\n"), brought("b", b"3\n"), brought("c", b"4\n")])
    assert (raw.batch_id, raw.lines) == ("a", 4)
    assert zstandard.ZstdDecompressor().decompress(raw.payload) == b"1\n2\n3\n4\n"


def test_last_items_are_small():
    """Chunks shrink to a worker's share of what is left, not below the least, and hold every row once."""
    chunks = list(_tapered(range(60), 10, 4, 2))
    assert [len(chunk) for chunk in chunks] == [10, 10, 10, 7, 5, 4, 3, 2, 2, 2, 2, 2, 1]
    assert [row for chunk in chunks for row in chunk] == list(range(60))


def test_one_worker_needs_no_small_items():
    """Where one worker keeps the pace, items have their usual size to the end."""
    assert [len(chunk) for chunk in _tapered(range(25), 10, 1, 2)] == [10, 10, 5]


@pytest.mark.slow
def test_many_workers_lose_nothing(tmp_path):
    """With answers that take a while many batches arrive at once; the database still equals the truth."""
    with running_world(artists=80, seed=6, latency_ms=30) as simulator:
        assert collect(simulator, tmp_path).state == "succeeded"
        truth = simulator.truth(genres=genre_names(simulator))
    assert stable_tables(database(tmp_path)) == held(truth)
