"""Questions narrowed to a list or to a few of all artists: the same answers, without asking for everybody else."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import polars as pl
import pytest

from pipeline import queries
from pipeline.keeping.purge import purge_artist
from pipeline.published.generations import Generation, open_generation
from pipeline.published.publish import publish
from pipeline.queries import worths
from pipeline.queries.artists import _standing
from pipeline.records.ledger import Ledger
from pipeline.workspace import Workspace
from tests.payloads import artist, commit, search_line
from tests.published import LAST_DAY, publish_many, publish_rows

ALIKE = tuple(f"artist{number:06d}" for number in (1, 7, 30, 31, 59))
MINE = tuple(f"artist{number:06d}" for number in range(1, 60, 4))


@pytest.fixture
def sixty(workspace: Workspace) -> Generation:
    """Sixty artists of two genres with two releases each; all were found, and released last, on the same days."""
    return publish_many(workspace, 60, 3)


@pytest.mark.parametrize("order", queries.ARTIST_ORDERS)
@pytest.mark.parametrize(("search", "genre"), [("", ""), ("ban", ""), ("banda 5", "samba"), ("", "mpb")])
def test_order_stays_the_same(sixty: Generation, order: str, search: str, genre: str) -> None:
    """Who is on the list stands in the order of the whole, page by page, and is counted."""
    whole = queries.artists(sixty, search=search, genre=genre, order=order, limit=60)["artist_id"].to_list()
    expected = [each for each in whole if each in MINE]
    pages = [
        queries.artists(sixty, search=search, genre=genre, among=MINE, order=order, limit=8, offset=at) for at in (0, 8)
    ]
    assert [each for page in pages for each in page["artist_id"]] == expected
    assert queries.artists_count(sixty, search, genre, MINE) == len(expected) > 0


@pytest.mark.parametrize("order", ["released", "new"])
def test_many_ties_are_ordered_alike(sixty: Generation, monkeypatch: pytest.MonkeyPatch, order: str) -> None:
    """Whether few names are compared here or very many by the engine, the order is the same."""
    pages = [queries.artists(sixty, among=MINE, order=order, limit=4, offset=at) for at in (0, 4)]
    monkeypatch.setitem(_standing.__globals__, "MOST_TIED", 3)
    again = [queries.artists(sixty, among=MINE, order=order, limit=4, offset=at) for at in (0, 4)]
    assert [page["artist_id"].to_list() for page in again] == [page["artist_id"].to_list() for page in pages]


def test_list_may_name_anybody(sixty: Generation) -> None:
    """Ids that nothing is known of are left out; a list of nobody gives nobody, no list everybody."""
    lists = (("artist000007", "unknown"), ("unknown",), (), None)
    assert [queries.artists_count(sixty, among=each) for each in lists] == [1, 0, 0, 60]
    assert [queries.artists(sixty, among=each).height for each in lists] == [1, 0, 0, 25]
    assert [queries.newest_releases(sixty, 9, each).height for each in lists] == [2, 0, 0, 9]


def test_changed_list_is_asked_anew(sixty: Generation) -> None:
    """The list asked for last is remembered, not taken for another one; each generation has its own."""
    assert queries.artists(sixty, among=("artist000001",))["name"].to_list() == ["Banda 1"]
    assert queries.artists(sixty, among=("artist000002",))["name"].to_list() == ["Banda 2"]


def shown(workspace: Workspace, asked: Sequence[str], day: date | None = None) -> list[str]:
    """Who is shown of a list."""
    return sorted(queries.artists(open_generation(workspace, day), among=asked)["artist_id"])


def collected(workspace: Workspace, ledger: Ledger, day: str, *artist_ids: str) -> Generation:
    """What is known after these artists were found on a day, too."""
    commit(workspace, ledger, f"batch-{day}", search_line(*map(artist, artist_ids), day=day))
    publish(workspace, ledger)
    return open_generation(workspace)


def test_new_ones_are_looked_up(workspace: Workspace, ledger: Ledger) -> None:
    """Who becomes known by a publish is found by it; in the generation before it, that one is still unknown."""
    first = collected(workspace, ledger, "2026-11-20", "a", "b", "c")
    second = collected(workspace, ledger, "2026-11-21", "a", "d", "e")
    assert shown(workspace, "bdf") == ["b", "d"]
    assert [queries.artists_count(each, among="bdf") for each in (first, second)] == [1, 2]
    collected(workspace, ledger, "2026-11-22", "f")
    assert (shown(workspace, "bdf"), shown(workspace, "bf"), shown(workspace, "")) == (["b", "d", "f"], ["b", "f"], [])


def test_numbers_of_before_stay_at_hand(workspace: Workspace, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who was known is not looked up again after a publish: among a million artists that takes longer than the page."""
    collected(workspace, ledger, "2026-11-20", "a", "b", "c")
    assert shown(workspace, "ac") == ["a", "c"]
    collected(workspace, ledger, "2026-11-21", "b", "d")
    monkeypatch.setattr("pipeline.queries.among._LOOKED_UP", "SELECT error('looked up')")
    assert shown(workspace, "ac") == ["a", "c"]


def test_numbers_dealt_anew(workspace: Workspace, ledger: Ledger) -> None:
    """After a removal, and on each day looked back to, artists have other numbers: the list is looked up anew."""
    collected(workspace, ledger, "2026-11-22", "b", "c")
    collected(workspace, ledger, "2026-11-21", "d")
    collected(workspace, ledger, "2026-11-20", "a")
    days = [None, date(2026, 11, 22), date(2026, 11, 21), date(2026, 11, 20)]
    assert [shown(workspace, "acd", day) for day in days] == [list("acd"), list("acd"), list("ad"), ["a"]]
    purge_artist(workspace, ledger, "b")
    assert [shown(workspace, "acd", day) for day in days] == [list("acd"), list("acd"), list("ad"), ["a"]]


def test_radar_shows_the_list_alone(workspace: Workspace) -> None:
    """Releases that credit anybody on the list, newest first, of the last year of data; compilations never."""
    days = {"old": 365, "guest": 3, "mine": 9, "year": 364, "others": 1, "best": 2, "undated": None}
    found = publish_rows(
        workspace,
        artists=[{"artist_id": each, "name": each, "last_seen_on": LAST_DAY} for each in "ab"],
        releases=[
            {"album_id": name, "name": name, "album_type": "compilation" if name == "best" else "single",
             "release_date": None if ago is None else LAST_DAY - timedelta(ago)}
            for name, ago in days.items()
        ],
        release_artists=[{"album_id": name, "artist_id": "b" if name == "others" else "a", "position": 0}
                         for name in days if name != "guest"]
        + [{"album_id": "guest", "artist_id": each, "position": at} for at, each in enumerate("ba")],
    )  # fmt: skip
    assert queries.newest_releases(found, 9, ("a",))["album_id"].to_list() == ["guest", "mine", "year"]
    assert queries.newest_releases(found, 1, ("a",)).select("album_id", "artist_id").rows() == [("guest", "b")]


def test_nothing_seen_yet(workspace: Workspace) -> None:
    """Artists known by their ids alone, never seen, have no releases, and nothing fails."""
    found = publish_rows(workspace, artists=[{"artist_id": "a"}])
    assert (queries.artists_count(found, among=("a",)), queries.newest_releases(found, 9, ("a",)).height) == (1, 0)


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
