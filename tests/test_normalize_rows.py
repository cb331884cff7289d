"""This JSON becomes these rows: every column of every lake table, from hand-made answers of each endpoint."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from pipeline.lake.normalize import Normalizer
from tests.payloads import album, albums_line, artist, data, line, normalized, payload, rows, search_line

DAY = date(2026, 11, 22)
LUA, RIO, ECO = "Lua0000000000000000001", "Rio0000000000000000002", "Eco0000000000000000003"
SINGLE, FIRST, LONG = "Alb0000000000000000001", "Alb0000000000000000002", "Alb0000000000000000003"
TRACKS = ["Tra0000000000000000001", "Tra0000000000000000002", "Tra0000000000000000003"]
ARTIST_URL, ALBUM_URL, TRACK_URL = (f"https://open.spotify.com/{kind}/" for kind in ("artist", "album", "track"))
IMAGE = "https://i.scdn.co/image/"


def found_in_search(folder: Path, small: int):
    """What the hand-made page of a search becomes."""
    page = line("search", data("search_page"), genre="Bossa Nova ", offset=0, limit=3, sweep_on="2026-11-21")
    return normalized(folder, page, small=small)


def test_search_gives_artists(tmp_path: Path, small: int):
    """Attributes as answered, genres sorted and once each; a withheld field is NULL, an empty list stays one."""
    assert rows(found_in_search(tmp_path, small), "artists") == [
        (ECO, DAY, "Ẽco & the 河", None, IMAGE + "eco320", ARTIST_URL + ECO),
        (LUA, DAY, "Lua de Vidro", ["bossa nova", "samba"], IMAGE + "lua640", ARTIST_URL + LUA),
        (RIO, DAY, "Rio Contrário", [], None, ARTIST_URL + RIO),
    ]


def test_search_gives_numbers(tmp_path: Path, small: int):
    """Followers and popularity per artist and day; withheld ones are NULL, zero stays zero."""
    found = found_in_search(tmp_path, small)
    assert rows(found, "artist_snapshots") == [(ECO, DAY, None, None), (LUA, DAY, 120345, 61), (RIO, DAY, 87, 0)]


def test_search_gives_genres(tmp_path: Path, small: int):
    """The genre we asked for is provenance of its own beside those Spotify gives."""
    assert rows(found_in_search(tmp_path, small), "artist_genres") == [
        (ECO, DAY, "bossa nova", "search"),
        (LUA, DAY, "bossa nova", "search"),
        (LUA, DAY, "bossa nova", "spotify"),
        (LUA, DAY, "samba", "spotify"),
        (RIO, DAY, "bossa nova", "search"),
    ]


def test_search_gives_its_page(tmp_path: Path, small: int):
    """Where a sweep stands: what was asked, what came, and that more follows."""
    found = found_in_search(tmp_path, small)
    assert rows(found, "search_pages") == [("bossa nova", DAY, date(2026, 11, 21), 0, 3, 412, 3, False)]
    assert (found.rejects, found.rows) == ((), 3 + 3 + 5 + 1)


@pytest.mark.parametrize(
    ("page", "offset", "last"),
    [({"next": "https://x"}, 0, False), ({"next": None}, 0, True), ({"next": "https://x"}, 950, True)],
)
def test_last_page_of_a_search(tmp_path: Path, small: int, page: dict[str, object], offset: int, last: object):
    """A sweep ends where nothing follows, and at the cap of 1,000 even though `next` is still handed out."""
    found = normalized(tmp_path, search_line(artist("a1"), offset=offset, **page), small=small)
    assert rows(found, "search_pages", "page_offset", "last_page") == [(offset, last)]


def test_empty_page_ends_a_search(tmp_path: Path, small: int):
    """An unknown genre gives an empty page: a page row, and no artists."""
    found = normalized(tmp_path, search_line(next="https://x", total=0), small=small)
    assert list(found.tables) == ["search_pages"]
    assert rows(found, "search_pages", "returned", "last_page") == [(0, True)]


def test_artist_lists_give_artists(tmp_path: Path, small: int):
    """One artist and a list of them give the same rows, without a genre of our own."""
    one = line("artist", artist("a1", genres=["Samba"]), id="a1")
    many = line("artists", {"artists": [artist("a2")]}, ids=["a2"])
    found = normalized(tmp_path, one, many, small=small)
    assert rows(found, "artist_snapshots") == [("a1", DAY, 10, 5), ("a2", DAY, 10, 5)]
    assert rows(found, "artist_genres") == [("a1", DAY, "samba", "spotify")]


def test_artist_albums_give_releases(tmp_path: Path, small: int):
    """Simplified albums: what they leave out is NULL."""
    page = line("artist_albums", data("artist_albums_page"), artist_id=LUA, group="single", offset=0, limit=2)
    found = normalized(tmp_path, page, small=small)
    assert rows(found, "releases") == [
        (
            SINGLE, DAY, "Maré Alta", "single", date(2026, 11, 20), "2026-11-20", "day", 2, None, None, None,
            IMAGE + "alb640", ALBUM_URL + SINGLE,
        ),
        (
            FIRST, DAY, "Primeiro", "single", date(2009, 1, 1), "2009", "year", 1, None, None, None,
            None, ALBUM_URL + FIRST,
        ),
    ]  # fmt: skip
    assert rows(found, "release_pages") == [(LUA, DAY, "single", 0, 2, 2, True)]


def test_credits_are_no_artists(tmp_path: Path, small: int):
    """Artists credited on a release are credits in their order; only artists answered as such are artists."""
    page = line("artist_albums", data("artist_albums_page"), artist_id=LUA, group="single", offset=0, limit=2)
    found = normalized(tmp_path, page, small=small)
    assert rows(found, "release_artists") == [
        (SINGLE, ECO, DAY, 1, "Ẽco & the 河"),
        (SINGLE, LUA, DAY, 0, "Lua de Vidro"),
        (FIRST, LUA, DAY, 0, "Lua de Vidro"),
    ]
    assert set(found.tables) == {"releases", "release_artists", "release_pages"}


@pytest.mark.parametrize("endpoint", ["album", "albums"])
def test_full_album_gives_details(tmp_path: Path, small: int, endpoint: str):
    """A full album adds label, popularity and barcode, and its first tracks."""
    body = data("album") if endpoint == "album" else {"albums": [data("album")]}
    found = normalized(tmp_path, line(endpoint, body), small=small)
    assert rows(found, "releases") == [
        (
            LONG, DAY, "Três Marés", "album", date(2025, 3, 1), "2025-03", "month", 3, "Selo Areia", 44,
            "0790000000017", IMAGE + "tri640", ALBUM_URL + LONG,
        )
    ]  # fmt: skip
    assert rows(found, "tracks") == [
        (TRACKS[0], DAY, LONG, "Abertura", 1, 1, 201000, False, None, None, TRACK_URL + TRACKS[0]),
        (TRACKS[1], DAY, LONG, "Contramaré", 1, 2, 187500, True, "BRXXX2500002", 12, TRACK_URL + TRACKS[1]),
    ]
    assert rows(found, "track_artists", "track_id", "artist_id", "position") == [
        (TRACKS[0], LUA, 0), (TRACKS[1], LUA, 0), (TRACKS[1], RIO, 1),
    ]  # fmt: skip
    assert rows(found, "album_pages") == [(LONG, DAY, 0, 3, 2, False)]


def test_tracks_belong_to_what_was_asked(tmp_path: Path, small: int):
    """A page of tracks does not name its album: the request does."""
    page = line("album_tracks", data("album_tracks_page"), album_id=LONG, offset=2, limit=2)
    found = normalized(tmp_path, page, small=small)
    url = TRACK_URL + TRACKS[2]
    assert rows(found, "tracks") == [(TRACKS[2], DAY, LONG, "Vazante", 2, 1, 240000, False, None, None, url)]
    assert rows(found, "album_pages") == [(LONG, DAY, 2, 3, 1, True)]


def test_key_appears_once(tmp_path: Path, small: int):
    """The same artist on two pages is one row; the first page stands, the second adds what it did not know."""
    first = search_line(artist("a1", name="First", popularity=None), artist("a1", name="Again"))
    found = normalized(tmp_path, first, search_line(artist("a1", name="Second", popularity=9), offset=50), small=small)
    assert rows(found, "artists", "artist_id", "name") == [("a1", "First")]
    assert rows(found, "artist_snapshots") == [("a1", DAY, 10, 5)]


def test_full_and_simplified_album_meet(tmp_path: Path, small: int):
    """A release read in a list and by itself in one batch keeps the details of the full one."""
    full = line("album", album("b1", label="Selo", tracks={"items": [], "total": 0}))
    found = normalized(tmp_path, albums_line(album("b1", name="Plain")), full, small=small)
    assert rows(found, "releases", "album_id", "name", "label") == [("b1", "Plain", "Selo")]


def test_midnight_makes_two_days(tmp_path: Path, small: int):
    """The day is that of each answer: a batch over midnight has rows of both days."""
    found = normalized(tmp_path, search_line(artist("a1")), search_line(artist("a1"), day="2026-11-23"), small=small)
    assert rows(found, "artist_snapshots", "artist_id", "observed_on") == [("a1", DAY), ("a1", date(2026, 11, 23))]


@pytest.mark.parametrize("endpoint", ["search", "artist_albums", "album", "album_tracks"])
def test_documented_answers_need_no_walk(tmp_path: Path, endpoint: str):
    """The reader for much data takes answers as documented by itself."""
    body = data({"search": "search_page", "album": "album"}.get(endpoint, f"{endpoint}_page"))
    asked = {
        "genre": "mpb",
        "sweep_on": "2026-11-22",
        "artist_id": LUA,
        "group": "single",
        "album_id": LONG,
        "offset": 0,
    }
    path = tmp_path / "raw.jsonl.zst"
    path.write_bytes(payload(line(endpoint, body, **asked)))
    assert Normalizer(0)._read_strictly([path]) is not None


def test_request_may_be_absent(tmp_path: Path, small: int):
    """Answers that name their own objects need no request."""
    found = normalized(tmp_path, {**line("artists", {"artists": [artist("a1")]}), "request": None}, small=small)
    assert (rows(found, "artists", "artist_id"), found.rejects) == ([("a1",)], ())


@pytest.mark.parametrize(("total", "last"), [(12, True), (13, False)])
def test_known_total_ends_a_list(tmp_path: Path, small: int, total: int, last: bool):  # noqa: FBT001  a parameter
    """A first page whose total was known before is the last one to read; a total that changed is not."""
    page = albums_line(album("r1"), total=total, next="https://api.example/next")
    page["request"]["known_total"] = 12
    assert rows(normalized(tmp_path, page, small=small), "release_pages") == [("a1", DAY, "single", 0, total, 1, last)]
