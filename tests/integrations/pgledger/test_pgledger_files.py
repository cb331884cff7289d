"""Files of a workspace beside a ledger on a server: whose they are, copies, loss, removal."""

from __future__ import annotations

import shutil
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pipeline.clock import system_now
from pipeline.errors import DamagedFile, SettingsError
from pipeline.keeping.exchange import settle
from pipeline.keeping.purge import purge_all, purge_artist
from pipeline.keeping.recovery import recover
from pipeline.lake.store import sweep
from pipeline.moving.backup import back_up, restore
from pipeline.published.publish import publish
from pipeline.records.copying import LEDGER_TABLES, from_file
from pipeline.records.ledger import Ledger, Part, TaskOutcome
from pipeline.records.lock import hold_run_lock
from pipeline.runs.runner import run_pipeline
from pipeline.settings import Settings
from pipeline.workspace import ServerLedger, open_workspace
from tests.integrations.far import published_by
from tests.integrations.pgledger.server import Server
from tests.integrations.pgledger.worlds import rows_of, settings_of


def test_other_files_are_refused(simulated: Any, server: Server, tmp_path: Path) -> None:
    """A machine with another data folder runs and recovers nothing: it would take the files for lost."""
    address = server.database()
    assert run_pipeline(settings_of(simulated, tmp_path / "one", address)).state == "succeeded"
    other = settings_of(simulated, tmp_path / "two", address)
    for action in (run_pipeline, lambda settings: recover(open_workspace(settings), system_now)):
        with pytest.raises(SettingsError, match="lists the files of another folder"):
            action(other)


def test_backups_move_a_ledger(simulated: Any, server: Server, of_file: Settings, by_file: Any, tmp_path: Path) -> None:
    """A backup of a ledger in a file is restored into a database, and back, row for row."""
    back_up(open_workspace(of_file), tmp_path / "one", system_now())
    there = settings_of(simulated, tmp_path / "server", server.database())
    restore(tmp_path / "one", open_workspace(there), system_now)
    assert published_by(there) == by_file
    assert run_pipeline(there).requests == 0
    back_up(open_workspace(there), tmp_path / "two", system_now())
    last = settings_of(simulated, tmp_path / "again")
    restore(tmp_path / "two", open_workspace(last), system_now)
    kept = set(LEDGER_TABLES) - {"meta", "check_results"}  # a restore publishes
    here, again = rows_of(open_workspace(there).ledger), rows_of(open_workspace(last).ledger)
    assert {name: again[name] for name in kept} == {name: here[name] for name in kept}
    assert published_by(last) == by_file


def test_recover_writes_a_lost_ledger(simulated: Any, server: Server, by_file: Any, tmp_path: Path) -> None:
    """A schema that was removed is written anew from files and generation; the next run finds nothing to ask."""
    settings = settings_of(simulated, tmp_path, server.database())
    run_pipeline(settings)
    workspace = open_workspace(settings)
    before = rows_of(workspace.ledger)
    server.ask('DROP SCHEMA "garimpo_simulator" CASCADE', settings.ledger.get_secret_value().rpartition("/")[2])
    with closing(Ledger(workspace.ledger)) as ledger, pytest.raises(DamagedFile, match="knows nothing of"):
        sweep(workspace, ledger)
    findings = recover(workspace, system_now)
    assert [(each.where, each.mended) for each in findings] == [(str(workspace.ledger), True)]
    after = rows_of(workspace.ledger)
    assert (after["parts"], after["raw_files"]) == (before["parts"], before["raw_files"])
    assert (run_pipeline(settings).requests, published_by(settings)) == (
        5,
        by_file,
    )  # what the source offers is asked anew
    assert recover(workspace, system_now) == ()


def test_recover_takes_over_a_file(simulated: Any, server: Server, of_file: Settings, by_file: Any) -> None:
    """Who names a server beside a ledger in a file is told that it knows nothing; `recover` brings all rows over."""
    before, file = rows_of(open_workspace(of_file).ledger), open_workspace(of_file).ledger_file
    content = file.read_bytes()
    settings = settings_of(simulated, of_file.data, server.database())
    assert [each.mended for each in recover(open_workspace(settings), system_now)] == [True]
    after = rows_of(open_workspace(settings).ledger)
    same = set(LEDGER_TABLES) - {"meta", "buckets"}
    assert {name: after[name] for name in same} == {name: before[name] for name in same}
    assert (run_pipeline(settings).requests, published_by(settings)) == (0, by_file)
    assert file.read_bytes() == content


def test_new_numbers_follow_old_ones(place: ServerLedger, tmp_path: Path) -> None:
    """After rows were brought from elsewhere the next part has a number that was never given."""
    with closing(Ledger(tmp_path / "l.sqlite")) as ledger:
        for n in range(3):
            part = Part("artists", f"lake/{n}", "2026-11-22", 1, 1, "aa", 1)
            ledger.commit_batch(TaskOutcome("r", f"b{n}", 1, "succeeded"), None, [part])
    from_file(tmp_path / "l.sqlite", place)
    with closing(Ledger(place)) as ledger:
        ledger.commit_batch(TaskOutcome("r", "b9", 1, "succeeded"), None, [Part("artists", "x", "d", 1, 1, "a", 1)])
        assert [part.seq for part in ledger.parts()] == [1, 2, 3, 4]
    Ledger(tmp_path / "empty.sqlite").close()
    from_file(tmp_path / "empty.sqlite", place)
    with closing(Ledger(place)) as ledger:
        ledger.commit_batch(TaskOutcome("r", "b9", 1, "succeeded"), None, [Part("artists", "x", "d", 1, 1, "a", 1)])
        assert ledger.parts()[0].seq > 4


def test_purged_artist_leaves_no_byte(simulated: Any, server: Server, tmp_path: Path) -> None:
    """After a purge neither the workspace nor the tables hold the artist's id; the server's log is its owner's.

    Nor does a machine with a copy of the files once it has run again. Then everything goes but the requests of the
    last day, which the source still counts.
    """
    settings = settings_of(simulated, tmp_path / "one", server.database())
    run_pipeline(settings)
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    here, there = open_workspace(settings), open_workspace(settings.model_copy(update={"data": tmp_path / "two"}))
    artist = simulated.truth["artists"][0]["artist_id"]
    with closing(Ledger(here.ledger)) as ledger:
        ledger.add_event("INFO", "looked_at", artist, artist=artist)
        server.ask("CHECKPOINT")
        assert _files_with(server.tables_of(here.server), artist)
        with hold_run_lock(here, "purge", "purge", ledger.now()):
            assert purge_artist(here, ledger, artist).ledger_rows > 0
        publish(here, ledger)
        server.ask("CHECKPOINT")
        assert _files_with(server.tables_of(here.server), artist) == []
        assert _files_with(here.root, artist) == []
        assert _files_with(there.root, artist)
        for path in (path for root in (here.raw, here.lake) for path in root.rglob("*.*") if path.is_file()):
            copy = there.root / path.relative_to(here.root)
            if not copy.exists():  # what an object store would bring
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, copy)
        with hold_run_lock(there, "settle", "settle", ledger.now()):
            assert settle(there, ledger)
        assert _files_with(there.root, artist) == []
        sent = ledger.read("SELECT count(*) AS n FROM requests")
        now = simulated_now(ledger)
        with hold_run_lock(here, "purge", "purge", system_now()):
            purge_all(here, now)
        assert ledger.read("SELECT count(*) AS n FROM requests") == sent
        assert (ledger.runs(), ledger.parts(), ledger.read("SELECT * FROM events")) == ([], [], [])


def simulated_now(ledger: Ledger) -> Any:
    """A clock that stands where the last request was sent."""
    at = ledger.read("SELECT max(at) AS at FROM requests")[0]["at"]
    return lambda: datetime.fromtimestamp(at, UTC)


def _files_with(folder: Path, text: str) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and text.encode() in path.read_bytes()]
