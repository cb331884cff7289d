"""A rebuild tells who was in which genre from when to when, without looking at every day of those who never left."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import accumulate

import pytest

from pipeline.published import steps
from pipeline.published.generations import open_generation
from pipeline.published.publish import rebuild
from pipeline.records.ledger import Ledger
from pipeline.workspace import Workspace
from tests.payloads import artist, commit, search_line

FIRST = date(2026, 1, 1)
GAPS = {
    "often": [1, 7, 14] * 8,
    "monthly": [29, 30] * 6,
    "missed": [7] * 9 + [31] + [7] * 9,
    "mixed": [15, 16, 29, 31, 1, 61, 30, 14, 45, 2],
    "years": [15] * 140 + [45],  # more halves of a month than have a bit of their own
    **{f"pair{first}": [31] for first in range(16)},  # wherever in a half of a month the first is
}


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
