"""A rebuild makes the published tables from the committed parts alone, whatever became of what was published."""

from __future__ import annotations

from contextlib import closing
from datetime import date, timedelta
from itertools import accumulate
from typing import Any

import pytest

from pipeline.errors import DamagedFile
from pipeline.keeping.exchange import settle
from pipeline.published import snapshots, steps
from pipeline.published.generations import current_number, open_generation
from pipeline.published.publish import EXCHANGED, lags, publish, rebuild
from pipeline.records.ledger import Ledger
from pipeline.settings import Settings
from pipeline.workspace import Workspace, open_workspace
from tests.conftest import Clock
from tests.payloads import artist, commit, search_line

S1, O30, O31, N5, N6 = date(2026, 9, 1), date(2026, 10, 30), date(2026, 10, 31), date(2026, 11, 5), date(2026, 11, 6)
FIRST = date(2026, 1, 1)
GAPS = {
    "often": [1, 7, 14] * 8,
    "monthly": [29, 30] * 6,
    "missed": [7] * 9 + [31] + [7] * 9,
    "mixed": [15, 16, 29, 31, 1, 61, 30, 14, 45, 2],
    "years": [15] * 140 + [45],  # more halves of a month than have a bit of their own
    **{f"pair{first}": [31] for first in range(16)},  # wherever in a half of a month the first is
}


def test_damage_is_rebuilt(workspace: Workspace, ledger: Ledger):
    """Neither a pointer that points nowhere nor a broken generation is in the way of a rebuild."""
    commit(workspace, ledger, "b1", search_line(artist("a1")))
    publish(workspace, ledger)
    (workspace.db / "garimpo-00000001.duckdb").write_bytes(b"broken")
    (workspace.db / "CURRENT").write_text("garbage", encoding="utf-8")
    with pytest.raises(DamagedFile):
        publish(workspace, ledger)
    assert rebuild(workspace, ledger).number == 2
    assert open_generation(workspace).rows("SELECT artist_id, followers FROM artist_snapshots") == [("a1", 10)]


def test_rebuild_of_nothing(workspace: Workspace, ledger: Ledger):
    """Without any part a rebuild gives empty tables, and the next publish goes on from there."""
    assert rebuild(workspace, ledger).rows == 0
    assert open_generation(workspace).rows("FROM artist_snapshots") == []
    commit(workspace, ledger, "b1", search_line(artist("a1")))
    assert (publish(workspace, ledger).number, current_number(workspace)) == (2, 2)


def test_exchange_elsewhere_is_noticed(workspace: Workspace, ledger: Ledger):
    """Where parts were exchanged on another machine, what is shown here is built anew once; nothing older is kept."""
    for number in (1, 2):
        commit(workspace, ledger, f"b{number}", search_line(artist(f"a{number}")))
        publish(workspace, ledger)
    with ledger.write() as connection:
        connection.execute("DELETE FROM parts WHERE batch_id = ?", ("b1",))
    ledger.set_meta(EXCHANGED, "by another")
    assert lags(workspace, ledger)
    assert publish(workspace, ledger).number == 3
    assert open_generation(workspace).rows("SELECT artist_id FROM artist_snapshots") == [("a2",)]
    assert [path.name for path in workspace.db.glob("*.duckdb")] == ["garimpo-00000003.duckdb"]
    assert (publish(workspace, ledger).changed, lags(workspace, ledger)) == (False, False)


def test_settling_sweeps_what_went_elsewhere(workspace: Workspace, ledger: Ledger):
    """Files that another machine let go of go here, too, when what it exchanged is settled."""
    commit(workspace, ledger, "b1", search_line(artist("a1")))
    publish(workspace, ledger)
    (gone,) = (workspace.root / part.path for part in ledger.parts() if part.table == "artist_snapshots")
    with ledger.write() as connection:
        connection.execute("DELETE FROM parts WHERE table_name = 'artist_snapshots'")
    assert not settle(workspace, ledger)
    ledger.set_meta(EXCHANGED, "by another")
    assert settle(workspace, ledger)
    assert (gone.exists(), open_generation(workspace).rows("FROM artist_snapshots")) == (False, [])
    assert not settle(workspace, ledger)


@pytest.fixture(scope="module")
def months(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Whole searches on five days in three months, each month a file; c's first number was withheld. To be read."""
    workspace = open_workspace(Settings(data=tmp_path_factory.mktemp("months"), workspace="test"))
    answers: dict[date, dict[str, int | None]] = {
        S1: {"c": None}, O30: {"a": 100, "b": 10}, O31: {"a": 110}, N5: {"a": 130, "b": 40}, N6: {"a": 135, "c": 7},
    }  # fmt: skip
    with pytest.MonkeyPatch.context() as patched, closing(Ledger(workspace.ledger, Clock().now)) as ledger:
        patched.setattr(steps, "SMALL", -1)
        patched.setattr(snapshots, "PAYS", 1)
        for day, found in answers.items():
            shown = [artist(name, followers={"total": number}) for name, number in found.items()]
            commit(workspace, ledger, f"b{day}", search_line(*shown, day=day.isoformat()))
        rebuild(workspace, ledger)
    return workspace


def rows(workspace: Workspace, columns: str) -> list[tuple[Any, ...]]:
    """Columns of a published table, in their order."""
    return open_generation(workspace).rows(f"SELECT {columns} ORDER BY ALL")


def test_last_numbers_across_months(months: Workspace):
    """The number before the last is of the same month, or the last one of a month before."""
    columns = "artist_id, until, followers, previous_on, previous_followers, first_on, first_followers"
    assert rows(months, f"{columns} FROM artist_growth") == [
        ("a", N6, 135, N5, 130, O30, 100),
        ("b", N5, 40, O30, 10, O30, 10),
        ("c", N6, 7, None, None, N6, 7),
    ]


def test_days_compared_across_months(months: Workspace):
    """Each number is compared with the one before of the same artist, in the file and beyond it, or is found."""
    assert rows(months, "* EXCLUDE (genre) FROM genre_days WHERE genre = 'mpb'") == [
        (S1, 1, 0, None, 1, 5, 0, None, 0, None),
        (O30, 2, 2, 110, 2, 10, 0, None, 2, 110),
        (O31, 1, 1, 110, 1, 5, 1, 10, 0, None),
        (N5, 2, 2, 170, 2, 10, 2, 50, 0, None),
        (N6, 2, 2, 142, 2, 10, 1, 5, 1, 7),
    ]


def test_stays_apart_or_together(months: Workspace):
    """Who was seen for a few days had one stay; who was missed for two months had two; who was missed last has left."""
    assert rows(months, "artist_id, entered_on, left_on FROM genre_membership") == [
        ("a", O30, None),
        ("b", O30, N6),
        ("c", S1, date(2026, 9, 2)),
        ("c", N6, None),
    ]


def seen_on(kind: str) -> list[date]:
    """The days on which the artist of a kind was found."""
    begin = int(kind.removeprefix("pair")) if kind.startswith("pair") else 0
    return [FIRST + timedelta(days) for days in accumulate(GAPS[kind], initial=begin)]


def entered_on(days: list[date]) -> list[date]:
    """Those on which nobody had seen the artist for more than thirty days."""
    return [day for before, day in zip([date.min, *days], days, strict=False) if (day - before).days > 30]


def test_stays_begin_after_gaps(monkeypatch: pytest.MonkeyPatch, workspace: Workspace, ledger: Ledger) -> None:
    """In a large store, too, a stay begins with the first sighting, and after every month without one."""
    monkeypatch.setattr(steps, "SMALL", -1)
    commit(
        workspace, ledger, "b1", *(search_line(artist(kind), day=f"{day}") for kind in GAPS for day in seen_on(kind))
    )
    rebuild(workspace, ledger)
    entered = "SELECT artist_id, list(entered_on ORDER BY entered_on) FROM genre_membership"
    found = dict(open_generation(workspace).rows(f"{entered} WHERE provenance = 'search' GROUP BY artist_id"))
    assert found == {kind: entered_on(seen_on(kind)) for kind in GAPS}
    assert {kind: len(found[kind]) for kind in list(GAPS)[:6]} == {
        "often": 1, "monthly": 1, "missed": 2, "mixed": 4, "years": 2, "pair0": 2,
    }  # fmt: skip
