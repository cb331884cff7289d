"""What tests begin with is a copy of what was made once: the same files, the same rows, the same answers."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from pipeline.records.copying import LEDGER_TABLES
from pipeline.records.ledger import Ledger
from pipeline.workspace import Workspace
from tests import receipts, stores
from tests.conftest import SERVER, Clock
from tests.copies import made_once
from tests.published import every_row
from tests.stores import FolderStore

pytestmark = pytest.mark.skipif(bool(SERVER), reason="with a ledger on a server each workspace is made")


def held(workspace: Workspace, ledger: Ledger) -> dict[str, Any]:
    """Every file with its content and the instant it was written, every row of the ledger and of what is published."""
    store: Any = workspace.store
    folders = [workspace.raw, workspace.lake, workspace.db, *([store.folder] if store else [])]
    files = [path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()]
    found: dict[str, Any] = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in files}
    found |= {table: ledger.read(f"SELECT * FROM {table}") for table in LEDGER_TABLES}
    return found | {"published": every_row(workspace)}


@pytest.mark.parametrize("kept", [False, True], ids=["here", "in a store"])
def test_copy_is_what_was_made(tmp_path: Path, clock: Clock, kept: bool):  # noqa: FBT001  a parameter
    """One is made, another is copied, with the ledger open that it is copied into; nobody can tell which is which."""
    found, calls = [], []

    def make(workspace: Workspace, ledger: Ledger, _once: str) -> None:
        calls.append(workspace)
        stores.fill(workspace, ledger)

    for number in range(2):
        store = FolderStore(tmp_path / "store" / str(number) / "kept") if kept else None
        workspace = stores.place(tmp_path / str(number) / "test", store)
        with closing(Ledger(workspace.ledger, clock.now)) as ledger:
            assert made_once(workspace, ledger, make, str(tmp_path)) is workspace
            found.append(held(workspace, ledger))
    assert (found[0], len(calls)) == (found[1], 1)


def test_only_nothing_is_filled(workspace: Workspace, ledger: Ledger):
    """A workspace in which something is already is no copy of another."""
    made_once(workspace, ledger, receipts.fill)
    with pytest.raises(AssertionError, match="begins with nothing"):
        made_once(workspace, ledger, receipts.fill)
