"""Changes of a warehouse that has no open transactions: gathered, counted before they are made, made by one script."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import duckdb
import pytest

from pipeline.integrations.warehouse_clouds import Gathering, InSchema, parquet
from pipeline.integrations.warehouse_sql import Column, Rows, Table

FANS = Table("fans", ("id",), "", "", (Column("id", "VARCHAR", ""), Column("number", "BIGINT", "")))


class _Scripts(Gathering):
    """DuckDB that takes one script at a time, and undoes one that did not commit."""

    def __init__(self) -> None:
        super().__init__()
        self.connection, self.schema, self.scripts = duckdb.connect(), "main", list[str]()

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        self.scripts.append(sql)
        try:
            found: list[tuple[Any, ...]] = self.connection.execute(sql).fetchall()
        finally:
            with suppress(duckdb.Error):
                self.connection.execute("ROLLBACK")
        return found

    def upload(self, name: str, rows: Rows) -> int:
        with parquet(rows) as path:
            return int(self.rows(f"INSERT INTO {self.name(name)} FROM '{path.as_posix()}'")[0][0])


@pytest.fixture
def there() -> Iterator[_Scripts]:
    """A warehouse with the fans a and b."""
    warehouse = _Scripts()
    warehouse.create(FANS)
    warehouse.replace(fans(("a", 1), ("b", 2)))
    warehouse.commit()
    yield warehouse
    warehouse.close()


def fans(*rows: tuple[str, int]) -> Rows:
    """Rows to send."""
    con = duckdb.connect()
    con.execute("CREATE TABLE fans (id VARCHAR, number BIGINT)")
    if rows:
        con.executemany("INSERT INTO fans VALUES (?, ?)", rows)
    return Rows(con, FANS, "FROM fans ORDER BY id", len(rows))


def held(there: _Scripts) -> list[tuple[Any, ...]]:
    """Every fan who is there, without what is gathered."""
    return there.connection.execute("FROM fans ORDER BY id").fetchall()


def test_changes_wait_for_commit(there: _Scripts) -> None:
    """What is merged and removed is counted as if it were there, and is there once it was committed."""
    there.merge(fans(("b", 20), ("c", 30)))
    assert (there.count("fans"), held(there)) == (3, [("a", 1), ("b", 2)])
    there.remove(fans(("a", 1)))
    assert (there.count("fans"), held(there)) == (2, [("a", 1), ("b", 2)])
    there.commit()
    assert (there.count("fans"), held(there)) == (2, [("b", 20), ("c", 30)])


def test_failed_script_changes_nothing(there: _Scripts) -> None:
    """A change that cannot be made undoes those before it."""
    there.merge(fans(("c", 30)))
    there.execute("INSERT INTO nowhere VALUES (1)")
    with pytest.raises(duckdb.Error, match="nowhere"):
        there.commit()
    assert held(there) == [("a", 1), ("b", 2)]


def test_whole_table_needs_no_rehearsal(there: _Scripts) -> None:
    """The rows of a table sent whole are those loaded for it; a change after that is rehearsed again."""
    there.replace(fans(("c", 30)))
    asked = len(there.scripts)
    assert (there.count("fans"), len(there.scripts)) == (1, asked)
    there.remove(fans(("c", 30)))
    assert there.count("fans") == 0
    there.commit()
    assert held(there) == []


def test_nothing_replaces_everything(there: _Scripts) -> None:
    """A table sent whole without a row is emptied."""
    there.replace(fans())
    assert there.count("fans") == 0
    there.commit()
    assert held(there) == []


def test_making_tables_ends_a_script(there: _Scripts) -> None:
    """What was gathered is made before a table is, as where a transaction has no room for one."""
    there.clear("fans")
    there.create(Table("others", FANS.key, "", "", FANS.columns))
    assert held(there) == []
    there.drop("others")
    assert there.columns().keys() >= {"fans"}
    assert "others" not in there.columns()


def test_staged_rows_have_own_tables(there: _Scripts) -> None:
    """Rows that are staged one after the other do not meet; their tables are listed for removal."""
    there.merge(fans(("c", 30)))
    there.merge(fans(("d", 40)))
    there.commit()
    assert [row[0] for row in held(there)] == ["a", "b", "c", "d"]
    assert len(set(there.beside)) == 3
    assert {name for name in there.columns() if name.startswith("garimpo_staged_")} == set(there.beside)


def test_names_in_schema_stand_alone() -> None:
    """Where the connection stands in the schema a table's name is quoted, and no more."""

    class Inside(InSchema):
        def load(self, name: str, rows: Rows) -> None:
            """Nothing."""

    assert Inside().name("fans") == '"fans"'


def test_files_go_with_their_use() -> None:
    """A file of rows has a name of its own, and goes."""
    with parquet(fans(("a", 1))) as first, parquet(fans(("b", 2))) as second:
        assert first.name != second.name
        assert duckdb.sql(f"FROM '{first.as_posix()}'").fetchall() == [("a", 1)]
    assert not first.exists()
