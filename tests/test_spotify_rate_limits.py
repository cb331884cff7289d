"""A 429 goes back to the runner at once, with its time and its reason."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pipeline.errors import Deferred, QuotaExceeded, RateLimited
from pipeline.source.calls import Call
from tests.loopback import NOW, CountingGate, Sent, asking

SEARCH = Call("search", {"genre": "mpb", "offset": 0, "limit": 10, "sweep_on": "2026-03-01"})
PLAIN = b"Too many requests"
QUOTA = {"error": {"status": 429, "message": "Too many requests", "reason": "QUOTA_EXCEEDED"}}


def deferral(body, headers, gate=None, call=SEARCH) -> Deferred:
    """The error that a 429 with this body and these headers ends in."""
    with asking(Sent(body, 429, headers), gate) as (server, source), pytest.raises(Deferred) as caught:
        source.fetch(call)
    assert len(server.asked) == 1
    return caught.value


@pytest.mark.parametrize(
    ("body", "headers", "kind", "seconds"),
    [
        (PLAIN, {"Retry-After": "17"}, RateLimited, 17),
        (PLAIN, {"Retry-After": "1.5"}, RateLimited, 1.5),
        (PLAIN, {"Retry-After": "0"}, RateLimited, 1),
        (PLAIN, {"Retry-After": "Sun, 01 Mar 2026 12:01:00 GMT"}, RateLimited, 60),
        (PLAIN, {}, RateLimited, 30),
        (PLAIN, {"Retry-After": "-5"}, RateLimited, 30),
        (PLAIN, {"Retry-After": "nan"}, RateLimited, 30),
        (PLAIN, {"Retry-After": "soon"}, RateLimited, 30),
        (PLAIN, {"Retry-After": "48925"}, QuotaExceeded, 48_925),
        (QUOTA, {"Retry-After": "79892"}, QuotaExceeded, 79_892),
        (QUOTA, {"Retry-After": "9"}, QuotaExceeded, 9),
        (QUOTA, {}, QuotaExceeded, 86_400),
        (QUOTA, {"Retry-After": "999999999999"}, QuotaExceeded, 7 * 86_400),
    ],
)
def test_retry_after_becomes_date(body, headers, kind, seconds):
    """The deferral is due exactly when the source said, or after a documented wait where it said nothing usable."""
    error = deferral(body, headers)
    assert (type(error), error.bucket, error.due_at) == (kind, "search", NOW + timedelta(seconds=seconds))


def test_nothing_is_slept():
    """Nobody waits inside a call, and the gate is told the same wait that the error names."""
    gate = CountingGate()
    deferral(QUOTA, {"Retry-After": "86400"}, gate)
    assert gate.pauses == []
    assert gate.settled == [
        {"ticket": 1, "status": 429, "retry_after_s": 86_400.0, "reason": "QUOTA_EXCEEDED", "size": 86}
    ]


def test_bucket_follows_endpoint():
    """The lock falls on the bucket that the endpoint draws on."""
    call = Call("album_tracks", {"album_id": "a1", "offset": 0, "limit": 50})
    assert deferral(QUOTA, {}, call=call).bucket == "tracks"


def test_odd_clock_is_no_matter():
    """A source that gives a date without a zone is taken to speak UTC."""
    error = deferral(PLAIN, {"Retry-After": "Sun, 01 Mar 2026 12:00:10"})
    assert error.due_at == NOW + timedelta(seconds=10)
