"""What is derived from observations: growth, days of genres, their coverage, stays in them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from pipeline import queries
from pipeline.published import steps
from pipeline.published.generations import Generation, open_generation
from pipeline.published.publish import publish
from pipeline.records.ledger import Ledger
from pipeline.workspace import Workspace
from tests.payloads import artist, commit, line, search_line
from tests.published import LAST_DAY, publish_rows

Row = dict[str, Any]


def ago(days: int) -> date:
    """So many days before the last one."""
    return LAST_DAY - timedelta(days=days)


def numbers(artist_id: str, **by_age: int | None) -> list[Row]:
    """Snapshots of an artist: `d7=5` is five followers seven days before the last day."""
    return [
        {"artist_id": artist_id, "observed_on": ago(int(age[1:])), "followers": followers}
        for age, followers in by_age.items()
    ]


def members(*artist_ids: str, since: int = 400, genre: str = "mpb") -> list[Row]:
    """Artists found by searching a genre."""
    return [
        {"artist_id": each, "genre": genre, "provenance": "search", "first_seen_on": ago(since)} for each in artist_ids
    ]


@pytest.fixture
def answer(workspace: Workspace, ledger: Ledger):
    """Commit batches, each a line or a list of lines, and publish; the generation that there is then."""
    count = 0

    def publish_lines(*batches: Row | list[Row]) -> Generation:
        nonlocal count
        for batch in batches:
            count += 1
            commit(workspace, ledger, f"b{count}", *(batch if isinstance(batch, list) else [batch]))
        publish(workspace, ledger)
        return open_generation(workspace)

    return publish_lines


def test_growth_has_its_own_days(workspace: Workspace):
    """Each window starts with the last number before it, at most a quarter older; where there is none it is unknown."""
    seen = [*numbers("a", d100=10, d37=20, d10=30, d9=40, d0=50), *numbers("b", d92=7, d2=8, d1=None)]
    found = publish_rows(workspace, artist_snapshots=seen)
    assert found.rows(
        "SELECT * EXCLUDE (artist_no, previous_on, previous_followers) FROM artist_growth ORDER BY artist_id"
    ) == [
        ("a", LAST_DAY, 50, ago(100), 10, None, None, ago(9), 10, ago(37), 30, ago(100), 40),
        ("b", ago(2), 8, ago(92), 7, None, None, None, None, None, None, ago(92), 1),
    ]


def test_growth_of_young_store(workspace: Workspace):
    """With fewer days than asked for, growth is since the first; over windows that are not kept none is made up."""
    found = publish_rows(workspace, artist_snapshots=numbers("a", d3=1000, d0=1500), artists=[{"artist_id": "a"}])
    assert queries.growth_leaders(found, 30, 5).select("gained", "since").rows() == [(500, ago(3))]
    with pytest.raises(ValueError, match="growth over 14 days is not kept"):
        queries.growth_leaders(found, 14, 5)


def test_leaders_of_genre(workspace: Workspace):
    """A genre's ranking is by proportion, from a thousand followers on, and says over how many it was made."""
    seen = [*numbers("a", d30=1000, d0=1100), *numbers("b", d30=2000, d0=2600), *numbers("c", d30=5, d0=50)]
    named = [{"artist_id": each, "name": each.upper()} for each in "abc"]
    found = publish_rows(workspace, artist_snapshots=seen, artists=named, artist_genres=members("a", "b", "c", "d"))
    rows = queries.genre_leaders(found, "mpb").select("place", "name", "gained", "growth", "compared").rows()
    assert rows == [(1, "B", 600, 0.3, 3), (2, "A", 100, 0.1, 3)]


def test_days_tell_found_from_gained(workspace: Workspace):
    """A first number in the genre is found; only a number after another one is gained, and only from entry on."""
    seen = [*numbers("a", d2=10, d1=None, d0=14), *numbers("b", d2=5, d1=7, d0=8)]
    found = publish_rows(workspace, artist_snapshots=seen, artist_genres=[*members("a"), *members("b", since=1)])
    wanted = "observed_on, artists, followers_total, compared, gained, found, found_followers"
    assert found.rows(f"SELECT {wanted} FROM genre_days WHERE genre = 'mpb' ORDER BY ALL") == [
        (ago(2), 1, 10, 0, None, 1, 10),
        (ago(1), 2, 7, 0, None, 1, 7),
        (LAST_DAY, 2, 22, 2, 5, 0, None),
    ]


def test_artist_leaves_and_returns(answer):
    """A complete search without an artist ends its stay; seen within a month it goes on, later it is a new one."""
    found = answer(
        search_line(artist("a1"), artist("a2"), day="2026-06-01"),
        search_line(artist("a2"), day="2026-06-02"),
    )
    stays = "SELECT artist_id, entered_on, left_on FROM genre_membership WHERE provenance = 'search' ORDER BY ALL"
    one, two, august = date(2026, 6, 1), date(2026, 6, 2), date(2026, 8, 1)
    assert found.rows(stays) == [("a1", one, two), ("a2", one, None)]
    assert answer(search_line(artist("a1"), day="2026-06-20")).rows(stays)[0] == ("a1", one, None)
    found = answer(search_line(artist("a1"), day="2026-08-01"))
    assert found.rows(stays)[:2] == [("a1", one, date(2026, 6, 21)), ("a1", august, None)]
    assert queries.genre_newcomers(found, "mpb").select("artist_id", "entered_on").rows() == [("a1", august)]
    assert queries.genre_turnover(found, "mpb") == {
        "entered": 1,
        "left": 0,
        "first_on": None,
    }  # a2 left, but longer ago


def test_first_month_tells_its_beginning(answer):
    """Of a genre that has been known for less than thirty days it is told from when on."""
    first = date(2026, 6, 1)
    found = answer(search_line(artist("a1"), day="2026-06-01"))
    assert queries.genre_turnover(found, "mpb") == {"entered": 0, "left": 0, "first_on": first}
    found = answer(search_line(artist("a1"), artist("a2"), day="2026-06-30"))
    assert queries.genre_turnover(found, "mpb") == {"entered": 1, "left": 0, "first_on": first}
    found = answer(search_line(artist("a1"), artist("a2"), day="2026-07-01"))
    assert queries.genre_turnover(found, "mpb") == {"entered": 1, "left": 0, "first_on": None}


def test_search_that_meets_cap_ends_no_stay(answer):
    """A search of more than a thousand artists does not show them all: being absent from it says nothing."""
    found = answer(
        search_line(artist("a1"), day="2026-06-01"),
        [search_line(artist("a2"), day="2026-06-02", offset=offset) for offset in range(0, 1000, 50)],
    )
    assert found.rows("SELECT artist_id FROM genre_membership WHERE left_on IS NOT NULL") == []
    assert found.rows("SELECT swept_on FROM genre_coverage") == [(date(2026, 6, 2),)]


@pytest.mark.parametrize(
    ("small", "offset"),
    [(-1, 0), (-1, 150), (steps.SMALL, 0)],
    ids=["large, read again", "large, behind a gap", "small"],
)
def test_search_that_was_not_the_whole(monkeypatch: pytest.MonkeyPatch, answer, small: int, offset: int):
    """A search that passed for complete until one more of its pages came has ended no stay."""
    monkeypatch.setattr(steps, "SMALL", small)
    answer(search_line(artist("a1"), artist("a2"), day="2026-06-01"))
    left = "SELECT artist_id FROM genre_membership WHERE left_on IS NOT NULL"
    assert answer(search_line(artist("a2"), day="2026-06-02")).rows(left) == [("a1",)]
    found = answer(search_line(artist("a2"), day="2026-06-02", offset=offset, next="more"))
    assert found.rows(left) == []
    assert found.rows("SELECT found_now, swept_on FROM genre_coverage") == [(2, date(2026, 6, 1))]


def test_own_genre_given_up(answer):
    """A genre that an artist's last answer does not name has been left; one that names none at all says nothing."""
    asked = [["mpb", "axé"], ["mpb"], None]
    days = [date(2026, 6, 1) + timedelta(days=place) for place in range(3)]
    found = answer(
        *(
            line("artists", {"artists": [artist("a1", genres=genres)]}, day.isoformat())
            for day, genres in zip(days, asked, strict=True)
        )
    )
    assert found.rows("SELECT genre, entered_on, left_on FROM genre_membership ORDER BY ALL") == [
        ("axé", days[0], days[1]),
        ("mpb", days[0], None),
    ]


@pytest.mark.parametrize("small", [-1, steps.SMALL], ids=["large", "small"])
def test_own_genre_in_capitals(monkeypatch: pytest.MonkeyPatch, answer, small: int):
    """However an answer writes a genre, who was given it is in it."""
    monkeypatch.setattr(steps, "SMALL", small)
    answer(line("artists", {"artists": [artist("a1", genres=["axé"])]}, "2026-06-01"))
    found = answer(line("artists", {"artists": [artist("a1", genres=["MPB", " Axé"])]}, "2026-06-02"))
    assert found.rows("SELECT genre, left_on FROM genre_membership ORDER BY ALL") == [("axé", None), ("mpb", None)]
    assert found.rows("SELECT genre, given_now FROM genre_coverage ORDER BY ALL") == [("axé", 1), ("mpb", 1)]


def test_coverage_of_genre(answer):
    """A genre says how many artists it has, of how many what is known, and when it was read whole."""
    found = answer(search_line(artist("a1", genres=["mpb"]), artist("a2", followers=None), day="2026-06-01"))
    day = date(2026, 6, 1)
    assert found.rows("FROM genre_coverage") == [("mpb", 2, 2, 1, 1, 0, day, day, day)]


def test_renamed_artist_is_found_anew(answer):
    """A new name replaces the words of the old one."""
    found = answer(
        search_line(artist("a1", name="Velho Cais")), search_line(artist("a1", name="Novo Cais"), day="2026-11-23")
    )
    assert [queries.artists_count(found, word) for word in ("velho", "nov", "cais", "ais")] == [0, 1, 1, 0]


def test_largest_numbers_add_up(answer):
    """Whatever followers a source tells of, a genre's sum of them is published; what nobody can have is not kept."""
    told = [10**12, 10**12, 2**62, 2**63 - 1]
    found = answer(search_line(*(artist(f"a{place}", followers={"total": each}) for place, each in enumerate(told))))
    assert found.rows("SELECT DISTINCT with_followers, followers_total FROM genre_days") == [(2, 2 * 10**12)]
