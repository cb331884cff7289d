"""What observations become in the published tables: the later wins, an absent value never wipes what the day knew."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from pipeline.published.generations import Generation, open_generation
from pipeline.published.publish import publish, rebuild
from pipeline.records.ledger import Ledger
from pipeline.workspace import Workspace
from tests.payloads import album, albums_line, artist, commit, line, search_line

D20, D21, D22 = date(2026, 11, 20), date(2026, 11, 21), date(2026, 11, 22)
Collect = Callable[..., None]
Ask = Callable[[str], list[tuple[Any, ...]]]


@pytest.fixture
def collect(workspace: Workspace, ledger: Ledger) -> Collect:
    """Commit each line as a batch of its own, and publish after each."""
    number = 0

    def each(*lines: object) -> None:
        nonlocal number
        for each_line in lines:
            number += 1
            commit(workspace, ledger, f"batch-{number:04d}", each_line)
            publish(workspace, ledger)

    return each


@pytest.fixture
def ask(workspace: Workspace, ledger: Ledger) -> Ask:
    """Ask what was published one by one, and the same all at once: both give one answer."""
    shown: list[Generation] = []

    def asked(query: str) -> list[tuple[Any, ...]]:
        if not shown:
            shown.append(open_generation(workspace))
            rebuild(workspace, ledger)
        grown, whole = shown[0].rows(query), open_generation(workspace).rows(query)
        assert grown == whole
        return grown

    return asked


@pytest.fixture
def ask_now(workspace: Workspace) -> Ask:
    """Ask the current generation, as it grew."""
    return lambda query: open_generation(workspace).rows(query)


def test_artist_is_the_latest(collect: Collect, ask: Ask):
    """One row per artist: attributes and numbers of the last day, first and last day seen."""
    url = "https://i.scdn.co/image/1"
    collect(
        search_line(artist("a1", name="Old", genres=["samba"], images=[{"url": url}]), day="2026-11-20"),
        search_line(
            artist("a1", name="New", genres=["mpb", "axé"], followers={"total": 12}, popularity=6), day="2026-11-22"
        ),
    )
    assert ask("FROM artists") == [("a1", 0, "New", 12, 6, ["axé", "mpb"], url, None, D20, D22, None)]


def test_same_answer_moves_only_days(workspace: Workspace, ledger: Ledger, ask_now: Ask):
    """Who says what was known already stays where it lies; who has another genre is written anew, behind the others."""
    rows = []
    before, after = artist("a1", genres=["samba"]), artist("a1", genres=["axé"])
    for number, found in enumerate([[before, artist("a2")], [before], [after]]):
        commit(workspace, ledger, f"batch-{number}", search_line(*found, day=f"2026-11-2{number}"))
        publish(workspace, ledger)
        rows += ask_now("SELECT rowid, genres[1], last_seen_on FROM artists WHERE artist_id = 'a1'")
    assert rows == [(0, "samba", D20), (0, "samba", D21), (1, "axé", D22)]


def test_late_row_of_a_batch_over_midnight(workspace: Workspace, ledger: Ledger, ask_now: Ask):
    """What was answered before midnight does not replace what another batch, begun before it too, was told after it."""
    early, night = search_line(artist("a2"), day="2026-11-20"), search_line(artist("a1"), day="2026-11-21")
    commit(workspace, ledger, "batch-0001", early, night)
    publish(workspace, ledger)
    commit(workspace, ledger, "batch-0002", search_line(artist("a1", name="Of the evening"), day="2026-11-20"))
    publish(workspace, ledger)
    grown = ask_now("SELECT name FROM artists WHERE artist_id = 'a1'")
    rebuild(workspace, ledger)
    assert (grown, ask_now("SELECT name FROM artists WHERE artist_id = 'a1'")) == ([("Artist a1",)], [("Artist a1",)])


def test_releases_lie_by_date(workspace: Workspace, ledger: Ledger, ask_now: Ask):
    """Releases that come together are stored by their dates: the newest are looked for in one place."""
    dates = {"r1": "2026-03-01", "r2": "2024-01-05", "r3": "2025-07-09"}
    albums = [album(name, release_date=day) for name, day in dates.items()]
    commit(workspace, ledger, "batch-0001", albums_line(*albums))
    publish(workspace, ledger)
    assert ask_now("SELECT album_id FROM releases") == [("r2",), ("r3",), ("r1",)]


def test_same_day_null_wipes_nothing(collect: Collect, ask: Ask):
    """Of two answers on a day the later wins, but what it withholds stays known."""
    collect(
        search_line(artist("a1", followers={"total": 10}, popularity=5)),
        search_line(artist("a1", name="Later", followers={"total": 11}, popularity=None)),
        search_line(artist("a1", name=None, followers=None, popularity=None), total=7),
    )
    assert ask("SELECT name, followers, popularity FROM artists") == [("Later", 11, 5)]
    assert ask("FROM artist_snapshots") == [("a1", D22, 11, 5)]
    assert ask("SELECT total FROM search_pages") == [(7,)]


def test_withheld_numbers_are_null(collect: Collect, ask: Ask):
    """A day on which the numbers are withheld shows no numbers of the day before; attributes stay as last known."""
    collect(
        search_line(artist("a1", genres=["mpb"]), day="2026-11-21"),
        search_line(artist("a1", followers=None, popularity=None), day="2026-11-22"),
    )
    assert ask("SELECT followers, popularity, genres FROM artists") == [(None, None, ["mpb"])]
    assert ask("FROM artist_snapshots ORDER BY observed_on") == [("a1", D21, 10, 5), ("a1", D22, None, None)]


def test_second_run_a_day_adds_nothing(collect: Collect, ask: Ask):
    """The same answers again change no row; the next day adds one snapshot per artist."""
    page = [artist("a1", genres=["mpb"]), artist("a2")]
    collect(
        search_line(*page, day="2026-11-21"), search_line(*page, day="2026-11-21"), search_line(*page, day="2026-11-22")
    )
    assert ask("SELECT artist_id, count(*) FROM artist_snapshots GROUP BY 1 ORDER BY 1") == [("a1", 2), ("a2", 2)]
    assert ask("FROM artist_genres ORDER BY ALL") == [
        ("a1", 0, "mpb", "search", D21, D22),
        ("a1", 0, "mpb", "spotify", D21, D22),
        ("a2", 1, "mpb", "search", D21, D22),
    ]


def test_late_observation_fills_gaps(collect: Collect, ask: Ask):
    """An observation of an earlier day, committed later, adds its snapshot and what was unknown, nothing else."""
    collect(
        search_line(artist("a1", name="Now", followers={"total": 12}), day="2026-11-22"),
        search_line(artist("a1", name="Then", followers={"total": 9}, genres=["samba"]), day="2026-11-20"),
        search_line(artist("a1", name="Between", followers={"total": 10}, genres=["axé"]), day="2026-11-21"),
    )
    assert ask("SELECT name, followers, genres, first_seen_on, last_seen_on FROM artists") == [
        ("Now", 12, ["samba"], D20, D22)
    ]
    assert ask("SELECT observed_on, followers FROM artist_snapshots ORDER BY 1") == [(D20, 9), (D21, 10), (D22, 12)]


def test_artists_keep_their_numbers(collect: Collect, ask: Ask):
    """Artists are numbered in the order of their first commit, and where else they stand they bear that number."""
    collect(
        search_line(artist("b", name="Be")), search_line(artist("c", name="Ce"), artist("a", name="A"), artist("b"))
    )
    numbered = [("b", 0), ("a", 1), ("c", 2)]
    assert ask("SELECT artist_id, artist_no FROM artists ORDER BY 2") == numbered
    for table in ("artist_genres", "artist_growth", "artists JOIN name_tokens USING (artist_no)"):
        assert ask(f"SELECT DISTINCT artist_id, artist_no FROM {table} ORDER BY 2") == numbered


def test_release_keeps_its_details(collect: Collect, ask: Ask):
    """Label and barcode from the full album outlive the simplified answers that leave them out."""
    full = album("b1", label="Selo", popularity=40, external_ids={"upc": "1"}, album_type="ALBUM", total_tracks=2)
    collect(line("album", full, "2026-11-21", id="b1"), albums_line(album("b1", name="Renamed"), day="2026-11-22"))
    assert ask("SELECT * EXCLUDE (image_url, spotify_url) FROM releases") == [
        ("b1", "Renamed", "album", date(2020, 5, 17), "2020-05-17", None, 2, "Selo", 40, "1", D21, D22, None)
    ]


def test_unknown_date_replaces_the_known(collect: Collect, ask: Ask):
    """Date, text and precision change together: a text that means no date takes the date with it."""
    collect(
        albums_line(album("b1", release_date_precision="day"), day="2026-11-21"),
        albums_line(album("b1", release_date="0000"), day="2026-11-22"),
        albums_line(album("b1", release_date=None), day="2026-11-22"),
    )
    assert ask("SELECT release_date, release_date_text, release_date_precision FROM releases") == [(None, "0000", None)]


def test_credits_move(collect: Collect, ask: Ask):
    """A credit has the place and name of the newest answer and remembers when it was first and last seen."""
    two = [{"id": "a1", "name": "One"}, {"id": "a2", "name": "Two"}]
    collect(
        albums_line(album("b1", artists=two), day="2026-11-21"),
        albums_line(album("b1", artists=[{"id": "a2", "name": "Zwei"}]), day="2026-11-22"),
        albums_line(album("b1", artists=[{"id": "a2", "name": "Deux"}]), day="2026-11-20"),
    )
    assert ask("FROM release_artists ORDER BY artist_id") == [
        ("b1", "a1", None, 0, "One", D21, D21),
        ("b1", "a2", None, 0, "Zwei", D20, D22),
    ]
    assert ask("FROM artists") == []


def test_tracks_read_are_counted(collect: Collect, ask: Ask):
    """A release says how many of its tracks are known, over pages and days."""
    tracks = [{"id": f"t{n}", "name": f"Track {n}", "artists": [{"id": "a1"}]} for n in range(3)]
    collect(
        line(
            "album", album("b1", total_tracks=3, tracks={"items": tracks[:2], "next": "https://x", "total": 3}), id="b1"
        ),
        line("album_tracks", {"items": tracks[2:], "next": None, "total": 3}, album_id="b1", offset=2, limit=2),
        albums_line(album("b2")),
    )
    assert ask("SELECT album_id, total_tracks, tracks_read FROM releases ORDER BY 1") == [
        ("b1", 3, 3),
        ("b2", None, None),
    ]
    assert ask("SELECT album_id, page_offset, last_page FROM state_album_pages ORDER BY 2") == [
        ("b1", 0, False),
        ("b1", 2, True),
    ]
    assert ask("SELECT track_id, artist_id, position FROM track_artists ORDER BY 1") == [
        (f"t{n}", "a1", 0) for n in range(3)
    ]


def test_releases_checked_is_known(collect: Collect, ask: Ask):
    """An artist knows the last day its releases were read, also when it was met only afterwards."""
    collect(
        search_line(artist("a1"), day="2026-11-20"),
        albums_line(artist_id="a1", day="2026-11-21"),
        albums_line(artist_id="a2", day="2026-11-21"),
        search_line(artist("a2"), artist("a3"), day="2026-11-22"),
    )
    assert ask("SELECT artist_id, releases_checked_on FROM artists ORDER BY 1") == [
        ("a1", D21),
        ("a2", D21),
        ("a3", None),
    ]


def test_search_pages_are_the_newest(collect: Collect, ask: Ask):
    """A page of a sweep read again is replaced; other pages and other sweeps stay."""
    collect(
        search_line(artist("a1"), day="2026-11-21", total=900, next="https://x"),
        {**search_line(artist("a1"), artist("a2"), day="2026-11-21", total=901), "fetched_at": "2026-11-22T00:00:01Z"},
        search_line(artist("a1"), day="2026-11-21", offset=50),
        search_line(artist("a1"), day="2026-11-22"),
    )
    assert ask(
        "SELECT sweep_on, page_offset, observed_on, total, returned, last_page FROM search_pages ORDER BY ALL"
    ) == [
        (D21, 0, D22, 901, 2, True),
        (D21, 50, D21, 1, 1, True),
        (D22, 0, D22, 1, 1, True),
    ]
