"""A ledger of an earlier moment, whichever that is: recovery finds every row, and whoever was purged stays away."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pipeline.keeping.binding import bind
from pipeline.keeping.exchange import Exchange, settle
from pipeline.keeping.purge import purge_artist
from pipeline.keeping.recovery import recover
from pipeline.published import generations
from pipeline.published.publish import publish
from pipeline.records.ledger import Ledger
from pipeline.settings import Settings
from pipeline.workspace import Workspace, open_workspace
from tests.conftest import Clock
from tests.copies import made_once
from tests.harm import lose
from tests.payloads import artist, commit, search_line
from tests.test_volumes import answers, collect, forget, lake_rows, unlisted

FIRST, SECOND = "20260901T060000-abc123", "20260801T060000-abc123"
MOMENTS = ("begun", "within the history", "collected", "let go of", "bound", "grown", "bound again", "purged")
LISTED = "SELECT table_name, run_id, batch_id, rows, path, sha256 FROM parts ORDER BY 1, 2, 3"


def live_through(workspace: Workspace, ledger: Ledger) -> None:
    """Two runs whose parts are bound, one of them grown and bound once more, one artist purged; the ledger at each."""
    (workspace.root / "moments").mkdir()

    def keep(moment: str) -> None:
        target = kept_at(workspace, moment)
        with closing(sqlite3.connect(workspace.ledger_file)) as live, closing(sqlite3.connect(target)) as copy:
            live.backup(copy)
            copy.execute("DELETE FROM parts WHERE table_name = 'artist_snapshots'")  # as if these had gone before
            copy.commit()

    ledger.begin_run(FIRST, "cli", {}, 1)
    keep("begun")
    collect(workspace, ledger, run_id=FIRST, batches=2, forgets=False)
    keep("within the history")
    collect(workspace, ledger, run_id=SECOND, batches=9, forgets=False)
    keep("collected")
    forget(workspace, ledger)
    keep("let go of")
    bind(workspace, ledger)
    keep("bound")
    for number in range(3):
        found = artist("a1", name=f"Later {number}"), artist(f"d{number}")
        commit(workspace, ledger, f"later-{number}", search_line(*found, day=f"2026-08-0{1 + number}"), run_id=FIRST)
    publish(workspace, ledger)
    forget(workspace, ledger)
    keep("grown")
    bind(workspace, ledger)
    keep("bound again")
    purge_artist(workspace, ledger, "b3")
    keep("purged")
    exchange = Exchange(workspace, ledger)  # numbers are too old: volumes alone tell of it all
    for row in ledger.read("SELECT * FROM parts WHERE table_name = 'artist_snapshots'"):
        exchange.drop_part(row)
    exchange.carry_out()
    settle(workspace, ledger)
    shown(workspace)  # so that a copy has the tables of the day between, too


def kept_at(workspace: Workspace, moment: str) -> Path:
    """The ledger of a moment."""
    return workspace.root / "moments" / f"{moment}.sqlite"


def shown(workspace: Workspace) -> list[dict[str, list[tuple[Any, ...]]]]:
    """Every published row now, and as of a day between, but for what names runs."""
    generations._as_of.clear()
    return answers(workspace, date(2026, 8, 20))


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The parts of that workspace, and what it shows."""
    workspace = open_workspace(Settings(data=tmp_path_factory.mktemp("before"), workspace="test"))
    with pytest.MonkeyPatch.context() as patched, closing(Ledger(workspace.ledger, Clock().now)) as ledger:
        patched.setattr("pipeline.keeping.binding.PAYS", 1)
        made_once(workspace, ledger, live_through)
        return ledger.read(LISTED), shown(workspace)


@pytest.mark.slow
@pytest.mark.parametrize("lost", [(), ("db",)], ids=["with the database", "without"])
@pytest.mark.parametrize("moment", MOMENTS)
def test_ledger_of_any_moment(
    workspace: Workspace, clock: Clock, monkeypatch: pytest.MonkeyPatch, before: Any, moment: str, lost: tuple[str, ...]
):
    """The same answers, the same parts in the same files, nobody back, and nothing for a second look to find."""
    monkeypatch.setattr("pipeline.keeping.binding.PAYS", 1)
    with closing(Ledger(workspace.ledger, clock.now)) as ledger:
        made_once(workspace, ledger, live_through)
    for name in ("ledger.sqlite", *lost):
        lose(workspace, name)
    workspace.db.mkdir(exist_ok=True)
    shutil.copyfile(kept_at(workspace, moment), workspace.ledger_file)
    assert all(each.mended for each in recover(workspace, clock.now))
    with closing(Ledger(workspace.ledger, clock.now)) as ledger:
        assert unlisted(workspace, ledger) == set()
        assert (ledger.read(LISTED), shown(workspace)) == before
    assert "b3" not in {row.get("artist_id") for row in lake_rows(workspace)}
    assert recover(workspace, clock.now) == ()
