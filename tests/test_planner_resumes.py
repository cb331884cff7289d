"""Planning is a function of committed pages: what was read is not asked again, what was begun goes on."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import duckdb
import pytest

from pipeline.runs.planner import Outlook, _tapered, call_key, plan_albums, plan_artists, plan_discovery, plan_releases
from pipeline.schema import LAKE
from pipeline.source.capabilities import Capabilities

TODAY = date(2026, 3, 10)
DEVELOPMENT = Capabilities()
EXTENDED = Capabilities(
    search_limit=50, albums_limit=50, artists_per_call=50, albums_per_call=20, fields={"artist": ("followers",)}
)


@pytest.fixture
def view():
    """An empty live view."""
    connection = duckdb.connect()
    for table in LAKE.values():
        columns = ", ".join(f"{column.name} {column.type}" for column in table.columns)
        connection.execute(f"CREATE TABLE live_{table.name} ({columns})")
    yield connection
    connection.close()


def outlook(view, capabilities=DEVELOPMENT, genres=("mpb",), allowance=100, settled=frozenset(), **whom):
    """What planning looks at."""
    return Outlook(view, TODAY, capabilities, genres, allowance, settled, **whom)


def search_page(view, genre, offset, *, sweep=TODAY, total=35, returned=10, last=False, limit=10):
    """A committed page of a search."""
    view.execute(
        "INSERT INTO live_search_pages BY NAME SELECT ? AS genre, ? AS observed_on, ? AS sweep_on, ? AS page_offset, "
        "? AS page_limit, ? AS total, ? AS returned, ? AS last_page",
        [genre, sweep, sweep, offset, limit, total, returned, last],
    )


def offsets(items):
    """Label, offset and limit of every planned search."""
    return [(item.label, call.params["offset"], call.params["limit"]) for item in items for call in item.calls]


def test_unknown_genre_starts_at_zero(view):
    """A genre never asked begins a sweep today and follows its pages, ten at a time."""
    (item,) = plan_discovery(outlook(view))
    assert (item.label, item.max_requests) == ("mpb", 10)
    assert item.calls[0].params == {"genre": "mpb", "offset": 0, "limit": 10, "sweep_on": "2026-03-10", "follow": True}


def test_sweep_goes_on_at_its_offset(view):
    """With the total known the rest is planned page by page, the last page left open for more."""
    search_page(view, "mpb", 0, sweep=date(2026, 3, 9))
    items = plan_discovery(outlook(view))
    assert offsets(items) == [("mpb", 10, 10), ("mpb", 20, 10), ("mpb", 30, 10)]
    assert [call.params["follow"] for call in items[0].calls] == [False, False, True]
    assert items[0].calls[0].params["sweep_on"] == "2026-03-09"


def test_finished_sweep_rests_a_day(view):
    """A sweep that reached its last page today asks nothing more today."""
    search_page(view, "mpb", 0, last=True)
    assert plan_discovery(outlook(view)) == []


def test_finished_sweep_begins_anew(view):
    """Yesterday's finished sweep begins again today at offset 0."""
    search_page(view, "mpb", 0, sweep=date(2026, 3, 9), last=True)
    assert offsets(plan_discovery(outlook(view))) == [("mpb", 0, 10)]


def test_gap_is_asked_again(view):
    """A page that failed between two committed ones is found and asked."""
    search_page(view, "mpb", 0)
    search_page(view, "mpb", 20)
    search_page(view, "mpb", 30, returned=5, last=True)
    assert offsets(plan_discovery(outlook(view))) == [("mpb", 10, 10)]


def test_cap_ends_the_sweep(view):
    """Nothing is asked at offset 1,000 or beyond, whatever the total claims."""
    for offset in range(0, 1000, 50):
        search_page(view, "mpb", offset, total=5_000, returned=50, limit=50)
    assert plan_discovery(outlook(view, EXTENDED)) == []


def test_rotation_prefers_the_longest_unasked(view):
    """Genres are asked in the order of their last sweep, never-asked ones first, within the allowance."""
    search_page(view, "samba", 0, sweep=date(2026, 3, 8), last=True)
    search_page(view, "axé", 0, sweep=date(2026, 3, 7), last=True)
    items = plan_discovery(outlook(view, genres=("samba", "axé", "choro"), allowance=2))
    assert [item.label for item in items] == ["choro", "axé"]


def test_allowance_is_not_exceeded(view):
    """Certain calls and following pages together stay within the allowance."""
    items = plan_discovery(outlook(view, genres=tuple("abcdefgh"), allowance=20))
    assert sum(item.max_requests for item in items) <= 20


def artist(view, artist_id, seen=None):
    """A known artist, seen on a day."""
    view.execute(
        "INSERT INTO live_artists BY NAME SELECT ? AS artist_id, ? AS name, ? AS observed_on",
        [artist_id, artist_id.upper(), seen],
    )
    if seen:
        view.execute(
            "INSERT INTO live_artist_snapshots BY NAME SELECT ? AS artist_id, ? AS observed_on", [artist_id, seen]
        )


def test_artists_seen_today_rest(view):
    """Only artists without a snapshot today are asked, oldest first, fifty to a call where calls take fifty."""
    artist(view, "a", TODAY), artist(view, "b", date(2026, 3, 9)), artist(view, "c", date(2026, 3, 1))
    (item,) = plan_artists(outlook(view, EXTENDED))
    assert item.label == "C +1"
    assert item.calls[0].params == {"ids": ["c", "b"]}


def test_nameless_items_show_ids(view):
    """Artists known by their ids alone, and a release without a title, are told by id until their names have come."""
    view.execute("INSERT INTO live_artists BY NAME SELECT unnest(['a', 'b']) AS artist_id")
    view.execute("INSERT INTO live_releases BY NAME SELECT 'r' AS album_id")
    planned = [*plan_artists(outlook(view)), *plan_releases(outlook(view)), *plan_albums(outlook(view))]
    assert [item.label for item in planned] == ["a +1", "a +1", "r"]


def test_artists_without_numbers_age(view):
    """Where the source withholds followers, an artist is asked again only after thirty days."""
    artist(view, "b", date(2026, 3, 1)), artist(view, "c", date(2026, 2, 1))
    assert [call.params for item in plan_artists(outlook(view)) for call in item.calls] == [{"id": "c"}]


def release_page(view, artist_id, group, offset, *, on=TODAY, total=3, returned=3, last=True):
    """A committed page of an artist's releases."""
    view.execute(
        "INSERT INTO live_release_pages BY NAME SELECT ? AS artist_id, ? AS observed_on, ? AS album_group, "
        "? AS page_offset, ? AS total, ? AS returned, ? AS last_page",
        [artist_id, on, group, offset, total, returned, last],
    )


def release_calls(view, **changes):
    """Parameters of every planned call for releases."""
    return [dict(call.params) for item in plan_releases(outlook(view, EXTENDED, **changes)) for call in item.calls]


def test_groups_are_asked_apart(view):
    """Singles and albums are two calls, since albums would hide new singles."""
    artist(view, "a")
    assert release_calls(view) == [
        {"artist_id": "a", "group": "single", "offset": 0, "limit": 50},
        {"artist_id": "a", "group": "album,compilation", "offset": 0, "limit": 50},
    ]


def test_half_read_releases_go_on(view):
    """A list that stopped after a page goes on at the next; a group read today is not asked."""
    artist(view, "a")
    release_page(view, "a", "single", 0)
    release_page(view, "a", "album,compilation", 0, total=70, returned=50, last=False)
    assert release_calls(view) == [{"artist_id": "a", "group": "album,compilation", "offset": 50, "limit": 50}]


def test_known_total_is_told(view):
    """A list read to its end before is asked from the start, with the total at which the first page is enough."""
    artist(view, "a")
    release_page(view, "a", "single", 0, on=date(2026, 3, 9))
    assert release_calls(view)[0] == {"artist_id": "a", "group": "single", "offset": 0, "limit": 50, "known_total": 3}


def test_unread_artists_come_first(view):
    """Artists whose releases were never read come before those read long ago."""
    artist(view, "a"), artist(view, "b")
    (
        release_page(view, "a", "single", 0, on=date(2026, 3, 1)),
        release_page(view, "a", "album,compilation", 0, on=date(2026, 3, 1)),
    )
    assert [call["artist_id"] for call in release_calls(view)] == ["b", "b", "a", "a"]


def read_releases(view, artist_id, days_ago):
    """An artist whose releases were read whole so many days ago."""
    artist(view, artist_id)
    for group in ("single", "album,compilation"):
        release_page(view, artist_id, group, 0, on=TODAY - timedelta(days_ago))


def test_followed_artists_come_first(view):
    """Releases of the followed come before all when unread for a week or ever, else among those read as long ago."""
    for artist_id, days_ago in {"a": 9, "b": 3, "c": 3, "d": 7, "e": 0, "f": 6}.items():
        read_releases(view, artist_id, days_ago)
    artist(view, "g"), artist(view, "h")
    for followed, order in (((), "ghadfbc"), (("c", "d", "e", "f", "h", "unknown"), "hdgafcb")):
        asked = [call["artist_id"] for call in release_calls(view, followed=dict.fromkeys(followed, ""))]
        assert "".join(dict.fromkeys(asked)) == order


def test_unknown_artists_are_left_out(view):
    """Whom the source did not know lately is asked of neither for details nor for releases, followed or not."""
    for name in "ab":
        artist(view, name)
    assert {call["artist_id"] for call in release_calls(view, followed={"a": ""}, unknown=("a", "c"))} == {"b"}
    (item,) = plan_artists(outlook(view, EXTENDED, followed={"a": ""}, unknown=("a", "c")))
    assert item.calls[0].params["ids"] == ["b"]


def test_followed_by_id_alone_is_asked(view):
    """Of whom only the list knows is asked before all others, unless the source did not know that id lately."""
    artist(view, "a", TODAY - timedelta(10))
    for unknown, asked in (((), ["new", "a"]), (("new",), ["a"])):
        (item,) = plan_artists(outlook(view, EXTENDED, followed={"new": "Nova", "a": "Antiga"}, unknown=unknown))
        assert item.calls[0].params["ids"] == asked


def test_names_of_the_list_stand_in_items(view):
    """An item is named as people know the artist: by its own name, else by that of the list, else by the id."""
    artist(view, "known", TODAY - timedelta(10))
    for artist_id in ("bare", "listed"):
        view.execute("INSERT INTO live_artists (artist_id, observed_on) VALUES (?, ?)", [artist_id, TODAY])
    whom = {"known": "Another", "listed": "Nova", "new": "Novíssima"}
    alone = outlook(view, replace(EXTENDED, artists_per_call=1), followed=whom, workers=4, least_calls=1)
    assert [item.label for item in plan_artists(alone)] == ["Nova", "Novíssima", "bare", "KNOWN"]
    assert [item.label for item in plan_artists(outlook(view, EXTENDED, followed=whom))] == ["Nova +3"]
    (item,) = plan_releases(outlook(view, EXTENDED, followed={"listed": "Nova"}))
    assert item.label == "Nova +2"


def test_followed_details_come_first(view):
    """Of artists seen equally long ago the followed are asked for first; who was seen earlier stays before them."""
    for artist_id, days_ago in {"a": 2, "b": 1, "c": 1, "d": 0}.items():
        artist(view, artist_id, TODAY - timedelta(days_ago))
    (item,) = plan_artists(outlook(view, EXTENDED, followed={"c": "", "d": ""}))
    assert item.calls[0].params == {"ids": ["a", "c", "b"]}


def release(view, album_id, released):
    """A known release."""
    view.execute(
        "INSERT INTO live_releases BY NAME SELECT ? AS album_id, ? AS name, ? AS release_date",
        [album_id, album_id, released],
    )


def test_new_releases_are_read_first(view):
    """Tracks are asked for the newest release first, one album a call in development; whole ones rest."""
    (
        release(view, "old", date(2001, 1, 1)),
        release(view, "new", date(2026, 3, 6)),
        release(view, "done", date(2026, 3, 7)),
    )
    view.execute(
        "INSERT INTO live_album_pages BY NAME "
        "SELECT 'done' AS album_id, 0 AS page_offset, 9 AS returned, true AS last_page"
    )
    (item,) = plan_albums(outlook(view))
    assert [dict(call.params) for call in item.calls] == [{"id": "new"}, {"id": "old"}]


def test_long_album_goes_on(view):
    """An album of which only the embedded page came goes on at the next page of tracks."""
    release(view, "long", date(2026, 1, 1))
    view.execute(
        "INSERT INTO live_album_pages BY NAME "
        "SELECT 'long' AS album_id, 0 AS page_offset, 50 AS returned, false AS last_page"
    )
    (item,) = plan_albums(outlook(view, EXTENDED))
    assert [(call.endpoint, dict(call.params)) for call in item.calls] == [
        ("album_tracks", {"album_id": "long", "offset": 50, "limit": 50})
    ]


def test_settled_calls_are_left_out(view):
    """A call that this run was answered, or asked in vain, is not planned again."""
    (item,) = plan_discovery(outlook(view))
    assert plan_discovery(outlook(view, settled={call_key(item.calls[0])})) == []


def test_slow_source_is_planned_still():
    """Where answers take so long that no item is too small, the last rows are one by one, and there is an end."""
    chunks = list(_tapered(range(7), 3, workers=4, least=0))
    assert [len(chunk) for chunk in chunks] == [1] * 7
