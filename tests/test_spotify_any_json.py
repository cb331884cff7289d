"""Any JSON as an answer, with any status and headers, ends as an answer or as one of our errors."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.errors import GarimpoError
from pipeline.source.calls import Batch, Call
from pipeline.source.collect import collect
from pipeline.source.spotify import SpotifySource
from tests.loopback import CountingGate, Loopback, Sent, serving

CALLS = (
    Call("search", {"genre": "mpb", "offset": 0, "limit": 10, "sweep_on": "2026-03-01"}),
    Call("artist", {"id": "a1"}),
    Call("artists", {"ids": ["a1"]}),
    Call("artist_albums", {"artist_id": "a1", "group": "album", "offset": 0, "limit": 10}),
    Call("album", {"id": "b1"}),
    Call("albums", {"ids": ["b1"]}),
    Call("album_tracks", {"album_id": "b1", "offset": 0, "limit": 50}),
)
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=20)  # lone surrogates too
NAMES = st.sampled_from(
    [
        "artists",
        "albums",
        "tracks",
        "items",
        "next",
        "total",
        "limit",
        "offset",
        "id",
        "name",
        "error",
        "message",
        "reason",
    ]
) | st.text(max_size=5)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | ANY_TEXT
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=6), max_leaves=20
)
STATUSES = st.sampled_from([200] * 6 + [201, 204, 302, 400, 401, 403, 404, 418, 429, 500, 503, 599])
WAITS = st.none() | st.sampled_from(
    ["0", "7", "-1", "1e9", "soon", "99999999999999", "Mon, 99 Foo 2026 99:99:99 GMT", "٣"]
)


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[Loopback, SpotifySource]]:
    """A server whose answers the examples replace, and a source that asks it."""
    with serving(Sent({})) as server, SpotifySource(server.access(), CountingGate()) as source:
        yield server, source


def answered(data: object, status: int, wait: str | None) -> Sent:
    """The answer to send; ASCII alone, so that lone surrogates travel as escapes."""
    headers = {"Retry-After": wait.encode().decode("latin-1")} if wait is not None else {}
    body = b"" if status == 204 else json.dumps(data).encode()
    return Sent(body, status, headers)


@given(call=st.sampled_from(CALLS), data=JSON, status=STATUSES, wait=WAITS)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_nothing_else_leaves_fetch(running, call, data, status, wait):
    """A fetch ends in the JSON that was sent or in a class of errors."""
    server, source = running
    server.script = lambda _: answered(data, status, wait)
    with suppress(GarimpoError):
        assert source.fetch(call).data == data


@given(bodies=st.lists(st.tuples(JSON, STATUSES, WAITS), min_size=1, max_size=4))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_collect_never_raises(running, bodies):
    """A batch over any answers ends with every line, failure and call left accounted for."""
    server, source = running
    turn = iter(range(1_000_000))
    server.script = lambda _: answered(*bodies[next(turn) % len(bodies)])
    raw = collect(Batch("run", "batch", "task", "item", 1, CALLS, 20), source)
    assert raw.requests <= 20
    assert raw.lines + len(raw.failures) + len(raw.left) >= len(CALLS)
    assert bool(raw.payload) == bool(raw.lines)
