"""What every warehouse does alike: equal tables after whatever happens here, a stated end to whatever happens there.

A system's test class inherits `Alike`, says what serves it, and has a fixture `address`: of an empty schema, whose name
nobody else uses.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from pipeline.errors import SettingsError, WriterBusy
from pipeline.integrations.warehouses import open_warehouse
from pipeline.keeping.purge import purge_artist
from pipeline.keeping.retention import apply_retention
from pipeline.published.publish import publish
from pipeline.records.ledger import Ledger
from pipeline.schema import PUBLISHED, Column
from pipeline.settings import Settings
from pipeline.workspace import Workspace, open_workspace
from tests.conftest import Clock
from tests.integrations.databases import Server
from tests.integrations.stand_ins import StandIn
from tests.integrations.warehouse_store import (
    SECRET,
    Store,
    equal,
    held_there,
    price,
    published_here,
    stated,
)  # fmt: skip
from tests.payloads import artist

__all__ = [
    "SECRET",
    "Alike",
    "Store",
    "equal",
    "held_there",
    "price",
    "published_here",
    "stated",
]

numbers = count(1)
ODD_NAMES = ('Ana, "a Boa"\nBanda', "back\\slash\tand 'quote'", "NULL", "Ção 🎶 Ç", " blank ", "\\N")
ODD_GENRES = ("MPB ", "forró", "forro", "axé, o")


class Alike:
    """Tests that every warehouse passes.

    `serves` is the server's class, `told` what that is told; `prelude` is what a process of its own has to do first.
    """

    serves: type[Server | StandIn]
    told: tuple[str, ...] = (SECRET,)
    prelude = ""

    @pytest.fixture(scope="class")
    @classmethod
    def server(cls) -> Iterator[Server | StandIn]:
        """A server of this class's own."""
        with closing(cls.serves(*cls.told)) as running:
            yield running

    @pytest.fixture
    def name(self) -> str:
        """One that no other test has."""
        return f"s{next(numbers)}"

    @pytest.fixture(scope="class")
    @classmethod
    def collected(cls, tmp_path_factory: pytest.TempPathFactory) -> Path:
        """Two days of odd artists, in a workspace that every test gets a copy of."""
        workspace = open_workspace(Settings(data=tmp_path_factory.mktemp("collected"), workspace="test"))
        with closing(Ledger(workspace.ledger, Clock().now)) as ledger:
            made = Store(workspace, ledger, "")
            made.collect("2026-11-20", *(artist(f"a{n}", name=name) for n, name in enumerate(ODD_NAMES)))
            made.collect("2026-11-21", artist("A1", name="", genres=["axé, o", "mpb"]), artist("a2"), genres=ODD_GENRES)
        return workspace.root

    @pytest.fixture
    def store(self, collected: Path, workspace: Workspace, clock: Clock, address: str) -> Iterator[Store]:
        """Those two days, not sent yet."""
        shutil.copytree(collected, workspace.root, dirs_exist_ok=True)
        with closing(Ledger(workspace.ledger, clock.now)) as ledger:
            yield Store(workspace, ledger, address)

    def test_first_publish_equals(self, store: Store) -> None:
        """All tables are there, with our columns and every row; the ledger there says so.

        The same database again changes nothing there, not even the ledger; everything once more gives the same rows.
        """
        sending = store.send()
        assert (sending.is_news, sending.rows_sent["artists"], sending.rows_removed) == (True, 7, {})
        equal(store)
        before = self.ledger_there(store)
        sending = store.send()
        assert (sending.is_news, sending.rows_sent, self.ledger_there(store)) == (False, {}, before)
        assert store.send(full=True).rows_sent["artists"] == 7
        equal(store)

    def test_second_sends_what_changed(self, store: Store) -> None:
        """What a day brought is sent, and no other snapshot, release or track.

        An artist who is purged here is gone there after the next publish, from every table.
        """
        store.send()
        store.collect("2026-11-22", artist("a3", name="Renamed now", followers={"total": 99}), artist("new"))
        sending = store.send()
        assert sending.whole == []
        assert {name: sending.rows_sent.get(name) for name in ("artists", "artist_snapshots", "tracks", "runs")} == {
            "artists": 2, "artist_snapshots": 2, "tracks": 1, "runs": 1,
        }  # fmt: skip
        assert sending.rows_removed["name_tokens"] > 0
        equal(store)
        purge_artist(store.workspace, store.ledger, "a1")
        assert list(store.workspace.sent.glob("*.duckdb")) == []  # they hold ids
        store.send()
        assert [name for name, rows in held_there(store.address).items() if "'a1'" in repr(rows)] == []
        equal(store)

    def test_dry_run_changes_nothing(self, store: Store) -> None:
        """A dry run says what would be sent; there is no table there, no file here."""
        sending = store.send(dry_run=True)
        assert (sending.dry_run, sending.rows_sent["artists"]) == (True, 7)
        with open_warehouse("there", store.address) as warehouse:
            assert warehouse.columns() == {}
        assert not store.workspace.sent.exists()

    def test_changed_schema_is_carried_over(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        """A column that is new here comes there with its values; one of another type is made anew."""
        runs, tracks = PUBLISHED["runs"], PUBLISHED["task_runs"]
        earlier = replace(runs, columns=runs.columns[:-1])
        other = tuple(Column(each.name, "VARCHAR", "") if each.name == "rows" else each for each in tracks.columns)
        with monkeypatch.context() as patched:
            patched.setitem(PUBLISHED, "runs", earlier)
            patched.setitem(PUBLISHED, "task_runs", replace(tracks, columns=other))
            publish(store.workspace, store.ledger)
            store.send()
            equal(store)
        publish(store.workspace, store.ledger)
        assert store.send().mended == ["runs", "task_runs"]
        equal(store)

    def test_retention_is_carried_over(self, store: Store) -> None:
        """Numbers of days that are no longer kept are gone there; of months that stay nothing is sent again."""
        store.collect("2026-12-03", artist("a5", name="Later"))
        store.send()
        kept = store.settings.model_copy(update={"keep_snapshot_days": 1})
        apply_retention(store.workspace, store.ledger, kept, self.age(store, "2026-12-04"))
        sending = store.send()
        assert (sending.rows_sent.get("artist_snapshots"), sending.rows_removed["artist_snapshots"]) == (None, 8)
        equal(store)

    def test_lost_hashes_send_all(self, store: Store) -> None:
        """Without what is kept here of the last time everything but old snapshots is sent again, and is equal."""
        store.send()
        for path in (store.workspace.sent).glob("*.duckdb"):
            path.write_bytes(b"not a database")
        store.collect("2026-11-22", artist("a3", name="Renamed now"))
        sending = store.send()
        assert (sending.rows_sent["artists"], sending.rows_sent["artist_snapshots"]) == (7, 1)
        equal(store)

    def test_changed_by_others(self, store: Store) -> None:
        """Rows, columns and tables that somebody removed there are back after the next publish, without any news.

        Also when a process is killed between a column that was put back and its values.
        """
        store.send()
        for statements in CHANGES:
            store.change_there(*statements)
            assert store.send().is_news, statements
            equal(store)
        store.change_there("ALTER TABLE {artists} DROP COLUMN {q}releases_checked_on{q}")
        assert self.killed(store, "replace") == -9
        store.send()
        equal(store)

    def test_killed_halfway_is_completed(self, store: Store) -> None:
        """A process killed before it could note what it sent has lost nothing; the next publish completes it."""
        store.send()
        store.collect("2026-11-22", artist("a3", name="Renamed now"), artist("new"))
        assert self.killed(store, "remember") == -9
        store.collect("2026-11-23", artist("a4", name="Renamed, too"))
        store.send()
        equal(store)

    def test_first_publish_killed(self, store: Store) -> None:
        """Killed in the middle of the first one, before half of the tables were filled."""
        assert self.killed(store, "replace", after=5) == -9
        store.send()
        equal(store)

    def test_other_workspace_is_refused(self, store: Store, tmp_path: Path) -> None:
        """Tables of another workspace are not overwritten."""
        store.send()
        before = held_there(store.address)
        other = Store(Workspace(tmp_path / "data" / "other"), store.ledger, store.address)
        store.workspace.root.rename(other.workspace.root)
        with pytest.raises(SettingsError, match="tables of workspace test, this is other"):
            other.send()
        assert held_there(store.address) == before

    def test_two_at_once_are_refused(self, store: Store) -> None:
        """While one process sends, another one is told so."""
        (store.workspace.sent).mkdir()
        with FileLock(store.workspace.sent / ".there.lock"):
            stated(store, WriterBusy, "Another process is sending to there")

    def killed(self, store: Store, method: str, after: int = 1) -> int:
        """The exit code of a process that sends and is killed as it calls a method so many times."""
        script = f"{self.prelude}\n{KILLED.format(method=method, after=after)}"
        environment = json.dumps([str(store.workspace.root.parent), store.workspace.root.name, store.address])
        root = Path(__file__).resolve().parents[2]
        return subprocess.run([sys.executable, "-c", script, environment], cwd=root, check=False).returncode

    def ledger_there(self, store: Store) -> list[tuple[Any, ...]]:
        """What the warehouse says was sent."""
        with open_warehouse("there", store.address) as warehouse:
            return warehouse.rows(f"SELECT * FROM {warehouse.name('garimpo_sent')}")

    def age(self, store: Store, today: str) -> date:
        """Make all runs as old as their days; the day that is today."""
        with store.ledger.write() as connection:
            connection.execute(
                "UPDATE runs SET started_at = (SELECT unixepoch(min(day)) FROM parts WHERE parts.run_id = runs.run_id)"
            )
        return date.fromisoformat(today)


# What somebody else does to the tables there.
CHANGES = (
    ("DELETE FROM {artists} WHERE 1 = 1", "DELETE FROM {artist_snapshots} WHERE 1 = 1"),
    ("DELETE FROM {artists} WHERE {q}artist_id{q} = 'a1'",),
    ("ALTER TABLE {artists} DROP COLUMN {q}popularity{q}",),
    ("ALTER TABLE {tracks} DROP COLUMN {q}spotify_url{q}", "DROP TABLE {releases}"),
    ("DROP TABLE {garimpo_sent}",),
    ("DELETE FROM {garimpo_sent} WHERE 1 = 1", "DELETE FROM {tracks} WHERE 1 = 1"),
)
KILLED = """
import json, os, sys
from pipeline.integrations import warehouses
from pipeline.settings import Settings
calls, opened = 0, warehouses.open_warehouse
class Doomed:
    def __init__(self, inner): self.inner = inner
    def __getattr__(self, name):
        global calls
        calls += name == "{method}"
        if name == "{method}" and calls == {after}: os.kill(os.getpid(), 9)
        return getattr(self.inner, name)
send = warehouses._Visit.send
def doomed(visit, now, full):
    visit.warehouse = Doomed(visit.warehouse)
    send(visit, now, full=full)
warehouses._Visit.send = doomed
data, workspace, address = json.loads(sys.argv[1])
warehouses.publish_to(Settings(data=data, workspace=workspace, warehouses="there=" + address), "there")
"""
