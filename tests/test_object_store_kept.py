"""What is kept in an object store: found again on a new machine, mended, let go of, backed up; never mixed."""

from __future__ import annotations

from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from pipeline.errors import DamagedFile, SettingsError
from pipeline.keeping.purge import purge_all, purge_artist
from pipeline.keeping.recovery import recover
from pipeline.keeping.retention import apply_retention
from pipeline.keeping.stored import evict, fetch_all
from pipeline.lake.store import sweep
from pipeline.lake.truth import claim_store, named_files, stored_names
from pipeline.moving.backup import back_up, restore
from pipeline.published.publish import publish, rebuild
from pipeline.records.ledger import Ledger
from pipeline.settings import Settings
from pipeline.workspace import ObjectStore
from tests.conftest import Clock
from tests.payloads import artist, commit, search_line
from tests.published import answers
from tests.stores import RAW, RUN, StoreAt, Stored, here, lose, place


def test_new_disk_with_the_ledger(stored: Stored) -> None:
    """Without any file but the ledger `rebuild` gives the same answers."""
    workspace, ledger = stored
    before = answers(workspace)
    lose(workspace, "raw", "lake", "db")
    rebuild(workspace, ledger)
    assert answers(workspace) == before


@pytest.mark.slow
@pytest.mark.parametrize("begun", [False, True], ids=["nothing", "begun"])
def test_new_machine_without_ledger(stored: Stored, tmp_path: Path, clock: Clock, begun: object) -> None:
    """On an empty disk a ledger is refused until `recover` wrote it anew: then the same answers, and work goes on."""
    workspace, ledger = stored
    before, files = answers(workspace), named_files(ledger)
    elsewhere = place(tmp_path / "elsewhere", workspace.store)
    if begun:
        with closing(Ledger(elsewhere.ledger, clock.now)) as new:
            with pytest.raises(SettingsError, match=r"the files of another ledger.*pipeline recover"):
                claim_store(elsewhere, new)
            assert new.parts() == []
    assert all(each.mended for each in recover(elsewhere, clock.now))
    assert answers(elsewhere) == before
    with closing(Ledger(elsewhere.ledger, clock.now)) as new:
        assert sorted(named_files(new)) == sorted(files)
        commit(elsewhere, new, "b9", search_line(artist("a9")), run_id="20261123T060000-abc124")
        assert (publish(elsewhere, new).changed, sweep(elsewhere, new)) == (True, 0)
    assert recover(elsewhere, clock.now) == ()


@pytest.mark.slow
def test_two_ledgers_never_mix(stored: Stored, tmp_path: Path, clock: Clock) -> None:
    """A ledger with files of its own is refused a store of another one, by every way in; both stay as they are."""
    workspace, _ = stored
    stranger, before = place(tmp_path / "stranger", None), stored_names(workspace)
    with closing(Ledger(stranger.ledger, clock.now)) as ledger:
        commit(stranger, ledger, "b0", search_line(artist("z1")), run_id="20261122T070000-abc125")
        files = here(stranger)
        stranger = place(stranger.root, workspace.store)
        for way in (lambda: claim_store(stranger, ledger), lambda: fetch_all(stranger, ledger)):
            with pytest.raises(SettingsError, match="another ledger"):
                way()
    for last in (lambda: recover(stranger, clock.now), lambda: purge_all(stranger, clock.now)):
        with pytest.raises(SettingsError, match="another ledger"):
            last()
    assert (here(stranger), stored_names(workspace)) == (files, before)


@pytest.mark.slow
def test_damage_there_is_mended(stored: Stored, store: ObjectStore, clock: Clock) -> None:
    """A file that was changed in the store is refused by its reader, and comes back from its copy or its answers."""
    workspace, ledger = stored
    before, (first, second, *_) = answers(workspace), ledger.parts()
    for part in (first, second):
        store.remove([part.path]), store.put_new(part.path, b"x" * part.bytes)
    lose(workspace, first.path), lose(workspace, "db")
    with pytest.raises(DamagedFile, match=f"{first.path} in {store.address} is not what was committed"):
        publish(workspace, ledger)
    assert first.path not in here(workspace)
    ledger.close()
    store.remove([RAW])
    (workspace.root / second.path).write_bytes(b"damaged here")
    found = {each.where: (each.what, each.done) for each in recover(workspace, clock.now)}
    assert found[RAW] == ("is missing in the store", "put there again")
    assert found[first.path][1] == found[second.path][1] == "derived again from its answers"
    assert (answers(workspace), recover(workspace, clock.now)) == (before, ())


@pytest.mark.slow
def test_cold_files_are_well(stored: Stored, clock: Clock) -> None:
    """A look at everything finds nothing wrong with files that the store has alone, and leaves them there."""
    workspace, ledger = stored
    evict(workspace, ledger, date(2027, 1, 1), 0)
    assert (recover(workspace, clock.now), here(workspace)) == ((), set())


@pytest.mark.slow
def test_damage_here_is_mended(stored: Stored, clock: Clock, tmp_path: Path) -> None:
    """A copy that was changed on the disk comes back from the store; what neither has any more, from a backup."""
    workspace, ledger = stored
    before, (first, second, *_) = answers(workspace), ledger.parts()
    back_up(workspace, tmp_path / "backup", clock.now())
    (workspace.root / first.path).write_bytes(b"damaged")
    (workspace.root / second.path).unlink()
    workspace.store.remove([second.path])  # type: ignore[union-attr]
    found = [(each.where, each.done) for each in recover(workspace, clock.now, tmp_path / "backup")]
    assert found == [(first.path, "brought back from the store"), (second.path, "brought back from the backup")]
    assert (answers(workspace), second.path in stored_names(workspace)) == (before, True)


def test_retention_reaches_there(stored: Stored, store: ObjectStore, clock: Clock) -> None:
    """What is let go of goes from the store too."""
    workspace, ledger = stored
    clock.move(days=100)
    apply_retention(workspace, ledger, Settings(), clock.now().date())
    assert [name for name in store.names() if name.startswith("raw/")] == []
    assert set(stored_names(workspace)) == {part.path for part in ledger.parts()}


@pytest.mark.slow
def test_purge_reaches_there(stored: Stored, store: ObjectStore) -> None:
    """An artist who is removed goes from files that lie in the store alone; no byte of theirs stays there."""
    workspace, ledger = stored
    evict(workspace, ledger, date(2027, 1, 1), 0)
    before = {name: store.get(name) for name in stored_names(workspace)}
    purge_artist(workspace, ledger, "a1")
    after = {name: store.get(name) for name in stored_names(workspace)}
    assert set(after) == here(workspace) == {name for name, _ in named_files(ledger)}
    assert (len(before.keys() & after.keys()), answers(workspace)["artists"][0][0]) == (3, "b0")


@pytest.mark.slow
def test_purge_of_everything(stored: Stored, store: ObjectStore, clock: Clock) -> None:
    """Nothing is left in the store, not even whose it was."""
    workspace, ledger = stored
    ledger.close()
    files = len(here(workspace))
    evicted = Ledger(workspace.ledger, clock.now)
    evict(workspace, evicted, date(2027, 1, 1), 0)
    evicted.close()
    done = purge_all(workspace, clock.now)
    assert (done.raw_files + done.parts, store.names(), here(workspace)) == (files, {}, set())
    assert recover(workspace, clock.now) == ()


@pytest.mark.slow
def test_backup_and_restore(stored: Stored, store_at: StoreAt, clock: Clock, tmp_path: Path) -> None:
    """A backup holds what lies in the store alone; a restore fills an empty store, and none that holds other files."""
    workspace, ledger = stored
    before = answers(workspace)
    evict(workspace, ledger, date(2027, 1, 1), 0)
    made = back_up(workspace, tmp_path / "backup", clock.now())
    commit(workspace, ledger, "b9", search_line(artist("a9")), run_id=RUN)
    with pytest.raises(SettingsError, match="files that do not belong there"):
        restore(tmp_path / "backup", place(tmp_path / "new", workspace.store), clock.now)
    fresh = place(tmp_path / "new", store_at("another"))
    assert restore(tmp_path / "backup", fresh, clock.now)[0].files == made.files == len(stored_names(fresh))
    assert answers(fresh) == before
    alone = place(tmp_path / "alone", None)
    restore(tmp_path / "backup", alone, clock.now)
    with closing(Ledger(alone.ledger, clock.now)) as restored:
        claim_store(alone, restored)
