"""Publishing bit by bit and all at once are the same thing, in whatever order the days came."""

from __future__ import annotations

import random
from typing import Any

import pytest

from pipeline.published.publish import publish, rebuild
from pipeline.records.ledger import Ledger
from pipeline.schema import PUBLISHED, STATE
from pipeline.workspace import Workspace
from tests.payloads import album, albums_line, commit, line, search_line
from tests.published import OF_RUNS, every_row


def some_artist(rng: random.Random) -> dict[str, Any]:
    """One of four artists, some fields withheld."""
    number = rng.randrange(4)
    fields = {
        "name": f"Name {rng.randrange(9)}",
        "genres": ["mpb", "axé"][: rng.randrange(3)],
        "popularity": rng.randrange(9),
    }
    kept = {name: value for name, value in fields.items() if rng.random() < 0.7}
    return {"id": f"a{number}", "followers": {"total": rng.choice([None, rng.randrange(99)])}, **kept}


def some_album(rng: random.Random) -> dict[str, Any]:
    """One of four releases, some fields absent, with tracks that may move between releases."""
    fields = {
        "label": f"Label {rng.randrange(9)}",
        "release_date": rng.choice(["2020", "2021-02", "0000"]),
        "artists": [{"id": f"a{n}", "name": f"Credit {rng.randrange(9)}"} for n in rng.sample(range(3), 2)],
        "tracks": {"items": [{"id": f"t{rng.randrange(6)}", "artists": [{"id": "a1"}]} for _ in range(2)], "total": 2},
    }
    return album(f"b{rng.randrange(4)}", **{name: value for name, value in fields.items() if rng.random() < 0.7})


def some_lines(rng: random.Random, day: str) -> list[dict[str, Any]]:
    """What a batch of a day may bring."""
    searched = search_line(some_artist(rng), some_artist(rng), day=day, offset=50 * rng.randrange(2))
    listed = albums_line(some_album(rng), some_album(rng), day=day, artist_id=f"a{rng.randrange(4)}")
    return rng.sample([searched, listed, line("album", some_album(rng), day)], rng.randrange(1, 4))


def tables(workspace: Workspace) -> dict[str, list[tuple[Any, ...]]]:
    """Every table of the current generation but what tells when it was published."""
    return every_row(workspace, sorted({*PUBLISHED, *STATE} - OF_RUNS - {"state_meta"}))


@pytest.mark.parametrize("order", ["in order", "shuffled"])
@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_incremental_equals_whole(workspace: Workspace, ledger: Ledger, seed: int, order: str):
    """The same parts give the same tables, published one by one and in groups, or all at once; every key is unique."""
    rng = random.Random(seed)
    days = [f"2026-11-{n:02d}" for n in range(10, 14) for _ in range(2)]
    if order == "shuffled":
        rng.shuffle(days)
    for number, day in enumerate(days):
        commit(workspace, ledger, f"b{number:03d}", *some_lines(rng, day))
        if rng.random() < 0.6:
            publish(workspace, ledger)
    publish(workspace, ledger)
    found = tables(workspace)
    rebuilt = rebuild(workspace, ledger)
    assert (rebuilt.parts, rebuilt.changed, tables(workspace)) == (len(ledger.parts()), True, found)
    for name, rows in found.items():
        table = {**PUBLISHED, **STATE}[name]
        places = [table.column_names().index(column) for column in table.key]
        assert len({tuple(row[place] for place in places) for row in rows}) == len(rows), name
