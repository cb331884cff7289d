"""The live view: every committed row, whether or not it was published, for whoever plans the next question."""

from __future__ import annotations

from datetime import date
from typing import Any

from pipeline.published.live import live
from pipeline.published.publish import publish
from pipeline.records.ledger import Ledger
from pipeline.schema import LAKE
from pipeline.workspace import Workspace
from tests.payloads import album, albums_line, artist, commit, line, search_line

D21, D22 = date(2026, 11, 21), date(2026, 11, 22)


def seen(workspace: Workspace, ledger: Ledger, query: str) -> list[tuple[Any, ...]]:
    """Rows of a query over the live view."""
    with live(workspace, ledger) as view:
        rows: list[tuple[Any, ...]] = view.sql(query).fetchall()
        return rows


def test_empty_workspace_has_empty_views(workspace: Workspace, ledger: Ledger):
    """Before the first commit every view is there, with the columns of its lake table and no rows."""
    with live(workspace, ledger) as view:
        for name, table in LAKE.items():
            relation = view.sql(f"FROM live_{name}")
            assert (relation.columns, relation.fetchall()) == (table.column_names(), [])


def test_pending_rows_are_seen(workspace: Workspace, ledger: Ledger):
    """A commit is seen at once, without any generation and beside one."""
    commit(workspace, ledger, "b1", search_line(artist("a1"), day="2026-11-21"))
    assert seen(workspace, ledger, "SELECT artist_id, observed_on FROM live_artists") == [("a1", D21)]
    publish(workspace, ledger)
    commit(workspace, ledger, "b2", search_line(artist("a2")))
    assert seen(workspace, ledger, "SELECT artist_id, observed_on FROM live_artists ORDER BY 1") == [
        ("a1", D21),
        ("a2", D22),
    ]


def test_publishing_changes_no_answer(workspace: Workspace, ledger: Ledger):
    """What a planner sees of each table is the same before and after the publish."""
    tracks = {"items": [{"id": "t1", "artists": [{"id": "a1", "name": "x"}]}], "total": 1, "next": None}
    lines = (
        search_line(artist("a1", genres=["mpb"])),
        albums_line(album("b1")),
        line("album", album("b2", tracks=tracks)),
    )
    commit(workspace, ledger, "b1", *lines)
    before = {name: seen(workspace, ledger, f"FROM live_{name} ORDER BY ALL") for name in LAKE}
    publish(workspace, ledger)
    assert {name: seen(workspace, ledger, f"FROM live_{name} ORDER BY ALL") for name in LAKE} == before
    assert all(before.values())


def test_view_is_private(workspace: Workspace, ledger: Ledger):
    """Two views at once do not meet."""
    with live(workspace, ledger) as first:
        commit(workspace, ledger, "b1", search_line(artist("a1")))
        with live(workspace, ledger) as second:
            counts = [view.sql("SELECT count(*) FROM live_artists").fetchall() for view in (first, second)]
    assert counts == [[(0,)], [(1,)]]
