"""Those of a genre that grew most are kept as artists overtake each other, without asking who else there is."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from pipeline import schema
from pipeline.published import merges, steps
from pipeline.published.generations import open_generation
from pipeline.published.publish import publish, rebuild
from pipeline.records.ledger import Ledger
from pipeline.workspace import Workspace
from tests.payloads import artist, commit, search_line


@pytest.fixture(autouse=True)
def lists_of_two(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Rankings of two, kept as large stores keep them."""
    monkeypatch.setattr(steps, "SMALL", -1)
    monkeypatch.setattr(schema, "PLACES", 2)
    monkeypatch.setattr(merges, "SPARE", 0)
    merges.merge_statements.cache_clear()
    yield
    merges.merge_statements.cache_clear()


def leaders(workspace: Workspace, ledger: Ledger, day: int, **followers: int) -> list[tuple[str, int, int]]:
    """Who leads over seven days, what they gained and how many were compared, once these numbers are known."""
    found = [artist(artist_id, followers={"total": number}) for artist_id, number in followers.items()]
    commit(workspace, ledger, f"b{day:02d}", search_line(*found, day=f"2026-11-{day:02d}"))
    publish(workspace, ledger)
    return open_generation(workspace).rows(
        "SELECT artist_id, gained, compared FROM genre_growth WHERE genre = 'mpb' AND days = 7 ORDER BY place"
    )


def test_leaders_come_and_go(workspace: Workspace, ledger: Ledger) -> None:
    """A newcomer above the last of a full list takes its place; one that falls leaves it to who was behind."""
    assert leaders(workspace, ledger, 1, a=10_000, b=10_000, c=10_000) == []
    assert leaders(workspace, ledger, 8, a=15_000, b=14_000, c=11_000) == [("a", 5000, 3), ("b", 4000, 3)]
    assert leaders(workspace, ledger, 9, c=14_500) == [("a", 5000, 3), ("c", 4500, 3)]
    assert leaders(workspace, ledger, 10, c=10_100) == [("a", 5000, 3), ("b", 4000, 3)]
    assert leaders(workspace, ledger, 11, b=16_000) == [("a", 5000, 2), ("c", 100, 2)]


@pytest.mark.parametrize("spare", [0, 1])
def test_lists_equal_those_told_anew(monkeypatch, workspace: Workspace, ledger: Ledger, spare: int):
    """However lists grew longer, were cut and became too short, they show what all artists together show."""
    monkeypatch.setattr(merges, "SPARE", spare)
    merges.merge_statements.cache_clear()
    rng, everybody = random.Random(3), "abcdefgh"
    for day in (1, 3, 5):
        found = [artist(artist_id, followers={"total": 1000}) for artist_id in everybody]
        commit(workspace, ledger, f"b{day:02d}", search_line(*found, day=f"2026-11-{day:02d}"))
    for day in range(8, 13):
        leaders(workspace, ledger, day, **{name: rng.randrange(900, 2000) for name in rng.sample(everybody, 4)})
    shown = "FROM genre_growth ORDER BY ALL"
    kept = open_generation(workspace).rows(shown)
    assert len(kept) == 2
    rebuild(workspace, ledger)
    assert open_generation(workspace).rows(shown) == kept
