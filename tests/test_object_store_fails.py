"""An object store that stops answering: nothing half-written, nothing committed lost, the next attempt is whole."""

from __future__ import annotations

from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from pipeline.errors import StorageError
from pipeline.keeping.purge import purge_artist
from pipeline.keeping.retention import apply_retention
from pipeline.keeping.stored import evict, fetch_all
from pipeline.lake.store import sweep
from pipeline.lake.truth import OWNER, claim_store, named_files, stored_names
from pipeline.records.ledger import Ledger
from pipeline.settings import Settings
from tests.conftest import Clock
from tests.payloads import artist, commit, search_line
from tests.stores import RUN, FolderStore, Stored, here, nothing, place


def test_store_does_not_let_go(stored: Stored, store: FolderStore, clock: Clock) -> None:
    """When the store fails while files are let go of, the ledger is right already, and the next sweep ends it."""
    workspace, ledger = stored
    store.broken = lambda what, _: what == "remove"
    clock.move(days=100)
    with pytest.raises(StorageError, match="does not answer"):
        apply_retention(workspace, ledger, Settings(), clock.now().date())
    assert ledger.read("SELECT * FROM raw_files") == []
    store.broken = nothing
    assert sweep(workspace, ledger) == 3
    assert set(stored_names(workspace)) == {part.path for part in ledger.parts()}


def test_purge_is_not_undone(stored: Stored, store: FolderStore) -> None:
    """A purge whose old files the store does not let go of is done: the new ones stay, the next one ends it."""
    workspace, ledger = stored
    store.broken = lambda what, _: what == "remove"
    with pytest.raises(StorageError, match="does not answer"):
        purge_artist(workspace, ledger, "a1")
    assert {name for name, _ in named_files(ledger)} == here(workspace) < set(stored_names(workspace))
    store.broken = nothing
    purge_artist(workspace, ledger, "a1")
    assert {name for name, _ in named_files(ledger)} == here(workspace) == set(stored_names(workspace))


def test_fetch_leaves_nothing_begun(stored: Stored, store: FolderStore) -> None:
    """When the store stops answering among several files, none of them is here half, and the next fetch is whole."""
    workspace, ledger = stored
    files = here(workspace)
    evict(workspace, ledger, date(2027, 1, 1), 0)
    store.broken = lambda what, name: what == "get" and name.startswith("raw/")
    with pytest.raises(StorageError, match="does not answer"):
        fetch_all(workspace, ledger)
    assert here(workspace) == set()
    store.broken = nothing
    assert (fetch_all(workspace, ledger).files, here(workspace)) == (len(files), files)


@pytest.mark.parametrize("fails_at", [0, 1, 3])
def test_store_does_not_answer(tmp_path: Path, store: FolderStore, clock: Clock, fails_at: int) -> None:
    """Wherever the store stops answering in a commit, nothing is committed and nothing is left; the next is whole."""
    workspace, asked = place(tmp_path / "here", store), list[str]()
    with closing(Ledger(workspace.ledger, clock.now)) as ledger:
        claim_store(workspace, ledger)
        store.broken = lambda what, name: what == "put" and (asked.append(name) or len(asked) > fails_at)
        with pytest.raises(StorageError, match="does not answer"):
            commit(workspace, ledger, "b3", search_line(artist("a1")), run_id=RUN)
        assert (here(workspace), ledger.parts(), set(store.names())) == (set(), [], {OWNER})
        store.broken = nothing
        assert commit(workspace, ledger, "b3", search_line(artist("a1")), run_id=RUN, attempt=2) == 4
