"""Raw files and parts in an object store: there before they count, one writer a name, fetched when they are read.

Here the store is a folder; tests/integrations/objects makes the same promises of real ones.
"""

from __future__ import annotations

import threading
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from pipeline.errors import DamagedFile, SettingsError, StorageError
from pipeline.keeping.replay import replay
from pipeline.keeping.stored import evict, fetch_all
from pipeline.lake.files import write_hidden
from pipeline.lake.store import sweep
from pipeline.lake.truth import OWNER, claim_store, named_files, place_truth, stored_names
from pipeline.published.checks import latest_results, watch
from pipeline.published.generations import open_generation
from pipeline.published.publish import rebuild
from pipeline.queries.tracing import trace_rows
from pipeline.records.belonging import CLAIMED
from pipeline.records.ledger import Ledger
from pipeline.workspace import ObjectStore, Workspace
from tests.conftest import Clock
from tests.payloads import artist, commit, search_line
from tests.published import answers
from tests.stores import RAW, RUN, Stored, fill, here, place


def test_every_file_is_there(stored: Stored, store: ObjectStore) -> None:
    """What the ledger names lies in the store, byte for byte, when a batch is committed; and nothing else."""
    workspace, ledger = stored
    names = {name for name, _ in named_files(ledger)}
    assert (set(store.names()) - {OWNER}, here(workspace)) == (names, names)
    assert all((workspace.root / name).read_bytes() == (store.get(name) or (b"", 0))[0] for name in names)


def test_one_writer_of_a_name(store: ObjectStore) -> None:
    """Of writers who put one name at once one is told that it did, and the store has what that one put."""
    for name in ("first", "second", "third"):
        told, start = dict[int, bool](), threading.Barrier(8)

        def put(number: int, name: str = name, told: dict[int, bool] = told, start: threading.Barrier = start) -> None:
            start.wait()
            told[number] = store.put_new(name, b"by %d" % number)

        writers = [threading.Thread(target=put, args=(number,)) for number in range(8)]
        [writer.start() for writer in writers], [writer.join() for writer in writers]
        (winner,) = [number for number, won in told.items() if won]
        assert store.get(name) == (b"by %d" % winner, 0)


def test_second_writer_is_told(tmp_path: Path, store: ObjectStore, clock: Clock) -> None:
    """A batch whose name another wrote is not committed, and leaves what that one wrote as it was; else nothing."""
    workspace = place(tmp_path / "here", store)
    store.put_new(RAW, b"another's")
    with closing(Ledger(workspace.ledger, clock.now)) as ledger:
        with pytest.raises(StorageError, match=r"another raw/day=2026-11-22/.* already"):
            commit(workspace, ledger, "b3", search_line(artist("a1")), run_id=RUN)
        assert (here(workspace), ledger.parts(), set(store.names())) == (set(), [], {OWNER, RAW})
        assert (store.get(RAW), sweep(workspace, ledger)) == ((b"another's", 0), 1)
        assert commit(workspace, ledger, "b3", search_line(artist("a1")), run_id=RUN, attempt=2) == 4


def test_own_file_is_no_stranger(tmp_path: Path, store: ObjectStore, clock: Clock) -> None:
    """A file that is there already with the same content is our own, of which the answer was lost."""
    workspace = place(tmp_path / "here", store)
    path = workspace.raw / "day=2026-11-22" / RUN / "b3.jsonl.zst"
    store.put_new(RAW, b"same")
    write_hidden(path, b"same")
    with closing(Ledger(workspace.ledger, clock.now)) as ledger:
        place_truth(workspace, ledger, [path])
    assert (path.read_bytes(), set(store.names())) == (b"same", {OWNER, RAW})


class Torn(Ledger):
    """A ledger that fails at the commit."""

    def commit_batch(self, *_: object, **__: object) -> bool:
        """Never."""
        raise DamagedFile("torn")


def test_failed_commit_leaves_nothing(tmp_path: Path, store: ObjectStore, clock: Clock) -> None:
    """What was put for a commit that fails is taken back, there and here."""
    workspace = place(tmp_path / "here", store)
    with closing(Torn(workspace.ledger, clock.now)) as ledger, pytest.raises(DamagedFile, match="torn"):
        commit(workspace, ledger, "b3", search_line(artist("a1")), run_id=RUN)
    assert (here(workspace), set(store.names())) == (set(), {OWNER})


def test_orphans_are_swept(stored: Stored, store: ObjectStore) -> None:
    """A file that a killed writer put and nobody committed goes, and nothing else does."""
    workspace, ledger = stored
    before = store.names()
    store.put_new(f"lake/artists/day=2026-11-22/{RUN}-b9-1.parquet", b"orphan")
    assert (sweep(workspace, ledger), store.names()) == (1, before)
    store.put_new("raw/day=2026-11-22/20261122T070000-fffff0/b9.jsonl.zst", b"of a run nobody knows")
    with pytest.raises(DamagedFile, match="knows nothing of 1 files"):
        sweep(workspace, ledger)


@pytest.mark.slow
def test_cold_files_are_fetched(stored: Stored, clock: Clock) -> None:
    """Copies that were let go of come back, checked, for whoever reads them: rebuild, trace, replay, an earlier day."""
    workspace, ledger = stored
    before, all_files = answers(workspace), here(workspace)
    old = {name for name in all_files if "day=2026-10-21" in name}
    assert evict(workspace, ledger, clock.now().date(), 30, dry_run=True).files == len(old)
    assert (evict(workspace, ledger, clock.now().date(), 30).files, here(workspace)) == (len(old), all_files - old)
    evict(workspace, ledger, date(2027, 1, 1), 0)
    assert here(workspace) == set()
    (origin, *_) = trace_rows(workspace, ledger, "artist_snapshots", {"artist_id": "a1"}, date(2026, 10, 21))
    assert (origin.lines[0].object["followers"], len(here(workspace))) == ({"total": 12}, 2)
    rebuild(workspace, ledger)
    assert answers(workspace) == before
    evict(workspace, ledger, date(2027, 1, 1), 0)
    assert (replay(workspace, ledger).changed, here(workspace)) == (0, all_files)
    evict(workspace, ledger, date(2027, 1, 1), 0)
    assert open_generation(workspace, date(2026, 10, 31)).rows("SELECT followers FROM artists ORDER BY artist_id") == [
        (12,), (10,)
    ]  # fmt: skip


@pytest.mark.slow
def test_checks_know_of_both(stored: Stored, store: ObjectStore) -> None:
    """A part whose copy was let go of is there; one that neither has, or only this disk, is not."""
    workspace, ledger = stored
    evict(workspace, ledger, date(2027, 1, 1), 0)
    generation, since = open_generation(workspace), date(2026, 11, 22)
    with generation.cursor() as cursor:
        watch(cursor, workspace, ledger, generation.number, since)
        found = {row["name"]: row["violations"] for row in latest_results(ledger)}
        store.remove([ledger.parts()[0].path])
        watch(cursor, workspace, ledger, generation.number, since)
    lost = {row["name"]: row["violations"] for row in latest_results(ledger)}
    assert (found["parts_are_there"], lost["parts_are_there"]) == (0, 1)


def test_store_is_not_forgotten(stored: Stored) -> None:
    """Where files are in a store, none set or another is refused, until `fetch --leave` brought everything here."""
    workspace, ledger = stored
    files = here(workspace)
    evict(workspace, ledger, date(2027, 1, 1), 0)
    alone = Workspace(workspace.root)
    with pytest.raises(SettingsError, match="GARIMPO_STORE says nothing"):
        claim_store(alone, ledger)
    assert fetch_all(workspace, ledger, leave=True).files == len(files)
    claim_store(alone, ledger)
    assert (here(workspace), ledger.meta(CLAIMED)) == (files, "")


def test_others_are_fetched(stored: Stored, store: ObjectStore) -> None:
    """Of several files one that is damaged in the store is told of, and all others are here."""
    workspace, ledger = stored
    files, (first, *_) = here(workspace), ledger.parts()
    evict(workspace, ledger, date(2027, 1, 1), 0)
    store.remove([first.path])
    store.put_new(first.path, b"x" * first.bytes)
    with pytest.raises(DamagedFile, match=f"{first.path} in {store.address} is not"):
        fetch_all(workspace, ledger)
    assert here(workspace) == files - {first.path}


def test_only_stored_copies_go(stored: Stored, store: ObjectStore) -> None:
    """A copy is let go of when the store has the file, whole in size, and not otherwise."""
    workspace, ledger = stored
    first, second, *_ = (part.path for part in ledger.parts())
    store.remove([first, second])
    store.put_new(second, b"half")
    evict(workspace, ledger, date(2027, 1, 1), 0)
    assert here(workspace) == {first, second}


def test_what_is_here_is_put_there(tmp_path: Path, store: ObjectStore, clock: Clock) -> None:
    """A workspace that gets a store puts there what it has, before anything else; also when it is asked twice."""
    workspace = place(tmp_path / "here", None)
    with closing(Ledger(workspace.ledger, clock.now)) as ledger:
        fill(workspace, ledger)
        workspace = place(tmp_path / "here", store)
        claim_store(workspace, ledger), ledger.set_meta(CLAIMED, ""), claim_store(workspace, ledger)
        assert set(stored_names(workspace)) == {name for name, _ in named_files(ledger)} == here(workspace)
