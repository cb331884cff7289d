from __future__ import annotations

import duckdb

from tests.recipes import NAME, SNAPSHOTS, lake, ran


def test_another_duckdb_attaches(tmp_path, monkeypatch):
    """The page's code reads the published tables from another database, while that one stays as it is."""
    workspace = lake(tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    con = ran("From another DuckDB", WORKSPACE=str(workspace.root))["con"]
    assert sorted(con.sql("FROM growth").fetchall()) == [(NAME, 0), (NAME, 20)]
    columns = "artist_id, observed_on, followers, popularity"
    assert con.sql(f"SELECT {columns} FROM garimpo.artist_snapshots ORDER BY ALL").fetchall() == SNAPSHOTS
    con.close()


def test_only_committed_files_count(tmp_path):
    """The page's code lists every committed file of a table in order, and no other."""
    workspace = lake(tmp_path)
    paths = ran()["files"](workspace.root, "artist_snapshots")
    assert [duckdb.sql(f"SELECT count(*) FROM '{path}'").fetchall() for path in paths] == [[(1,)], [(2,)], [(1,)]]
