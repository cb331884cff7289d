"""What is not as documented: a typed row, or a counted reject with line and reason; the rest of the batch is kept."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from pipeline.lake.normalize import MAX_REJECTS, Normalizer
from pipeline.lake.walk import MAX_TEXT
from tests.payloads import album, albums_line, artist, line, normalized, payload, rows, search_line

HUGE = "x" * 1_000_000


NAME, COUNT = "Artist a1", "is not from 0 to 1099511627776"
# What stands in a field: the name, image, followers and popularity it leaves, and the reason that is told, if any.
ODD_FIELDS: list[tuple[dict[str, object], tuple[object, ...], str]] = [
    ({"name": None}, (None, None, 10, 5), ""),
    ({"name": 1975}, ("1975", None, 10, 5), ""),
    ({"name": True}, ("true", None, 10, 5), ""),
    ({"name": "[b]"}, ("[b]", None, 10, 5), ""),
    ({"name": ["x"]}, (None, None, 10, 5), ".name: a list where text belongs"),
    ({"name": {"x": 1}}, (None, None, 10, 5), ".name: an object where text belongs"),
    ({"followers": None}, (NAME, None, None, 5), ""),
    ({"followers": {"total": "12"}}, (NAME, None, 12, 5), ""),
    ({"followers": {"total": 12.7}}, (NAME, None, 13, 5), ""),
    ({"followers": {"total": "12.5"}}, (NAME, None, 13, 5), ""),
    ({"followers": {"total": "many"}}, (NAME, None, None, 5), f".followers.total: 'many' {COUNT}"),
    ({"followers": {"total": 2**63}}, (NAME, None, None, 5), f".followers.total: 9223372036854775808 {COUNT}"),
    ({"followers": {"total": 2**40}}, (NAME, None, 2**40, 5), ""),
    ({"followers": {"total": 2**40 + 1}}, (NAME, None, None, 5), f".followers.total: 1099511627777 {COUNT}"),
    ({"followers": {"total": 1e300}}, (NAME, None, None, 5), f".followers.total: 1e+300 {COUNT}"),
    ({"followers": {"total": -1}}, (NAME, None, None, 5), f".followers.total: -1 {COUNT}"),
    ({"followers": {"total": []}}, (NAME, None, None, 5), f".followers.total: a list {COUNT}"),
    ({"followers": 7}, (NAME, None, None, 5), ".followers: 7 where an object belongs"),
    ({"popularity": 101}, (NAME, None, 10, None), ".popularity: 101 is not from 0 to 100"),
    ({"popularity": "high"}, (NAME, None, 10, None), ".popularity: 'high' is not from 0 to 100"),
    ({"images": {}}, (NAME, None, 10, 5), ".images: an object where a list belongs"),
    ({"images": [{"url": "file:///x"}]}, (NAME, None, 10, 5), ".images[].url: 'file:///x' is not usable there"),
    ({"images": [None, {"url": "https://x"}]}, (NAME, None, 10, 5), ""),
    ({"external_urls": "x"}, (NAME, None, 10, 5), ".external_urls: 'x' where an object belongs"),
    ({"genres": "mpb"}, (NAME, None, 10, 5), ".genres: 'mpb' where a list belongs"),
    ({"genres": ["x"] * 60}, (NAME, None, 10, 5), ".genres: 60 entries, cut to 50"),
    ({"genres": ["x", "y\0"]}, (NAME, None, 10, 5), ".genres[]: characters that no text can hold, taken out"),
    ({"genres": ["x", "y" * 1_001]}, (NAME, None, 10, 5), ".genres[]: 1001 characters, cut to 1000"),
    ({"genres": ["x", {"y": 1}]}, (NAME, None, 10, 5), ".genres[]: an object where text belongs"),
]


@pytest.mark.parametrize(("fields", "kept", "reason"), ODD_FIELDS, ids=lambda value: repr(value)[:30])
def test_odd_field(tmp_path: Path, small: int, fields: dict[str, object], kept: tuple[object, ...], reason: str):
    """A field of another type is converted where it can only mean one thing, else it is NULL and told."""
    found = normalized(tmp_path, search_line({**artist("a1"), **fields}), small=small)
    row = rows(found, "artists", "name", "image_url") + rows(found, "artist_snapshots", "followers", "popularity")
    assert sum(row, ()) == kept
    assert found.rejects == (((1, f"search.artists.items[]{reason}"),) if reason else ())


@pytest.mark.parametrize("given", ["", "../etc", "a b", "x" * 65, "ä", ["a1"], None], ids=repr)
def test_odd_id(tmp_path: Path, given: object):
    """An object without an id of Spotify's alphabet is no row; the others are."""
    found = normalized(tmp_path, search_line({**artist("a1"), "id": given}, artist("a2")))
    assert rows(found, "artists", "artist_id") == [("a2",)]
    assert found.rejects[-1] == (1, "search.artists.items[]: no usable id")


@pytest.mark.parametrize(
    ("given", "kept", "reason"),
    [
        ("a\u0007\u202eb\n", "a\u0007\u202eb\n", None),
        ("=cmd|' /C calc'!A0", "=cmd|' /C calc'!A0", None),
        ("<script>alert(1)</script>", "<script>alert(1)</script>", None),
        ("nul\u0000l", "null", "characters that no text can hold, taken out"),
        ("half \ud83d pair", "half \ufffd pair", "characters that no text can hold, taken out"),
        ("whole \ud83d\ude00 pair", "whole 😀 pair", None),
        (HUGE, "x" * MAX_TEXT, f"1000000 characters, cut to {MAX_TEXT}"),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_hostile_name(tmp_path: Path, small: int, given: str, kept: str, reason: str | None):
    """Text stays as it is, but for what no column can hold and what no name needs."""
    found = normalized(tmp_path, json.dumps(search_line(artist("a1", name=given))), small=small)
    assert rows(found, "artists", "name") == [(kept,)]
    assert [text for _, text in found.rejects] == ([f"search.artists.items[].name: {reason}"] if reason else [])


SEARCH = {"genre": "mpb", "offset": 0, "sweep_on": "2026-11-22"}
BAD_LINES: dict[str, tuple[object, str]] = {
    "words": ("not json", "the line is not JSON"),
    "torn": ('{"endpoint": "search", ', "the line is not JSON"),
    "long number": ("9" * 5_000, "the line is not JSON"),
    "deep": ("[" * 100_000, "the line is not JSON"),
    "not UTF-8": (b'\xff\xfe{"a"}', "the line is not JSON"),
    "null": ("null", "the line is not an object"),
    "list": ("[]", "the line is not an object"),
    "strange endpoint": ({"endpoint": "episodes"}, "the endpoint is unknown"),
    "endpoint of another type": ({"endpoint": ["search"]}, "the endpoint is unknown"),
    "unparsed": ({"endpoint": "search", "unparsed": "<html>"}, "search: the answer is not JSON"),
    "no answer": (line("search", None, **SEARCH), "search: the answer holds no objects"),
    "no items": (line("search", {"artists": {"items": None}}, **SEARCH), "search: the answer holds no objects"),
    "no sweep": (
        line("search", {"artists": {"items": []}}, genre="mpb", offset=0),
        "search: no usable request.sweep_on",
    ),
    "no artist": (line("artist", None), "artist: the answer holds no objects"),
    "no album": (line("album_tracks", {"items": []}), "album_tracks: no usable request.album_id, request.offset"),
    "no instant": ({**line("artist", artist("a2")), "fetched_at": None}, "artist: no usable fetched_at"),
}


@pytest.mark.parametrize(("bad", "reason"), BAD_LINES.values(), ids=BAD_LINES)
def test_bad_line_is_told(tmp_path: Path, small: int, bad: object, reason: str):
    """A line of which nothing can be used is a reject with its number; the lines around it are rows."""
    found = normalized(tmp_path, search_line(artist("a1")), bad, search_line(artist("a3")), small=small)
    assert rows(found, "artists", "artist_id") == [("a1",), ("a3",)]
    assert found.rejects == ((2, reason),)


@pytest.mark.parametrize("begin", ["", "x"])
def test_long_text_instead_of_an_artist(tmp_path: Path, small: int, begin: str):
    """A text that DuckDB cuts within a letter when it complains of it is a reject as any other."""
    found = normalized(tmp_path, search_line(artist("a1")), line("artist", begin + "é" * 800), small=small)
    assert rows(found, "artists", "artist_id") == [("a1",)]
    assert found.rejects[1:] == ((2, "artist: the answer holds no objects"),)


def test_null_items_are_told(tmp_path: Path, small: int):
    """Unknown ids answered with null are rejects; the page still counts them."""
    found = normalized(tmp_path, search_line(artist("a1"), None, artist("a2")), small=small)
    assert rows(found, "search_pages", "returned") == [(3,)]
    assert rows(found, "artists", "artist_id") == [("a1",), ("a2",)]
    assert found.rejects == ((1, "search.artists.items[]: null"),)


def test_credit_without_id_is_told(tmp_path: Path, small: int):
    """A credit nobody can follow is dropped; places of the others stay."""
    item = album("b1", artists=[{"name": "Nobody"}, {"id": "a1", "name": "Somebody"}])
    found = normalized(tmp_path, albums_line(item), small=small)
    assert rows(found, "release_artists", "artist_id", "position") == [("a1", 1)]
    assert found.rejects == ((1, "artist_albums.items[].artists[]: no usable id"),)


def test_many_rejects_are_shortened(tmp_path: Path):
    """A file that is all wrong does not fill the ledger."""
    found = normalized(tmp_path, *["x"] * (MAX_REJECTS + 5))
    assert (len(found.rejects), found.rejects[-1]) == (MAX_REJECTS, (0, "and 6 more"))


@pytest.mark.parametrize("keep", [0.6, 0.0], ids=["torn", "empty"])
def test_torn_file_gives_its_beginning(tmp_path: Path, small: int, keep: float):
    """A file that ends early gives the lines that are whole, and says where it ends."""
    path = tmp_path / "raw.jsonl.zst"
    whole = payload(*(search_line(artist(f"a{n}", name=f"{n * 7919 % 10007}" * 50)) for n in range(3_000)))
    path.write_bytes(whole[: int(len(whole) * keep)])
    found = Normalizer(small).tables([path])
    assert 0 <= len(rows(found, "artists")) < 3_000
    assert all("unpacked" in reason or "JSON" in reason for _, reason in found.rejects)


def test_broken_sql_keeps_the_batch(tmp_path: Path):
    """Should a statement fail, that is a reject too: what was received is kept, and can be read another day."""
    normalizer = Normalizer()
    normalizer._walking._prepared.add("releases_release_artists_release_pages_from_album")  # nobody has prepared it
    path = tmp_path / "raw.jsonl.zst"
    path.write_bytes(payload(albums_line(album("b1"))))
    found = normalizer.tables([path])
    assert (found.tables, [line for line, _ in found.rejects]) == ({}, [0])
    assert "could not be normalized (" in found.rejects[0][1]


def test_long_list_is_cut(tmp_path: Path, small: int):
    """An artist with more genres than anybody has keeps the first fifty."""
    found = normalized(tmp_path, search_line(artist("a1", genres=[f"g{n:02d}" for n in range(60)])), small=small)
    assert rows(found, "artists", "genres") == [([f"g{n:02d}" for n in range(50)],)]
    assert [reason for _, reason in found.rejects] == ["search.artists.items[].genres: 60 entries, cut to 50"]


@pytest.mark.parametrize(
    ("text", "precision", "day"),
    [
        ("2021-05-17", "day", date(2021, 5, 17)),
        ("2021-05", "month", date(2021, 5, 1)),
        ("2021", "year", date(2021, 1, 1)),
        ("2024-02-29", "day", date(2024, 2, 29)),
        ("2023-02-29", "day", None),
        ("0000", "year", None),
        ("0000-00-00", "day", None),
        ("2021-13", "month", None),
        ("2021-05-17", None, date(2021, 5, 17)),
        ("soon", "day", None),
        ("", "day", None),
        (" 2021", "year", None),
        ("20210517", "day", None),
        ("12021-05-17", "day", None),
        (None, None, None),
        (2021, "year", date(2021, 1, 1)),
    ],
)
def test_release_date(tmp_path: Path, small: int, text: object, precision: str | None, day: date | None):
    """The date is the first day the text can mean, NULL where it means none; the text stays as given."""
    item = album("b1", release_date=text, release_date_precision=precision)
    found = normalized(tmp_path, albums_line(item), small=small)
    kept = None if text is None else str(text)
    columns = ("release_date", "release_date_text", "release_date_precision")
    assert rows(found, "releases", *columns) == [(day, kept, precision)]
    assert found.rejects == ()
