"""A workspace, the warehouse that it is sent to, and whether the two are equal: for tests of warehouses."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import GarimpoError
from pipeline.integrations.warehouse_news import SNAPSHOTS, Reader, Sent
from pipeline.integrations.warehouse_sql import Warehouse
from pipeline.integrations.warehouses import Sending, open_warehouse, publish_to
from pipeline.published.generations import open_generation
from pipeline.published.publish import publish
from pipeline.records.ledger import Ledger
from pipeline.schema import PUBLISHED, Column, Table
from pipeline.settings import Settings
from pipeline.workspace import Workspace
from tests.benchmarks.store_world import World, make_store
from tests.integrations.databases import Server
from tests.integrations.far import MEASURE, SECRET, told
from tests.payloads import album, albums_line, commit, line, search_line

__all__ = [
    "SECRET",
    "Store",
    "crashing",
    "equal",
    "held_there",
    "large",
    "price",
    "published_here",
    "stated",
]


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
        counted = _counted(warehouse.quote, {name: warehouse.name(name) for name in PUBLISHED})
        there, here = warehouse.rows(counted), open_generation(store.workspace).rows(_counted('"'))
        assert _numbers_of(there) == pytest.approx(_numbers_of(here))
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
    generation = open_generation(store.workspace)
    took = {name: _seconds(store.send, full=name == "full_s") for name in ("all_s", "none_s", "full_s")}
    with open_warehouse("there", store.address) as warehouse:
        with closing(Reader(generation, store.workspace, store.workspace.sent, "x", keeps_lists=True)) as reader:
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


def _counted(quote: str, names: Mapping[str, str] | None = None) -> str:
    """One question for the rows of every table and the sum of each of its columns of numbers: zeros fill it up."""
    found = [(name, _numbers(table)) for name, table in PUBLISHED.items()]
    most = max(len(columns) for _, columns in found)
    return " UNION ALL ".join(
        "SELECT "
        + ", ".join([str(place), "count(*)", *(f"sum({quote}{each}{quote})" for each in columns)])
        + ", 0" * (most - len(columns))
        + f" FROM {names[name] if names else name}"
        for place, (name, columns) in enumerate(found)
    )


def _numbers(table: Table) -> list[str]:
    return [each.name for each in table.columns if each.type in ("BIGINT", "INTEGER", "SMALLINT", "DOUBLE")]


def _numbers_of(rows: Sequence[tuple[Any, ...]]) -> list[float]:
    return [float(value or 0) for row in sorted(rows, key=lambda row: int(row[0])) for value in row]


def _sorted(table: Table, rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    keys = [table.column_names().index(key) for key in table.key]
    return sorted(rows, key=lambda row: tuple(str(row[key]) for key in keys))
