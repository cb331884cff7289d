"""Growth starts from numbers of earlier days: read in the parts of these days where history files are much larger."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pipeline.published import earlier_days, snapshots, steps
from pipeline.published.generations import open_generation
from pipeline.published.publish import publish, rebuild
from pipeline.published.staging import MergeSource
from pipeline.records.ledger import Ledger
from pipeline.workspace import Workspace
from tests.copies import made_once
from tests.payloads import artist, commit, search_line

D15, D22 = date(2026, 11, 15), date(2026, 11, 22)
ANY_NUMBER = 10**9


def answer(workspace: Workspace, ledger: Ledger, batch: str, day: date, **followers: int | None) -> None:
    """A page of a search with these artists and their followers, None where withheld."""
    found = [artist(name, followers={"total": number}) for name, number in followers.items()]
    commit(workspace, ledger, batch, search_line(*found, day=day.isoformat()))


def answer_before(workspace: Workspace, ledger: Ledger) -> None:
    """What was answered a week and more ago."""
    answer(workspace, ledger, "b1", date(2026, 11, 13), a=1, b=10)
    answer(workspace, ledger, "b2", D15, a=100)
    answer(workspace, ledger, "b3", D15, a=110, c=None)
    answer(workspace, ledger, "b4", D15, a=None)


def growth(workspace: Workspace) -> list[tuple[Any, ...]]:
    """What artists gained in a week, since when."""
    return open_generation(workspace).rows("SELECT artist_id, until, since_7, gained_7 FROM artist_growth ORDER BY ALL")


@pytest.fixture
def filed(monkeypatch: pytest.MonkeyPatch, workspace: Workspace, ledger: Ledger) -> None:
    """Two days in a history file, of which one was answered twice; b was missed on it, and read two days before."""
    monkeypatch.setattr(steps, "SMALL", -1)
    monkeypatch.setattr(snapshots, "PAYS", 1)
    made_once(workspace, ledger, answer_before)
    rebuild(workspace, ledger)
    assert open_generation(workspace).rows("SELECT month FROM state_history") == [("2026-11",)]


@pytest.mark.usefixtures("filed")
@pytest.mark.parametrize("opening", [-ANY_NUMBER, ANY_NUMBER], ids=["parts", "files"])
def test_parts_say_the_same(monkeypatch: pytest.MonkeyPatch, workspace: Workspace, ledger: Ledger, opening: int):
    """Of several answers on the day the last number counts; where there was none, that of a day shortly before."""
    monkeypatch.setattr(earlier_days, "OPENING", opening)
    answer(workspace, ledger, "b5", D22, a=160, b=11, c=7)
    publish(workspace, ledger)
    expected = [("a", D22, D15, 50), ("b", D22, date(2026, 11, 13), 1), ("c", D22, None, None)]
    assert growth(workspace) == expected
    rebuild(workspace, ledger)
    assert growth(workspace) == expected


@pytest.mark.usefixtures("filed")
def test_damaged_part_is_passed_over(monkeypatch: pytest.MonkeyPatch, workspace: Workspace, ledger: Ledger):
    """A part that is not what was committed is not believed: history files have its rows too."""
    monkeypatch.setattr(earlier_days, "OPENING", -ANY_NUMBER)
    for part in ledger.parts():
        if part.table == "artist_snapshots" and part.day == D15.isoformat():
            (workspace.root / part.path).write_bytes(b"no Parquet")
    answer(workspace, ledger, "b5", D22, a=160)
    publish(workspace, ledger)
    assert growth(workspace)[0] == ("a", D22, D15, 50)


@pytest.mark.usefixtures("filed")
def test_unread_files_stay_unread(monkeypatch: pytest.MonkeyPatch, workspace: Workspace, ledger: Ledger):
    """Where parts are cheaper no row of a history file is looked at for the day on which all were read."""
    monkeypatch.setattr(earlier_days, "OPENING", -ANY_NUMBER)
    answer(workspace, ledger, "b5", D22, a=160)
    publish(workspace, ledger)
    with open_generation(workspace).cursor() as con:
        con.execute("CREATE TEMP TABLE ends AS SELECT 'a' AS artist_id, DATE '2026-11-22' AS until")
        earlier_days.show_earlier_days(con, workspace.root)
        shown = con.execute("SELECT * FROM earlier_days WHERE days = 7 ORDER BY place, artist_id").fetchall()
    assert shown == [(7, "a", D15, 100, 0), (7, "a", D15, 110, 1), (7, "c", D15, None, 1), (7, "a", D15, None, 2)]


@pytest.mark.usefixtures("filed")
def test_numbers_are_read_meanwhile(monkeypatch: pytest.MonkeyPatch, workspace: Workspace, ledger: Ledger):
    """While other statements run, the days before a new one are read, of the artists in it alone."""
    monkeypatch.setattr(earlier_days, "OPENING", -ANY_NUMBER)
    answer(workspace, ledger, "b5", D22, a=160)
    source = MergeSource(
        workspace.root, ledger.read("SELECT * FROM parts WHERE day = ? ORDER BY seq", (D22.isoformat(),))
    )
    with open_generation(workspace).cursor() as con:
        found = earlier_days.read_earlier_days(con, source)()
    assert found is not None
    assert (found.first, found.last) == (D22, D22)
    assert [tuple(row.values()) for row in found.rows.to_pylist()] == [
        (7, "a", D15, 100, 0),
        (7, "a", D15, 110, 1),
        (7, "a", D15, None, 2),
    ]


@pytest.mark.usefixtures("filed")
def test_days_that_come_together(workspace: Workspace, ledger: Ledger):
    """Of new days a week apart the first is the one from which the growth until the second is counted."""
    answer(workspace, ledger, "b5", D22, a=160)
    answer(workspace, ledger, "b6", date(2026, 11, 29), a=200)
    publish(workspace, ledger)
    assert growth(workspace)[0] == ("a", date(2026, 11, 29), D22, 40)


@pytest.mark.usefixtures("filed")
@pytest.mark.parametrize("opening", [-ANY_NUMBER, ANY_NUMBER], ids=["parts", "files"])
def test_moved_folder_is_published(
    monkeypatch: pytest.MonkeyPatch, workspace: Workspace, ledger: Ledger, tmp_path: Path, opening: int
):
    """Where the whole folder was moved numbers of earlier days are read where they are now."""
    monkeypatch.setattr(earlier_days, "OPENING", opening)
    moved = Workspace(tmp_path / "elsewhere")
    shutil.copytree(workspace.root, moved.root)
    shutil.rmtree(workspace.lake)
    other = Ledger(moved.ledger, ledger.now)
    answer(moved, other, "b5", D22, a=160)
    publish(moved, other)
    assert growth(moved)[0] == ("a", D22, D15, 50)
    other.close()
