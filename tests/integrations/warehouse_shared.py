"""What every warehouse does alike: equal tables after whatever happens here, a stated end to whatever happens there.

A system's test file inherits `Alike` and has a fixture `address`: of an empty schema that nobody else uses.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from pipeline.errors import GarimpoError, SettingsError, WriterBusy
from pipeline.integrations.warehouse_news import SNAPSHOTS, Reader, Sent
from pipeline.integrations.warehouse_sql import Warehouse
from pipeline.integrations.warehouses import Sending, open_warehouse, publish_to
from pipeline.keeping.purge import purge_artist
from pipeline.keeping.retention import apply_retention
from pipeline.published.generations import open_generation
from pipeline.published.publish import publish
from pipeline.records.ledger import Ledger
from pipeline.schema import PUBLISHED, Column, Table
from pipeline.settings import Settings
from pipeline.workspace import Workspace
from tests.benchmarks.store_world import World, make_store
from tests.integrations.databases import Server
from tests.integrations.far import MEASURE, SECRET, told
from tests.payloads import album, albums_line, artist, commit, line, search_line

__all__ = [
    "SECRET",
    "Alike",
    "Store",
    "crashing",
    "equal",
    "held_there",
    "large",
    "price",
    "published_here",
    "stated",
]

ODD_NAMES = ('Ana, "a Boa"\nBanda', "back\\slash\tand 'quote'", "NULL", "Ção 🎶 Ç", " blank ", "\\N")
ODD_GENRES = ("MPB ", "forró", "forro", "axé, o")


@dataclass
class Store:
    """A workspace that is collected into, and the warehouse `there` that it is sent to."""

    workspace: Workspace
    ledger: Ledger
    address: str

    @property
    def settings(self) -> Settings:
        """Settings that name the warehouse."""
        root = self.workspace.root
        return Settings(data=root.parent, workspace=root.name, warehouses=f"there={self.address}")

    def collect(self, day: str, *artists: dict[str, Any], genres: Sequence[str] = ("mpb",)) -> None:
        """A run of a day: these artists are found, a release of the first one is read with its track; published."""
        number = len(self.ledger.runs(limit=-1))
        who = {"id": artists[0]["id"], "name": artists[0]["name"]}
        tracks = {"items": [{"id": f"t{who['id']}", "name": "Faixa", "explicit": number % 2 == 0, "artists": [who]}]}
        read = album(f"al{who['id']}", artists=[who], tracks={**tracks, "next": None})
        found = [search_line(*artists, day=day, genre=genre) for genre in genres]
        asked = (albums_line(read, day=day, artist_id=who["id"]), line("album", read, day, id=read["id"]))
        commit(self.workspace, self.ledger, f"b{number}", *found, *asked, run_id=f"run-{number}")
        self.ledger.finish_run(f"run-{number}", "succeeded")
        publish(self.workspace, self.ledger)

    def send(self, **options: bool) -> Sending:
        """Publish to the warehouse."""
        return publish_to(self.settings, "there", **options)

    def change_there(self, *statements: str) -> None:
        """What somebody else does there: `{artists}` is the table's full name, `{q}` the quotation mark."""
        with open_warehouse("there", self.address) as warehouse:
            names = {name: warehouse.name(name) for name in (*PUBLISHED, "garimpo_sent")}
            for statement in statements:
                warehouse.execute(statement.format(q=warehouse.quote, **names))
            warehouse.commit()


def published_here(workspace: Workspace) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of the published tables."""
    generation = open_generation(workspace)
    return {name: _sorted(table, generation.rows(f"FROM {name}")) for name, table in PUBLISHED.items()}


def held_there(address: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of the warehouse's tables, in our types."""
    with open_warehouse("there", address) as warehouse:
        return {name: _sorted(table, _read(warehouse, table)) for name, table in PUBLISHED.items()}


def equal(store: Store) -> None:
    """Schema, counts, sums of all numbers, and then every row are those of the published database."""
    with open_warehouse("there", store.address) as warehouse:
        columns = warehouse.columns()
        expected = {name: warehouse.expected(table) for name, table in PUBLISHED.items()}
        assert {name: columns.get(name) for name in PUBLISHED} == expected
        assert {name: list(columns[name]) for name in PUBLISHED} == {n: t.column_names() for n, t in PUBLISHED.items()}
        for name, table in PUBLISHED.items():
            listed = "".join(f", sum({{q}}{each}{{q}})" for each in _numbers(table))
            query = f"SELECT count(*){listed} FROM "
            [here] = open_generation(store.workspace).rows(query.format(q='"') + name)
            [there] = warehouse.rows(query.format(q=warehouse.quote) + warehouse.name(name))
            assert list(map(_number, there)) == pytest.approx(list(map(_number, here))), name
    assert held_there(store.address) == published_here(store.workspace)


def stated(store: Store, kind: type[GarimpoError], said: str) -> None:
    """Sending ends in this error, which names the warehouse and no secret; what is published here is as before."""
    before = published_here(store.workspace)
    with pytest.raises(kind, match=said) as raised:
        store.send()
    assert SECRET not in str(raised.value)
    assert "there" in str(raised.value)
    assert published_here(store.workspace) == before


def large(store: Store, artists: int = 10_000, days: int = 3) -> None:
    """Collect so many artists on so many days, and publish them."""
    for _ in make_store(store.workspace, store.ledger, World(artists, days, parts=1)):
        pass
    publish(store.workspace, store.ledger)


@contextmanager
def crashing(server: Server, number: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The server gets a signal once every row was sent, before that can be noted; at the end it is started again."""
    noted = Warehouse.remember

    def remember(warehouse: Warehouse, sent: Sent) -> None:
        server.stop(number)
        noted(warehouse, sent)

    try:
        with monkeypatch.context() as patched:
            patched.setattr(Warehouse, "remember", remember)
            yield
    finally:
        server.start()


def price(store: Store, beside: Callable[[Path], None]) -> None:
    """Tell what snapshots cost, first and all of them again; and a publish of all tables, then none.

    When measured there are ten thousand times MEASURE of them. `beside` loads the same rows from a CSV file by the
    system's own means, for comparison.
    """
    large(store, 1_000 * int(MEASURE or 2), 10)
    generation, folder = open_generation(store.workspace), store.workspace.sent
    took = {name: _seconds(store.send, full=name == "full_s") for name in ("all_s", "none_s", "full_s")}
    with open_warehouse("there", store.address) as warehouse:
        with closing(Reader(generation, store.workspace.root, folder, "x", keeps_lists=True)) as reader:
            rows = reader.whole(SNAPSHOTS).rows
            rows.write(path := store.workspace.root / "snapshots.csv", "FORMAT csv, HEADER false")
            took["beside_s"] = _seconds(beside, path)
            warehouse.drop(SNAPSHOTS)
            warehouse.create(PUBLISHED[SNAPSHOTS])
            took["first_s"] = _seconds(warehouse.replace, rows)
            took["again_s"] = _seconds(warehouse.merge, rows)
        took["commit_s"] = _seconds(warehouse.commit)
        assert warehouse.count(SNAPSHOTS) == rows.count
    told(rows=rows.count, **{name: round(value, 2) for name, value in took.items()}, load=round(os.getloadavg()[0], 1))


def _seconds(call: Callable[..., Any], *arguments: Any, **options: Any) -> float:
    begun = time.perf_counter()
    call(*arguments, **options)
    return time.perf_counter() - begun


class Alike:
    """Tests that every warehouse passes; `prelude` is what a process of its own has to do first."""

    prelude = ""

    @pytest.fixture
    def store(self, workspace: Workspace, ledger: Ledger, address: str) -> Store:
        """Two days of odd artists, not sent yet."""
        made = Store(workspace, ledger, address)
        made.collect("2026-11-20", *(artist(f"a{n}", name=name) for n, name in enumerate(ODD_NAMES)))
        made.collect("2026-11-21", artist("A1", name="", genres=["axé, o", "mpb"]), artist("a2"), genres=ODD_GENRES)
        return made

    def test_first_publish_equals(self, store: Store) -> None:
        """All tables are there, with our columns and every row; the ledger there says so."""
        sending = store.send()
        assert (sending.is_news, sending.rows_sent["artists"], sending.rows_removed) == (True, 7, {})
        equal(store)

    def test_second_sends_what_changed(self, store: Store) -> None:
        """What a day brought is sent, and no other snapshot, release or track."""
        store.send()
        store.collect("2026-11-22", artist("a3", name="Renamed now", followers={"total": 99}), artist("new"))
        sending = store.send()
        assert sending.whole == []
        assert {name: sending.rows_sent.get(name) for name in ("artists", "artist_snapshots", "tracks", "runs")} == {
            "artists": 2, "artist_snapshots": 2, "tracks": 1, "runs": 1,
        }  # fmt: skip
        assert sending.rows_removed["name_tokens"] > 0
        equal(store)

    def test_nothing_new_sends_nothing(self, store: Store) -> None:
        """The same database again changes nothing there, not even the ledger."""
        store.send()
        before = self.ledger_there(store)
        sending = store.send()
        assert (sending.is_news, sending.rows_sent, self.ledger_there(store)) == (False, {}, before)

    def test_again_and_full_are_idempotent(self, store: Store) -> None:
        """Everything once more gives the same rows."""
        store.send()
        assert store.send(full=True).rows_sent["artists"] == 7
        equal(store)

    def test_dry_run_changes_nothing(self, store: Store) -> None:
        """A dry run says what would be sent; there is no table there, no file here."""
        sending = store.send(dry_run=True)
        assert (sending.dry_run, sending.rows_sent["artists"]) == (True, 7)
        with open_warehouse("there", store.address) as warehouse:
            assert warehouse.columns() == {}
        assert [path.name for path in (store.workspace.sent).iterdir() if path.suffix == ".duckdb"] == []

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

    def test_purge_is_carried_over(self, store: Store) -> None:
        """An artist who is purged here is gone there after the next publish, from every table."""
        store.send()
        purge_artist(store.workspace, store.ledger, "a1")
        assert list(store.workspace.sent.glob("*.duckdb")) == []  # they hold ids
        store.send()
        assert [name for name, rows in held_there(store.address).items() if "'a1'" in repr(rows)] == []
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
        """Rows, columns and tables that somebody removed there are back after the next publish, without any news."""
        store.send()
        for statements in CHANGES:
            store.change_there(*statements)
            assert store.send().is_news, statements
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

    def test_killed_while_mending(self, store: Store) -> None:
        """Killed between a column that was put back and its values: they come with the next publish."""
        store.send()
        store.change_there("ALTER TABLE {artists} DROP COLUMN {q}releases_checked_on{q}")
        assert self.killed(store, "replace") == -9
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


def _read(warehouse: Warehouse, table: Table) -> list[tuple[Any, ...]]:
    found = warehouse.rows(f"SELECT {warehouse.listed(table.column_names())} FROM {warehouse.name(table.name)}")
    return [tuple(_ours(value, column) for value, column in zip(row, table.columns, strict=True)) for row in found]


def _ours(value: Any, column: Column) -> Any:
    if value is None:
        return None
    if column.type == "VARCHAR[]":
        return json.loads(value) if isinstance(value, str) else list(value)
    if column.type == "BOOLEAN":
        return bool(value)
    return int(value) if column.type.endswith("INT") or column.type == "INTEGER" else value


def _numbers(table: Table) -> list[str]:
    return [each.name for each in table.columns if each.type in ("BIGINT", "INTEGER", "SMALLINT", "DOUBLE")]


def _number(value: Any) -> float:
    return float(value or 0)


def _sorted(table: Table, rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    keys = [table.column_names().index(key) for key in table.key]
    return sorted(rows, key=lambda row: tuple(str(row[key]) for key in keys))
