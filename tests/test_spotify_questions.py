"""How calls look on the wire, and which never get there."""

from __future__ import annotations

import pytest

from pipeline.errors import BadRequest
from pipeline.source.calls import Call
from tests.loopback import CountingGate, Sent, asking


@pytest.mark.parametrize(
    ("call", "path", "query"),
    [
        (
            Call("search", {"genre": "bossa nova", "offset": 40, "limit": 10, "sweep_on": "2026-03-01"}),
            "/v1/search",
            {"q": 'genre:"bossa nova"', "type": "artist", "limit": "10", "offset": "40"},
        ),
        (Call("artist", {"id": "a1"}), "/v1/artists/a1", {}),
        (Call("artists", {"ids": ["a1", "a2"]}), "/v1/artists/", {"ids": "a1,a2"}),
        (
            Call("artist_albums", {"artist_id": "a1", "group": "album,compilation", "offset": 0, "limit": 10}),
            "/v1/artists/a1/albums",
            {"include_groups": "album,compilation", "limit": "10", "offset": "0"},
        ),
        (Call("album", {"id": "b1"}), "/v1/albums/b1", {}),
        (Call("albums", {"ids": ["b1", "b2"]}), "/v1/albums/", {"ids": "b1,b2"}),
        (
            Call("album_tracks", {"album_id": "b1", "offset": 50, "limit": 50}),
            "/v1/albums/b1/tracks/",
            {"limit": "50", "offset": "50"},
        ),
    ],
    ids=lambda value: value.endpoint if isinstance(value, Call) else "",
)
def test_call_on_the_wire(call, path, query):
    """Each call is one request with offset and limit spelt out."""
    with asking(Sent({})) as (server, source):
        source.fetch(call)
    assert [(asked.method, asked.path, asked.query) for asked in server.asked] == [("GET", path, query)]


@pytest.mark.parametrize(
    ("genre", "query"),
    [
        ('say "samba"', 'genre:"say samba"'),
        ('x" OR year:2026 "', 'genre:"x OR year:2026"'),
        ("r&b = 100% #1 + ?", 'genre:"r&b = 100% #1 + ?"'),
        ("forró\nde\tserra\x00", 'genre:"forró de serra"'),
        ("back\\slash", 'genre:"back slash"'),
        ("lone \ud800 half", 'genre:"lone half"'),
    ],
)
def test_genre_stays_quoted(genre, query):
    """Whatever a genre is called, it cannot end its own quotation nor the query."""
    with asking(Sent({})) as (server, source):
        source.fetch(Call("search", {"genre": genre, "offset": 0, "limit": 10}))
    assert server.asked[0].query["q"] == query


PAGE = {"offset": 0, "limit": 10}


@pytest.mark.parametrize(
    "call",
    [
        Call("artist", {"id": "../../etc/passwd"}),
        Call("artist", {"id": "a1?market=BR"}),
        Call("artist", {"id": "a1\n"}),
        Call("artist", {"id": "spotify:album:a1"}),
        Call("artist", {"id": ""}),
        Call("artist", {"id": "é"}),
        Call("artist", {"id": "a" * 65}),
        Call("artist", {"id": None}),
        Call("artist", {}),
        Call("artists", {"ids": []}),
        Call("artists", {"ids": ["a"] * 51}),
        Call("artists", {"ids": ["a1", "a,2"]}),
        Call("artists", {"ids": "a1"}),
        Call("albums", {"ids": ["b"] * 21}),
        Call("artist_albums", {"artist_id": "a1", "group": "album,bootleg", **PAGE}),
        Call("artist_albums", {"artist_id": "a1", **PAGE}),
        Call("search", {"genre": ' "" ', **PAGE}),
        Call("search", {"genre": "x" * 101, **PAGE}),
        Call("search", {"genre": 7, **PAGE}),
        Call("search", {"genre": "mpb"}),
        Call("search", {"genre": "mpb", "offset": -1, "limit": 10}),
        Call("search", {"genre": "mpb", "offset": 0, "limit": 51}),
        Call("search", {"genre": "mpb", "offset": 0, "limit": "10"}),
        Call("search", {"genre": "mpb", "offset": True, "limit": 10}),
        Call("recommendations", {}),
        Call("__class__", {}),
    ],
    ids=str,
)
def test_bad_call_is_not_sent(call):
    """A call that cannot be meant is refused before anything is sent, not even a ticket taken."""
    gate = CountingGate()
    with asking(Sent({}), gate) as (server, source), pytest.raises(BadRequest, match="It was not sent"):
        source.fetch(call)
    assert (server.asked, server.tokens, gate.tickets) == ([], [], [])


def test_bad_value_is_named():
    """The message shows the value, readable and short."""
    with asking(Sent({})) as (_, source), pytest.raises(BadRequest) as caught:
        source.fetch(Call("artist", {"id": "\x1b[31m" + "x" * 1_000_000}))
    assert str(caught.value).startswith("artist '\\x1b[31mxxxx")
    assert len(str(caught.value)) < 350
