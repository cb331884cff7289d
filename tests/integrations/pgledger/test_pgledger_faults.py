"""A server that restarts, is gone, full, or lets nobody in: a stated end, nothing half-written, no password said."""

from __future__ import annotations

import os
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import DamagedFile, DiskFull, GarimpoError, SchemaMismatch, SettingsError, StorageError
from pipeline.records.ledger import ADD_PART, Ledger
from pipeline.records.lock import find_crashed
from pipeline.records.opening import opened_ledger
from pipeline.runs.runner import run_pipeline
from pipeline.watching.doctor import diagnose
from pipeline.workspace import ServerLedger, open_workspace
from tests.integrations.far import published_by
from tests.integrations.pgledger.server import PASSWORD, Server
from tests.integrations.pgledger.worlds import settings_of, until


def test_server_that_restarts_is_waited_for(place: ServerLedger, server: Server) -> None:
    """Connections that a restart broke are made anew, by readers and writers, without an error."""
    with closing(Ledger(place)) as ledger:
        ledger.set_meta("k", "v")
        server.stop()
        starter = threading.Timer(1.0, server.start)
        starter.start()
        assert ledger.meta("k") == "v"
        starter.join()
        server.stop()
        server.start()
        ledger.set_meta("k", "w")
        assert ledger.meta("k") == "w"


def test_broken_transaction_leaves_nothing(place: ServerLedger, server: Server) -> None:
    """A transaction under way while the server restarts is gone as a whole, and says so."""
    with closing(Ledger(place)) as ledger:
        with pytest.raises(StorageError, match="cannot be reached"), ledger.write() as connection:
            connection.execute("INSERT INTO meta VALUES ('half', 'written')")
            server.stop()
            server.start()
            connection.execute("INSERT INTO meta VALUES ('other', 'half')")
        assert ledger.read("SELECT * FROM meta") == []


def test_restart_in_a_run(simulated: Any, server: Server, by_file: Any, tmp_path: Path) -> None:
    """A server that restarts in the middle of a run ends it in a stated way, or not; the next one completes it."""
    settings = settings_of(simulated, tmp_path, server.database())
    simulated.restart()
    states = []

    def run() -> None:
        try:
            states.append(run_pipeline(settings).state)
        except GarimpoError as error:
            states.append(type(error).__name__)

    runner = threading.Thread(target=run)
    runner.start()
    until(lambda: simulated.counts()["total"] > 10)
    server.stop()
    time.sleep(0.5)
    server.start()
    runner.join(60)
    assert states[0] in ("succeeded", "failed", "cancelled", "StorageError")
    find_crashed(open_workspace(settings), Ledger(open_workspace(settings).ledger))
    assert run_pipeline(settings).state == "succeeded"
    assert published_by(settings) == by_file


def test_server_that_is_gone_ends_the_run(
    simulated: Any, server: Server, by_file: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that does not come back ends the run with an error; once it is there again the next run completes it."""
    monkeypatch.setattr("pipeline.integrations.postgres_sessions.BACK_S", 1.0)
    settings = settings_of(simulated, tmp_path, server.database())
    simulated.restart()
    stopper = threading.Thread(target=lambda: (until(lambda: simulated.counts()["total"] > 10), server.stop()))
    stopper.start()
    with pytest.raises(StorageError, match="cannot be reached") as caught:
        run_pipeline(settings)
    stopper.join()
    assert PASSWORD not in str(caught.value)
    server.start()
    assert (run_pipeline(settings).state, published_by(settings)) == ("succeeded", by_file)


@pytest.mark.parametrize(
    ("user", "password", "database", "error", "said"),
    [
        ("owner", "wrong-and-secret", "postgres", SettingsError, "password authentication failed"),
        ("nobody-here", PASSWORD, "postgres", SettingsError, "password authentication failed"),
        ("owner", PASSWORD, "nowhere", SettingsError, "does not exist"),
    ],
)
def test_what_the_settings_have_wrong(
    server: Server, user: str, password: str, database: str, error: Any, said: str
) -> None:
    """A wrong user, password or database is a SettingsError that names the place, and no password."""
    with pytest.raises(error, match=said) as caught:
        Ledger(ServerLedger(server.url(database, password, user), "garimpo_test"))
    assert password not in str(caught.value)
    assert f"127.0.0.1:{server.port}/{database}" in str(caught.value)


def test_doctor_looks_at_the_ledger(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The doctor says that the ledger answers, or why it does not, and repeats no password."""
    monkeypatch.setenv("GARIMPO_DATA", str(tmp_path))
    for password, is_well in ((PASSWORD, True), ("wrong-and-secret", False)):
        monkeypatch.setenv("GARIMPO_LEDGER", server.url(server.database().rpartition("/")[2], password))
        said = diagnose(tmp_path)
        found = [check for check in said["checks"] if check["name"] == "ledger"]
        assert [check["ok"] for check in found] == [is_well]
        assert password not in repr(said)


def test_long_names_are_refused(server: Server) -> None:
    """A workspace whose schema PostgreSQL would call otherwise is refused."""
    with pytest.raises(SettingsError, match="too long"):
        Ledger(ServerLedger(server.url(), "garimpo_" + "a" * 60))


def test_missing_rights_are_named(server: Server) -> None:
    """A user who may make no schema is told so."""
    address = server.database()
    server.ask("CREATE USER guest PASSWORD 'guest'")
    with pytest.raises(SettingsError, match="permission denied for database"):
        Ledger(ServerLedger(server.url(address.rpartition("/")[2], "guest", "guest"), "garimpo_test"))


def test_no_server_is_named(server: Server) -> None:
    """Where nobody listens, it is said at once, without a password."""
    address = server.url().replace(f":{server.port}", ":9")
    began = time.monotonic()
    with pytest.raises(StorageError, match=r"cannot be reached .*refused") as caught:
        Ledger(ServerLedger(address, "garimpo_test"))
    assert time.monotonic() - began < 5
    assert PASSWORD not in str(caught.value)


def test_lost_tables_are_named(place: ServerLedger, server: Server) -> None:
    """A schema that somebody removed while it was open is damage, for `recover`."""
    with closing(Ledger(place)) as ledger:
        server.ask('DROP SCHEMA "garimpo_test" CASCADE', place.address.rpartition("/")[2])
        with pytest.raises(DamagedFile, match=r"does not exist.*pipeline recover"):
            ledger.meta("k")


def test_newer_ledger_is_left_alone(place: ServerLedger, server: Server) -> None:
    """A ledger of a newer program is refused, unchanged."""
    Ledger(place).close()
    server.ask("UPDATE garimpo_test.ledger_format SET version = 99", place.address.rpartition("/")[2])
    with pytest.raises(SchemaMismatch, match="its format is 99"):
        Ledger(place)


def test_ledger_of_version_8_is_upgraded(place: ServerLedger, server: Server) -> None:
    """Several parts may lie in one file from version 9 on, followed artists have names from 10 on."""
    database = place.address.rpartition("/")[2]
    Ledger(place).close()
    server.ask("ALTER TABLE garimpo_test.parts ADD CONSTRAINT parts_path_key UNIQUE (path)", database)
    server.ask("ALTER TABLE garimpo_test.followed DROP COLUMN name", database)
    server.ask("UPDATE garimpo_test.ledger_format SET version = 8", database)
    with closing(Ledger(place)) as ledger, ledger.write() as connection:
        for batch in ("b1", "b2"):
            values = ("artists", "lake/artists/month=2026-09/v.parquet", "2026-09-01", 1, 2, "aa", 1, "", "r1", batch)
            connection.execute(ADD_PART, values)
    with closing(Ledger(place)) as ledger:
        assert ledger.read("SELECT count(*) AS n FROM parts") == [{"n": 2}]
        assert ledger.read("SELECT name FROM followed") == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a small disk")
def test_full_disk_there_is_named(simulated: Any, by_file: Any, tmp_path: Path) -> None:
    """A full disk there ends a run as DiskFull, nothing half-written; with room made the next one completes it."""
    with closing(Server()) as own, own.on_small_disk() as address:
        settings = settings_of(simulated, tmp_path, address)
        with opened_ledger(settings) as (_, ledger):
            for rows in (1000, 5):
                with pytest.raises(DiskFull, match="No space left on device"):
                    for _ in range(10_000):
                        _fill(ledger, rows)
            assert ledger.read("SELECT count(*) AS n FROM events WHERE message = 'last'")[0]["n"] > 0
            assert ledger.read("SELECT count(*) AS n FROM events")[0]["n"] % 5 == 0
        with pytest.raises(DiskFull, match="what was committed is kept"):
            run_pipeline(settings)
        own.make_room()
        assert (run_pipeline(settings).state, published_by(settings)) == ("succeeded", by_file)


def _fill(ledger: Ledger, rows: int) -> None:
    with ledger.write() as connection:
        row = (1.0, "INFO", "filler", "x" * 900)
        last = (1.0, "INFO", "filler", "last")
        query = "INSERT INTO events (at, level, event, message) VALUES (?, ?, ?, ?)"
        connection.executemany(query, [*[row] * (rows - 1), last])
