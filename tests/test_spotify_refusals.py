"""What the source makes of an answer that is not 200."""

from __future__ import annotations

import pytest

from pipeline.errors import (
    ArtistNotFound,
    BadRequest,
    EndpointWithdrawn,
    GarimpoError,
    PremiumRequired,
    SourceUnavailable,
)
from pipeline.source.calls import Call
from tests.loopback import CountingGate, Sent, asking

ARTIST = Call("artist", {"id": "4Z8W4fKeB5YxbusRsdQVPb"})
ARTISTS = Call("artists", {"ids": ["4Z8W4fKeB5YxbusRsdQVPb"]})
SEARCH = Call("search", {"genre": "mpb", "offset": 0, "limit": 10, "sweep_on": "2026-03-01"})


def error(status: int, message: str) -> dict[str, object]:
    """An ordinary error body."""
    return {"error": {"status": status, "message": message}}


@pytest.mark.parametrize(
    ("call", "status", "body", "expected"),
    [
        (ARTIST, 404, error(404, "Resource not found"), ArtistNotFound),
        (ARTIST, 400, error(400, "invalid id"), BadRequest),
        (SEARCH, 400, error(400, "Invalid limit"), BadRequest),
        (SEARCH, 400, b"", BadRequest),
        (SEARCH, 404, error(404, "Not found."), BadRequest),
        (SEARCH, 418, b"teapot", BadRequest),
        (ARTISTS, 403, error(403, "Forbidden"), EndpointWithdrawn),
        (ARTISTS, 403, b"", EndpointWithdrawn),
        (ARTISTS, 404, error(404, "Service not found"), EndpointWithdrawn),
        (ARTIST, 403, b"Active premium subscription required for the owner of the app.", PremiumRequired),
        (ARTIST, 403, b"<html>Access denied</html>", SourceUnavailable),
        (ARTIST, 302, b"", SourceUnavailable),
        (ARTIST, 408, b"", SourceUnavailable),
        (ARTIST, 500, error(500, "Server error."), SourceUnavailable),
        (ARTIST, 502, b"<html>Bad Gateway</html>", SourceUnavailable),
        (ARTIST, 599, b"", SourceUnavailable),
    ],
)
def test_status_decides_class(call, status, body, expected):
    """Every refusal becomes the class of errors that says what to do, whatever its body looks like."""
    with asking(Sent(body, status)) as (_, source), pytest.raises(GarimpoError) as caught:
        source.fetch(call)
    assert type(caught.value) is expected


def test_message_names_artist():
    """The message names the id, what the source said, what state things are in."""
    with asking(Sent(error(404, "Resource not found"), 404)) as (_, source), pytest.raises(ArtistNotFound) as caught:
        source.fetch(ARTIST)
    assert str(caught.value) == (
        "artist 4Z8W4fKeB5YxbusRsdQVPb: unknown to Spotify (404 Resource not found). "
        "Nothing was stored for it; the others go on."
    )


def test_refusal_is_settled():
    """The gate learns the status and size of a refusal, once per request."""
    gate = CountingGate()
    with asking(Sent(b"no", 400), gate) as (_, source), pytest.raises(BadRequest):
        source.fetch(SEARCH)
    assert gate.tickets == [("search", "search")]
    assert gate.settled == [{"ticket": 1, "status": 400, "retry_after_s": None, "reason": "BadRequest", "size": 2}]


@pytest.mark.parametrize("echo", ["https://api.example/v1/search?q=x&token=token-1", "see ?q=secret", "BQ" + "a1" * 60])
def test_message_repeats_no_secret(echo):
    """Addresses, query strings and anything as long as a token are cut out of what the source says."""
    with asking(Sent(error(400, f"bad {echo} here"), 400)) as (_, source), pytest.raises(BadRequest) as caught:
        source.fetch(SEARCH)
    assert str(caught.value).startswith("search mpb offset 0: refused (400 bad ")
    assert "q=" not in str(caught.value)
    assert "a1a1" not in str(caught.value)


def test_message_stays_short():
    """A source that says a megabyte, with control characters, is quoted in one short line."""
    with asking(Sent(error(400, "\x1b[31m no\n" * 100_000), 400)) as (_, source), pytest.raises(BadRequest) as caught:
        source.fetch(SEARCH)
    assert len(str(caught.value)) < 300
    assert str(caught.value).isprintable()
