"""Which requests a batch makes: following pages, the search cap, tracks that an album did not embed."""

from __future__ import annotations

import pytest

from pipeline.source.calls import Batch, Call, RawBatch
from pipeline.source.collect import collect
from tests.loopback import Asked, Sent, asking

ADDRESS = "http://127.0.0.1/v1/next"


def batch(*calls: Call, most: int = 1_000) -> Batch:
    """A batch of these calls."""
    return Batch("run", "discover-0001", "discover", "mpb", 1, calls, most)


def search(offset: int = 0, limit: int = 10, **more: object) -> Call:
    """A search for mpb."""
    return Call("search", {"genre": "mpb", "offset": offset, "limit": limit, "sweep_on": "2026-03-01", **more})


def releases(offset: int = 0, **more: object) -> Call:
    """The singles of one artist."""
    return Call("artist_albums", {"artist_id": "a1", "group": "single", "offset": offset, "limit": 10, **more})


def pages(script, *calls: Call, most: int = 1_000) -> tuple[RawBatch, list[tuple[int, int]]]:
    """The batch collected, and (offset, limit) of each request."""
    with asking(lambda asked: Sent(script(asked))) as (server, source):
        raw = collect(batch(*calls, most=most), source)
    return raw, [(int(asked.query["offset"]), int(asked.query["limit"])) for asked in server.asked]


def artists(count: int, *, more: bool = True, total: int = 900):
    """A page of a search."""
    items = [{"id": f"a{number}"} for number in range(count)]
    return {"artists": {"items": items, "next": ADDRESS if more else None, "total": total}}


def ends_at(offset: int):
    """A script whose pages are full and end at an offset."""
    return lambda asked: artists(10, more=int(asked.query["offset"]) < offset)


def test_pages_are_followed():
    """A search is read to its end, each page once."""
    raw, asked = pages(ends_at(30), search())
    assert asked == [(0, 10), (10, 10), (20, 10), (30, 10)]
    assert (raw.lines, raw.requests, raw.left, raw.failures, raw.error) == (4, 4, (), (), None)


def test_kept_offset_is_continued():
    """A sweep goes on where it stopped."""
    assert pages(ends_at(30), search(20))[1] == [(20, 10), (30, 10)]


@pytest.mark.parametrize(
    ("call", "asked"),
    [
        (search(980, 10), [(980, 10), (990, 10)]),
        (search(950, 50), [(950, 50)]),
        (search(980, 7), [(980, 7), (987, 7), (994, 6)]),
    ],
)
def test_cap_ends_search(call, asked):
    """No artist beyond the thousandth is asked for, though `next` goes on for ever."""
    assert pages(lambda _: artists(10), call)[1] == asked


def test_short_page_goes_on():
    """A page shorter than its limit is followed at offset plus limit, while `next` is there."""

    def script(asked: Asked):
        return artists(3, more=asked.query["offset"] != "20", total=int(asked.query["offset"]))

    assert pages(script, search())[1] == [(0, 10), (10, 10), (20, 10)]


def test_empty_page_ends():
    """An empty page ends the search, whatever it says of more."""
    assert pages(lambda asked: artists(0 if asked.query["offset"] == "10" else 10), search())[1] == [(0, 10), (10, 10)]


def test_page_of_nulls_goes_on():
    """Null items are items."""

    def script(asked: Asked):
        return {"artists": {"items": [None] * 10, "next": ADDRESS if asked.query["offset"] == "0" else None}}

    assert pages(script, search())[1] == [(0, 10), (10, 10)]


def test_unfollowed_call_stays_alone():
    """Pages that are asked one by one bring no others."""
    assert pages(lambda _: artists(10), search(0, follow=False), search(50, follow=False))[1] == [(0, 10), (50, 10)]


def test_releases_are_followed():
    """An artist's releases are read to their end, in their group."""

    def script(asked: Asked):
        assert asked.query["include_groups"] == "single"
        return {"items": [{"id": "b1"}] * 10, "next": ADDRESS if asked.query["offset"] != "20" else None, "total": 25}

    assert pages(script, releases())[1] == [(0, 10), (10, 10), (20, 10)]


@pytest.mark.parametrize(
    ("known_total", "asked"), [(25, [(0, 10)]), (24, [(0, 10), (10, 10)]), (None, [(0, 10), (10, 10)])]
)
def test_known_total_ends_releases(known_total, asked):
    """A total that has not changed ends the reading after the first page."""
    script = lambda asked: {"items": [{}], "next": ADDRESS if asked.query["offset"] == "0" else None, "total": 25}  # noqa: E731
    assert pages(script, releases(known_total=known_total))[1] == asked


def album(album_id: str, *, more: bool, limit: object = 50):
    """An album with embedded tracks."""
    tracks = {"items": [{"id": "t"}] * 50, "next": ADDRESS if more else None, "limit": limit, "total": 120}
    return {"id": album_id, "tracks": tracks}


def tracks(asked: Asked):
    """A page of tracks of an album of 120."""
    return {"items": [{"id": "t"}] * 20, "next": ADDRESS if asked.query["offset"] == "50" else None}


@pytest.mark.parametrize("limit", [50, None, 0, "fifty", 10**9])
def test_long_album_is_completed(limit):
    """Tracks that the album did not embed are asked for, page by page."""
    script = lambda asked: tracks(asked) if "tracks" in asked.path else album("b1", more=True, limit=limit)  # noqa: E731
    with asking(lambda asked: Sent(script(asked))) as (server, source):
        raw = collect(batch(Call("album", {"id": "b1"})), source)
    assert [(asked.path, asked.query.get("offset")) for asked in server.asked] == [
        ("/v1/albums/b1", None),
        ("/v1/albums/b1/tracks/", "50"),
        ("/v1/albums/b1/tracks/", "100"),
    ]
    assert raw.lines == 3


def test_albums_are_completed_each():
    """Of several albums in one answer, those that are longer get their own requests; null albums are passed over."""
    body = {"albums": [album("b1", more=False), None, album("b3", more=True), album("b4", more=True)]}
    script = lambda asked: {"items": []} if "tracks" in asked.path else body  # noqa: E731
    with asking(lambda asked: Sent(script(asked))) as (server, source):
        collect(batch(Call("albums", {"ids": ["b1", "b2", "b3", "b4"]})), source)
    assert [asked.path for asked in server.asked] == ["/v1/albums/", "/v1/albums/b3/tracks/", "/v1/albums/b4/tracks/"]


def test_pages_come_before_other_calls():
    """The pages of a call are read before the next call, so that what is left is a tail."""
    raw, asked = pages(ends_at(20), search(), search(500), most=4)
    assert asked == [(0, 10), (10, 10), (20, 10), (500, 10)]
    assert (raw.left, raw.error) == ((), None)


def test_most_requests_end_batch():
    """The batch stops at its most requests, without an error, and names the calls it leaves."""
    raw, asked = pages(ends_at(500), search(), search(500), most=3)
    assert asked == [(0, 10), (10, 10), (20, 10)]
    assert (raw.left, raw.error, raw.requests) == ((search(30), search(500)), None, 3)
