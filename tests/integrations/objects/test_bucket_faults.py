"""A server that dies or fills up, a writer that is killed: a stated end, nothing committed lost, the next run whole."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from runs import collect, ledger_of, workspace

from pipeline.errors import GarimpoError
from pipeline.integrations.object_store import open_store
from pipeline.keeping.recovery import recover
from pipeline.lake.truth import named_files, stored_names
from pipeline.published.publish import publish
from pipeline.records.ledger import Ledger
from tests.harm import small_disk_at
from tests.integrations import far
from tests.payloads import artist, commit, search_line
from tests.stores import place


@pytest.fixture(autouse=True)
def impatient(monkeypatch) -> None:
    """A server that does not answer is asked for four seconds, not for twenty."""
    monkeypatch.setattr("pipeline.integrations.s3_store.PATIENCE_S", 4)


def test_server_gone_mid_run(begin_server, simulated, whole, tmp_path):
    """A run whose server dies ends failed and says so; what was committed stays, the next run completes."""
    doomed, data = begin_server(tmp_path / "server"), tmp_path / "there"
    store = doomed.address("gone")
    with far.while_running(doomed.end, simulated):
        result = collect(simulated, data, store, window_requests=150)
    assert (result.state, "does not answer as it should" in result.message) == ("failed", True), result.message
    with closing(ledger_of(data)) as ledger:
        committed = {name for name, _ in named_files(ledger)}
    doomed.begin()
    assert committed <= set(stored_names(workspace(data, store)))
    assert collect(simulated, data, store).state == "succeeded"
    with closing(ledger_of(data)) as ledger:
        names = {name for name, _ in named_files(ledger)}
    assert (set(stored_names(workspace(data, store))), committed <= names) == (names, True)
    assert far.published(data)["tracks"] == whole["tracks"]


@pytest.fixture
def small_disk(tmp_path) -> Iterator[Path]:
    """A disk of 100 MB."""
    with small_disk_at(tmp_path / "small", "100m") as disk:
        yield disk


def test_disk_full_there(small_disk, begin_server, tmp_path):
    """When the server's disk is full a commit fails and leaves nothing; with space again the next is whole."""
    running = begin_server(small_disk)
    here = place(tmp_path / "here", open_store(running.address("full"), "test"))
    with closing(Ledger(here.ledger)) as ledger:
        commit(here, ledger, "b0", search_line(artist("a1")))
        before, ballast = stored_names(here), small_disk / "ballast"
        ballast.write_bytes(os.urandom(shutil.disk_usage(small_disk).free - 65_536))
        with pytest.raises(GarimpoError, match=r"full|No space|does not answer"):
            for number in range(1, 40):
                names = [os.urandom(4000).hex() for _ in range(50)]
                commit(
                    here,
                    ledger,
                    f"b{number}",
                    search_line(*(artist(f"a{n}", name=each) for n, each in enumerate(names))),
                )
        committed = {name for name, _ in named_files(ledger)}
        ballast.unlink()
        far.until(lambda: commit(here, ledger, "again", search_line(artist("a2"))), 60)
        assert before.keys() <= committed <= set(stored_names(here))


KILLED = """
import os, signal, sys
from pathlib import Path
from pipeline.integrations.object_store import open_store
from pipeline.records.ledger import Ledger
from pipeline.workspace import Workspace
from tests.payloads import artist, commit, search_line

class Doomed(Ledger):
    def commit_batch(self, *_, **__):
        os.kill(os.getpid(), signal.SIGKILL)

here = Workspace(Path(sys.argv[1]), store=open_store(sys.argv[2], "test"))
commit(here, Doomed(here.ledger), "b1", search_line(artist("a9")))
"""


def test_killed_between_put_and_commit(server, tmp_path):
    """A writer that is killed between bucket and ledger leaves orphans, which are swept."""
    store = server.address("killed")
    here = place(tmp_path / "here", open_store(store, "test"))
    with closing(Ledger(here.ledger)) as ledger:
        commit(here, ledger, "b0", search_line(artist("a1")))
        before = stored_names(here)
        ended = subprocess.run([sys.executable, "-c", KILLED, str(here.root), store], check=False)
        assert (ended.returncode, len(stored_names(here)) - len(before)) == (-signal.SIGKILL, 5)
        publish(here, ledger)
    findings = recover(here, ledger.now)
    assert ([each.what for each in findings], stored_names(here)) == (["5 files of killed writers"], before)
