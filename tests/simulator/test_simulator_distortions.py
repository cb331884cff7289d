"""Listings with repeated, null and missing items: irritating, but nothing is lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pipeline.simulator.distortions import GHOST, NULL, Distortion, slots_of
from pipeline.simulator.draws import Dice

Simulate = Callable[..., Any]
ALL = [{"what": "duplicates", "every": 5}, {"what": "null_items", "every": 4}, {"what": "short_pages", "every": 3}]


def pages(site: Any, limit: int, offsets: list[int]) -> list[Any]:
    """The items of a genre's pages at these offsets, in this order."""
    return [item for offset in offsets for item in site.found("samba", limit=limit, offset=offset)["items"]]


@pytest.mark.parametrize("direction", [1, -1])
def test_nothing_is_lost(simulate: Simulate, direction: int) -> None:
    """Whoever reads every page, forwards or backwards, gets every artist at least once."""
    site = simulate(scenario={"rules": ALL})
    total = site.found("samba")["total"]
    items = pages(site, 5, list(range(0, total, 5))[::direction])
    ids = [item["id"] for item in items if item]
    assert set(ids) == {row["artist_id"] for row in site.simulator.truth(genres=("samba",))["artists"]}
    assert len(ids) > len(set(ids))
    assert None in items
    assert len(items) < total


def test_short_pages_have_next(simulate: Simulate) -> None:
    """A page may hold fewer items than its limit and still lead on."""
    site = simulate(scenario={"rules": [{"what": "short_pages", "every": 3}]})
    page = site.found("samba", limit=5)
    assert len(page["items"]) < 5
    assert page["next"].split("?")[1].startswith("offset=5&limit=5")


def test_places_are_fixed(simulate: Simulate) -> None:
    """The same listing is bent at the same places each time it is asked for."""
    site = simulate(scenario={"rules": [{"what": "null_items", "share": 0.5}]})
    assert pages(site, 50, [0]) == pages(site, 50, [0])
    assert None in pages(site, 50, [0])


def test_albums_and_tracks_bend_too(simulate: Simulate) -> None:
    """The lists of an artist's albums and of an album's tracks are listings as well."""
    site = simulate(scenario={"rules": [{"what": "null_items", "every": 2}]})
    row = max(site.simulator.truth()["albums"], key=lambda row: row["total_tracks"])
    artist_id = site.json(f"albums/{row['album_id']}")["artists"][0]["id"]
    assert None in site.json(f"albums/{row['album_id']}/tracks")["items"]
    assert None in site.json(f"artists/{artist_id}/albums")["items"]


def test_slots_are_inserted() -> None:
    """Slots repeat an item seven places on, or hold null or nothing; every item stays."""
    rules = [Distortion(what, 0, 0.0, 9, {"distance": 7}) for what in ("duplicates", "null_items", "short_pages")]
    slots = list(slots_of(Dice("x"), "a list", 10, rules))
    assert slots == [0, 1, 2, 3, 4, 5, 6, 7, 1, NULL, GHOST, 8, 9]
    assert slots_of(Dice("x"), "a list", 3, []) == range(3)
