"""The steps of a publish: each finds the tables it reads made before it, and passes over what has nothing to do."""

from __future__ import annotations

import re

import duckdb
import pytest

from pipeline.published import steps
from pipeline.published.building import run_step
from pipeline.published.generations import open_generation
from pipeline.published.merges import merge_statements
from pipeline.published.publish import publish
from pipeline.published.steps import STEPS, Step
from pipeline.records.ledger import Ledger
from pipeline.schema import LAKE
from pipeline.workspace import Workspace
from tests.payloads import artist, commit, search_line

MADE = re.compile(r"CREATE OR REPLACE TEMP (?:TABLE|VIEW) (\w+)")
READ = re.compile(r"(?:FROM|JOIN|INTO|UPDATE|USING) (\w+)")
NAMED = re.compile(r"(\w+) AS (?:MATERIALIZED )?\(")  # within a statement, for itself
STATEMENTS = [statement for step in STEPS for _, statement in merge_statements(step, ordered=True)]
COUNTED = {"last_snapshots"}  # in a database built from nothing by `count_snapshots`
TEMPORARY = {name for statement in STATEMENTS for name in MADE.findall(statement) if not name.startswith("staged_")}
NUMBERED = Step("release_artists", "numbered", ("artists",), "onto")


@pytest.mark.parametrize("staged", [*({name} for name in LAKE), set(LAKE)], ids=lambda staged: "-".join(sorted(staged)))
@pytest.mark.parametrize("way", ["small fresh", "small onto", "large fresh", "large onto"])
def test_tables_are_made_before_they_are_read(staged: set[str], way: str) -> None:
    """Whatever lake tables have new rows, no statement and no condition needs a table that no earlier one has made."""
    size, rows = way.split()
    made = COUNTED if rows == "fresh" else set()
    for step in STEPS:
        if step.applies(staged, fresh=rows == "fresh", size=size):
            for table, statement in merge_statements(step, ordered=True):
                made = made.union(MADE.findall(statement))
                needed = TEMPORARY.intersection([table, *READ.findall(statement)]).difference(NAMED.findall(statement))
                assert needed <= made, (step, needed - made)


def test_statement_without_rows_to_merge_is_passed_over() -> None:
    """Without new numbers credits are not looked at, which the lack of their table would tell; with one they are."""
    with duckdb.connect() as con:
        con.execute("CREATE TABLE numbered (artist_id VARCHAR, artist_no BIGINT)")
        run_step(con, NUMBERED, ordered=True)
        con.execute("INSERT INTO numbered VALUES ('a1', 0)")
        with pytest.raises(duckdb.CatalogException, match="release_artists"):
            run_step(con, NUMBERED, ordered=True)


@pytest.mark.parametrize("small", [-1, steps.SMALL], ids=["large", "small"])
def test_page_without_artists_is_published_alone(
    workspace: Workspace, ledger: Ledger, monkeypatch: pytest.MonkeyPatch, small: int
) -> None:
    """A run that was shown nobody still says when the genre was searched."""
    monkeypatch.setattr(steps, "SMALL", small)
    for name, found in (("b1", [artist("a1")]), ("b2", [])):
        commit(workspace, ledger, name, search_line(*found, day=f"2026-11-0{name[1]}"))
        publish(workspace, ledger)
    assert open_generation(workspace).rows("SELECT artists, swept_on::VARCHAR FROM genre_coverage") == [
        (1, "2026-11-02")
    ]
