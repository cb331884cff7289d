"""Two machines with disks of their own: the ledger in a database, the files in a bucket, one commit point for both."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from runs import collect

from pipeline.errors import SettingsError
from pipeline.lake.truth import named_files, stored_names
from pipeline.published.publish import publish
from pipeline.records.ledger import Ledger
from pipeline.settings import Settings
from pipeline.workspace import Workspace, open_workspace
from tests.integrations import far
from tests.integrations.databases import Postgres

pytestmark = pytest.mark.skipif(not list(Path("/usr/lib/postgresql").glob("*/bin/initdb")), reason="no PostgreSQL here")


@pytest.fixture
def database() -> Iterator[Postgres]:
    """A server for one ledger."""
    with closing(Postgres("word")) as running:
        yield running


def test_two_machines(server, database, simulated, whole, tmp_path):
    """What one machine collected the other publishes and goes on with; neither takes the other's files for lost."""
    store = server.address("two")
    shared = {"ledger": database.address}
    simulated.restart()
    assert collect(simulated, tmp_path / "one", store, **shared).state == "succeeded"
    there = machine(tmp_path / "two", store, database.address)
    with closing(Ledger(there.ledger)) as ledger:
        assert publish(there, ledger).changed
        assert far.published(tmp_path / "two") == whole
        assert collect(simulated, tmp_path / "two", store, **shared).state == "succeeded"
        assert collect(simulated, tmp_path / "one", store, **shared).state == "succeeded"
        assert {name for name, _ in named_files(ledger)} == set(stored_names(there))
    assert far.published(tmp_path / "one")["tracks"] == whole["tracks"]


def test_files_are_put_by_who_has_them(server, database, simulated, tmp_path):
    """A ledger whose files lie on one machine's disk is refused to another until that one has put them in the store."""
    store, shared = server.address("first"), {"ledger": database.address}
    simulated.restart()
    assert collect(simulated, tmp_path / "one", "", **shared).state == "succeeded"
    with pytest.raises(SettingsError, match="lists the files of another folder"):
        collect(simulated, tmp_path / "two", store, **shared)
    assert stored_names(machine(tmp_path / "two", store, database.address)) == {}
    assert collect(simulated, tmp_path / "one", store, **shared).state == "succeeded"
    assert collect(simulated, tmp_path / "two", store, **shared).state == "succeeded"


def machine(data: Path, store: str, ledger: str) -> Workspace:
    """The workspace as a machine has it."""
    said = {"data": data, "workspace": "simulator", "store": store, "ledger": ledger}
    return open_workspace(Settings.model_validate(said))
