"""Raw files and parts in a real bucket: the promises of tests/test_object_store*.py, no byte left, and the price."""

from __future__ import annotations

import io
import os
import statistics
import time
from contextlib import closing

import pyarrow.parquet as pq
import pytest
import zstandard

from pipeline.integrations.object_store import open_store
from pipeline.keeping.purge import purge_artist
from pipeline.keeping.stored import evict
from pipeline.lake.truth import named_files
from pipeline.records.ledger import Ledger
from pipeline.workspace import Workspace
from tests.integrations import far
from tests.payloads import artist, commit, search_line
from tests.stores import StoreAt, place
from tests.test_object_store import *  # noqa: F403  the same promises, of a real store
from tests.test_object_store_kept import *  # noqa: F403
from tests.test_purge_artist import GONE, SIGNS, collected

numbers = iter(range(1000))
ROUNDS = 25


@pytest.fixture
def store_at(server, credentials) -> StoreAt:
    """A prefix of its own for each name."""
    number = next(numbers)
    return lambda name: open_store(server.address(f"test-{number}"), name)


def test_purge_leaves_no_byte(store_at, tmp_path):
    """After an artist's removal no object in the bucket, unpacked or not, says its id, its name or what was its."""
    here = place(tmp_path / "here", store_at("purge"))
    with closing(Ledger(here.ledger)) as ledger:
        collected(here, ledger)
        assert {sign for sign in SIGNS for said in texts(here) if sign in said} == set(SIGNS)
        evict(here, ledger, ledger.now().date().replace(year=2100), 0)
        purge_artist(here, ledger, GONE)
        assert {sign for sign in SIGNS for said in texts(here) if sign in said} == set()
        assert len(texts(here)) == len(named_files(ledger)) + 1  # and whose it is


def texts(here: Workspace) -> list[str]:
    """What every object says, unpacked, and its bytes."""
    said = []
    for name in here.store.names():  # type: ignore[union-attr]
        content = here.store.get(name)[0]  # type: ignore[union-attr,index]
        text = content.decode("latin-1")
        if name.endswith(".zst"):
            text += zstandard.ZstdDecompressor().stream_reader(content).read().decode()
        elif name.endswith(".parquet"):
            text += str(pq.read_table(io.BytesIO(content)).to_pylist())
        said.append(text)
    return said


def test_price_of_a_commit(server, tmp_path):
    """What a store on this machine adds to a commit of five files, by turns."""
    stores = {"alone": None, "stored": open_store(server.address("price"), "test")}
    places = {name: place(tmp_path / name, store) for name, store in stores.items()}
    ledgers = {name: Ledger(here.ledger) for name, here in places.items()}
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in stores}
    for number in range(ROUNDS):
        for name, here in places.items():
            began, cpu = time.perf_counter(), time.process_time()
            commit(here, ledgers[name], f"b{number}", search_line(*(artist(f"a{n}") for n in range(50))))
            times[name].append(((time.perf_counter() - began) * 1000, (time.process_time() - cpu) * 1000))
    for ledger in ledgers.values():
        ledger.close()
    spent = {
        name: [round(statistics.median(of), 1) for of in zip(*each[5:], strict=True)] for name, each in times.items()
    }
    far.told(commit_ms_and_cpu_ms=spent, load=round(os.getloadavg()[0]))
