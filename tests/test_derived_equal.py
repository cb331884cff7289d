"""Derived tables are the same whichever way they were made: bit by bit from what changed, or all anew."""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import Any

import pytest

from pipeline.published import snapshots, staging, steps
from pipeline.published.publish import publish, rebuild
from pipeline.records.ledger import Ledger
from pipeline.workspace import Workspace
from tests.payloads import albums_line, artist, commit, line, search_line
from tests.published import every_row

DERIVED = (
    "artists",
    "artist_genres",
    "artist_growth",
    "name_tokens",
    "genre_days",
    "genre_growth",
    "genre_coverage",
    "genre_membership",
)
FIRST = date(2026, 6, 1)


def some_line(rng: random.Random, day: date) -> dict[str, Any]:
    """A page of a search, an answer about artists or an artist's releases; numbers or genres may be withheld."""
    found = [
        artist(
            f"a{number}",
            name=rng.choice(["Olá Mar", "Os do Cais", "Mar", "!!!"]),
            followers=rng.choice([{"total": rng.randrange(900, 4000)}] * 4 + [None]),
            genres=rng.choice([["mpb"], ["axé", "mpb"], [], None]),
        )
        for number in rng.sample(range(5), 2)
    ]
    searched = search_line(*found, day=day.isoformat(), genre=rng.choice(["mpb", "samba"]), offset=0)
    answered = line("artists", {"artists": found}, day.isoformat())
    return rng.choice([searched, searched, answered, albums_line(day=day.isoformat(), artist_id="a1")])


def some_days(rng: random.Random, batches: int, *, late: bool) -> list[date]:
    """Days with gaps of a day to two months, some twice; a third of them too late when `late`."""
    gaps = [rng.choice([0, 1, 1, 7, 30, 61]) for _ in range(batches)]
    days = [FIRST + timedelta(days=sum(gaps[: place + 1])) for place in range(batches)]
    for place in rng.sample(range(batches), batches // 3 if late else 0):
        other = rng.randrange(batches)
        days[place], days[other] = days[other], days[place]
    return days


def compare(monkeypatch: pytest.MonkeyPatch, workspace: Workspace, ledger: Ledger, seed: int, batches: int) -> None:
    """Publish bit by bit as large stores do, some by all cores; rebuild as they are, and at once as small ones do."""
    rng = random.Random(seed)
    monkeypatch.setattr(steps, "SMALL", -1)
    monkeypatch.setattr(staging, "MANY", 0 if seed % 2 == 0 else staging.MANY)
    for number, day in enumerate(some_days(rng, batches, late=seed % 2 == 0)):
        lines = [some_line(rng, day) for _ in range(rng.randrange(1, 3))]
        commit(workspace, ledger, f"b{number:03d}", *lines)
        if rng.random() < 0.6:
            publish(workspace, ledger)
    publish(workspace, ledger)
    bit_by_bit = every_row(workspace, DERIVED)
    # As a small store, as a large one from the database alone, then from history files, which stay.
    for size, pays in ((50_000, snapshots.PAYS), (-1, snapshots.PAYS), (-1, 1)):
        monkeypatch.setattr(steps, "SMALL", size)
        monkeypatch.setattr(snapshots, "PAYS", pays)
        rebuild(workspace, ledger)
        assert every_row(workspace, DERIVED) == bit_by_bit


@pytest.mark.parametrize("seed", [2])
def test_derived_bit_by_bit(monkeypatch, workspace: Workspace, ledger: Ledger, seed: int):
    """What is derived from changes equals what is derived from everything, in order and with late days."""
    compare(monkeypatch, workspace, ledger, seed, 8)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 3, 4, 6])
def test_derived_bit_by_bit_often(monkeypatch, workspace: Workspace, ledger: Ledger, seed: int):
    """The same for many more stories."""
    compare(monkeypatch, workspace, ledger, seed, 16)
