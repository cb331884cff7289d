"""Whether a few artists are asked for or all are at hand, lists are the same; and who asks often does not ask anew."""

from __future__ import annotations

import polars as pl
import pytest

from pipeline import queries
from pipeline.published.generations import Generation
from pipeline.queries import worths
from pipeline.workspace import Workspace
from tests.published import LAST_DAY, publish_many, publish_rows

ALIKE = tuple(f"artist{number:06d}" for number in (1, 7, 30, 31, 59))


@pytest.fixture
def sixty(workspace: Workspace) -> Generation:
    """Sixty artists of two genres."""
    return publish_many(workspace, 60, 3)


@pytest.mark.parametrize("order", worths.OF_ARTISTS)
@pytest.mark.parametrize("search", ["ban", "banda 5"])
def test_few_stand_as_all_do(sixty: Generation, monkeypatch: pytest.MonkeyPatch, order: str, search: str) -> None:
    """Looked up alone or read with everybody's, the values put artists in one order."""
    asked = queries.artists(sixty, search=search, genre="mpb", order=order, limit=7, offset=3)
    assert order not in worths._kept.get(sixty, {})
    monkeypatch.setattr(worths, "FEW", 0)
    again = queries.artists(sixty, search=search, genre="mpb", order=order, limit=7, offset=3)
    assert order in worths._kept[sixty]
    assert again.rows() == asked.rows() != []


def test_unknown_numbers_come_last(workspace: Workspace) -> None:
    """Of a few, too, who has no number stands behind those who have one, by name."""
    followers = {"Banda b": None, "Banda c": 3, "Banda d": 5, "Banda a": None}
    known = [
        {"artist_id": name[-1], "name": name, "followers": count, "last_seen_on": LAST_DAY}
        for name, count in followers.items()
    ]
    found = publish_rows(workspace, artists=known)
    named = queries.artists(found, among=("a", "b", "c", "d"))["name"].to_list()
    assert named == ["Banda d", "Banda c", "Banda a", "Banda b"]


def test_asking_often_reads_all(sixty: Generation) -> None:
    """The first questions of a generation look up their few; then the values of all are kept."""
    seen = []
    for _ in range(worths.OFTEN + 1):
        assert queries.artists(sixty, among=ALIKE)["artist_id"].to_list() == sorted(ALIKE, reverse=True)
        seen.append("followers" in worths._kept.get(sixty, {}))
    assert seen == [False] * worths.OFTEN + [True]


def test_numbers_of_nobody_are_unknown(sixty: Generation) -> None:
    """A number that no artist has, as genres in a bundle can give one, is worth nothing and breaks nothing."""
    assert worths.worths(sixty, "followers", pl.Series([0, 99])).to_list()[1] == worths.UNKNOWN
