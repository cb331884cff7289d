"""A rebuild tells growth, days and stays of a large store from the months that stand in history files."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from pipeline.published import snapshots, steps
from pipeline.published.generations import open_generation
from pipeline.published.publish import rebuild
from pipeline.records.ledger import Ledger
from pipeline.workspace import Workspace
from tests.payloads import artist, commit, search_line

S1, O30, O31, N5, N6 = date(2026, 9, 1), date(2026, 10, 30), date(2026, 10, 31), date(2026, 11, 5), date(2026, 11, 6)


@pytest.fixture(autouse=True)
def rebuilt(monkeypatch: pytest.MonkeyPatch, workspace: Workspace, ledger: Ledger) -> None:
    """Whole searches on five days in three months, each month a file; c's first number was withheld."""
    monkeypatch.setattr(steps, "SMALL", -1)
    monkeypatch.setattr(snapshots, "PAYS", 1)
    answers: dict[date, dict[str, int | None]] = {
        S1: {"c": None}, O30: {"a": 100, "b": 10}, O31: {"a": 110}, N5: {"a": 130, "b": 40}, N6: {"a": 135, "c": 7},
    }  # fmt: skip
    for day, found in answers.items():
        shown = [artist(name, followers={"total": number}) for name, number in found.items()]
        commit(workspace, ledger, f"b{day}", search_line(*shown, day=day.isoformat()))
    rebuild(workspace, ledger)


def rows(workspace: Workspace, columns: str) -> list[tuple[Any, ...]]:
    """Columns of a published table, in their order."""
    return open_generation(workspace).rows(f"SELECT {columns} ORDER BY ALL")


def test_last_numbers_across_months(workspace: Workspace):
    """The number before the last is of the same month, or the last one of a month before."""
    columns = "artist_id, until, followers, previous_on, previous_followers, first_on, first_followers"
    assert rows(workspace, f"{columns} FROM artist_growth") == [
        ("a", N6, 135, N5, 130, O30, 100),
        ("b", N5, 40, O30, 10, O30, 10),
        ("c", N6, 7, None, None, N6, 7),
    ]


def test_days_compared_across_months(workspace: Workspace):
    """Each number is compared with the one before of the same artist, in the file and beyond it, or is found."""
    assert rows(workspace, "* EXCLUDE (genre) FROM genre_days WHERE genre = 'mpb'") == [
        (S1, 1, 0, None, 1, 5, 0, None, 0, None),
        (O30, 2, 2, 110, 2, 10, 0, None, 2, 110),
        (O31, 1, 1, 110, 1, 5, 1, 10, 0, None),
        (N5, 2, 2, 170, 2, 10, 2, 50, 0, None),
        (N6, 2, 2, 142, 2, 10, 1, 5, 1, 7),
    ]


def test_stays_apart_or_together(workspace: Workspace):
    """Who was seen for a few days had one stay; who was missed for two months had two; who was missed last has left."""
    assert rows(workspace, "artist_id, entered_on, left_on FROM genre_membership") == [
        ("a", O30, None),
        ("b", O30, N6),
        ("c", S1, date(2026, 9, 2)),
        ("c", N6, None),
    ]
