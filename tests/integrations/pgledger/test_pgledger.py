"""The ledger in PostgreSQL: the same runs as with a file; one run and one budget over processes, and what it costs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pipeline.errors import RunCancelled, RunInProgress, WriterBusy
from pipeline.records.budget import Budget, Limits
from pipeline.records.ledger import Ledger, Part, TaskOutcome
from pipeline.records.lock import bury_dead_runs, hold_run_lock, is_run_locked, run_holder
from pipeline.records.opening import opened_ledger
from pipeline.runs.runner import run_pipeline
from pipeline.settings import Settings
from pipeline.workspace import ServerLedger, open_workspace
from tests.integrations.far import published_by, told
from tests.integrations.pgledger.server import Server
from tests.integrations.pgledger.worlds import begun, settings_of, until

RESERVE = """
import sys, time
from pipeline.errors import BudgetSpent
from pipeline.records.budget import Budget, Limits
from pipeline.records.ledger import Ledger
from pipeline.workspace import ServerLedger
budget = Budget(Ledger(ServerLedger(sys.argv[1], "garimpo_shared")), Limits(900, 100))
print("ready", flush=True)
sys.stdin.readline()
sent = 0
try:
    for _ in range(80):
        budget.reserve("search", "search", sys.argv[2])
        sent += 1
except BudgetSpent:
    pass
print(sent)
"""


def test_runs_publish_the_same(simulated: Any, server: Server, by_file: Any, tmp_path: Path) -> None:
    """A run gives the same database, row by row, and the next one asks nothing again."""
    settings = settings_of(simulated, tmp_path, server.database())
    simulated.restart()
    result = run_pipeline(settings)
    assert (result.state, result.requests) == ("succeeded", simulated.counts()["total"])
    assert published_by(settings) == by_file
    assert run_pipeline(settings).requests == 0
    assert not (open_workspace(settings).ledger_file).exists()


# ---- one run, one budget


def test_two_processes_make_one_run(simulated: Any, server: Server, tmp_path: Path) -> None:
    """Of two processes that run at once one is refused, and told who runs, where and since when."""
    settings = settings_of(simulated, tmp_path, server.database())
    simulated.restart()
    first = begun(simulated, settings)
    until(lambda: simulated.counts()["total"] > 3)
    with pytest.raises(RunInProgress, match=rf"process {first.pid} on \S+ \(run \S+, cli, since \S+ \S+ UTC\)"):
        run_pipeline(settings)
    assert first.communicate(timeout=60)[0] == "succeeded\n"
    assert (is_run_locked(open_workspace(settings)), run_holder(open_workspace(settings))) == (False, None)


def test_two_processes_share_the_budget(server: Server) -> None:
    """Two processes that reserve at once spend a quota of 100 together, each request in a slot of its own."""
    address = server.database()
    command = [sys.executable, "-c", RESERVE, address]
    pair = [subprocess.Popen([*command, name], text=True, stdin=-1, stdout=-1) for name in ("one", "two")]
    assert [each.stdout.readline() for each in pair] == ["ready\n"] * 2
    sent = [int(each.communicate("go\n", timeout=60)[0]) for each in pair]
    with closing(Ledger(ServerLedger(address, "garimpo_shared"))) as ledger:
        rows = ledger.read("SELECT run_id, at FROM requests ORDER BY id")
    assert (sum(sent), len(rows)) == (100, 100)
    assert all(sent)
    slots = [row["at"] for row in rows]
    assert slots == sorted(slots)


def test_writers_wait_for_one_another(place: ServerLedger) -> None:
    """A writer that waited in vain says so; one that reads does not wait, and sees what was committed."""
    with closing(Ledger(place)) as first, closing(Ledger(place, busy_s=0.05)) as second:
        with first.write() as connection:
            connection.execute("INSERT INTO meta VALUES ('k', 'v')")
            with pytest.raises(WriterBusy, match="Nothing was written"):
                second.set_meta("k", "w")
            assert second.meta("k") is None
        assert second.meta("k") == "v"


# ---- processes that die


def test_killed_runs_lose_nothing(simulated: Any, server: Server, by_file: Any, tmp_path: Path) -> None:
    """Three runs killed at once, then one more: the lock was free each time, the tables are those of one run."""
    settings = settings_of(simulated, tmp_path, server.database())
    simulated.restart()
    for kills in range(3):
        victim = begun(simulated, settings)
        enough = simulated.counts()["total"] + 4 + kills
        until(partial(_has_asked, simulated, enough, victim))
        victim.send_signal(signal.SIGKILL)
        victim.wait()
        until(lambda: not is_run_locked(open_workspace(settings)), 2.0)
    result = run_pipeline(settings)
    assert (result.state, published_by(settings)) == ("succeeded", by_file)
    with opened_ledger(settings) as (_, ledger):
        counted = ledger.read("SELECT count(*) AS n FROM requests")[0]["n"]
        assert counted >= simulated.counts()["total"]
        assert len(ledger.runs()) >= 2
        assert {row["state"] for row in ledger.runs()[1:]} <= {"crashed", "succeeded"}


def _has_asked(simulated: Any, enough: int, victim: subprocess.Popen[str]) -> bool:
    return simulated.counts()["total"] >= enough or victim.poll() is not None


def test_lost_lock_is_taken_again(place: ServerLedger, tmp_path: Path) -> None:
    """A lock whose connection the server ended is held again within seconds, without a word to the run."""
    workspace = open_workspace(Settings(data=tmp_path, workspace="test", ledger=place.address))
    with closing(Ledger(workspace.ledger)) as ledger, hold_run_lock(workspace, "r1", "cli", ledger.now()):
        _end_lock(place)
        until(lambda: is_run_locked(workspace))
        with pytest.raises(RunInProgress):
            hold_run_lock(workspace, "r2", "cli", ledger.now()).__enter__()
    assert not is_run_locked(workspace)


def test_run_that_lost_its_lock_commits_no_more(place: ServerLedger, tmp_path: Path) -> None:
    """Where another one was first to the lock, the old run is told to stop, and its batches are refused."""
    workspace = open_workspace(Settings(data=tmp_path, workspace="test", ledger=place.address))
    part = Part("artists", "lake/artists/a.parquet", "2026-11-22", 1, 1, "aa", 1)
    with closing(Ledger(workspace.ledger)) as ledger:
        ledger.begin_run("r1", "cli", {}, 1)
        bury_dead_runs(ledger)
        assert ledger.cancel_requested("r1")
        with pytest.raises(RunCancelled, match="taken for dead"):
            ledger.commit_batch(TaskOutcome("r1", "b", 1, "succeeded"), None, [part])
        assert ledger.parts() == []


def _end_lock(place: ServerLedger) -> None:
    with psycopg.connect(place.address, autocommit=True) as session:
        ended = session.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND pid <> pg_backend_pid() "
            "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        ).fetchall()
    assert ended == [(True,)]


# ---- what it costs


def test_connections_are_few_and_end(place: ServerLedger) -> None:
    """Twenty threads that write and read at once leave no connection behind once the ledger is closed."""
    ledger = Ledger(place)
    workers = [threading.Thread(target=ledger.add_event, args=("INFO", f"event {n}")) for n in range(20)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert ledger.read("SELECT count(DISTINCT event) AS n FROM events") == [{"n": 20}]
    ledger.close()
    with psycopg.connect(place.address, autocommit=True) as session:  # within a transaction it always shows the same
        query = (
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
            "AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )
        until(lambda: session.execute(query).fetchall() == [(0,)], 5.0)


def test_price_of_a_commit(place: ServerLedger, tmp_path: Path) -> None:
    """What a task's commit, a reservation and a look cost beside a file, in one run: median milliseconds."""
    figures: dict[str, Any] = {"load": round(os.getloadavg()[0], 1)}
    with closing(Ledger(tmp_path / "l.sqlite")) as file, closing(Ledger(place)) as there:
        spent: dict[str, list[float]] = {}
        for n in range(150):
            for name, ledger in (("file", file), ("server", there)):
                budget = Budget(ledger, Limits(1_000_000, None))
                part = [Part(f"t{k}", f"lake/{n}-{k}", "2026-11-22", 1, 1, "aa", 1) for k in range(3)]
                outcome = TaskOutcome("r", f"b{n}", 1, "succeeded")
                ledger.begin_task("r", f"b{n}", 1, "discover")
                for what, action in (
                    ("commit", lambda: ledger.commit_batch(outcome, None, part)),  # noqa: B023
                    ("reserve", lambda: budget.reserve("search", "search")),  # noqa: B023
                    ("read", lambda: ledger.meta("k")),  # noqa: B023
                ):
                    began = time.perf_counter()
                    action()
                    spent.setdefault(f"{what}_{name}_ms", []).append((time.perf_counter() - began) * 1000)
    figures |= {name: round(sorted(each)[len(each) // 2], 2) for name, each in spent.items()}
    told(**figures)
    assert figures["commit_server_ms"] < 100
