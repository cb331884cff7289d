"""Faults are tried again a few times, each attempt with its own ticket, and never longer than promised."""

from __future__ import annotations

import socket
import struct
from random import Random

import pytest

from pipeline.errors import RunCancelled, SourceUnavailable
from pipeline.source.calls import Call, Meter
from pipeline.source.spotify import SpotifySource
from tests.loopback import NOW, Asked, CountingGate, Sent, asking, serving

ARTIST = Call("artist", {"id": "a1"})
GOOD = {"id": "a1", "name": "Somebody"}


def reset(handler) -> None:
    """Hangs up in a way that the other side sees as a reset."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()


def hang_up(handler) -> None:
    """Hangs up without a word."""


def half_chunk(handler) -> None:
    """Begins a chunked body and leaves."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n50\r\n{")


FAULTS = {
    "500": Sent(b"", 500),
    "503": Sent({"error": {"status": 503, "message": "Service unavailable"}}, 503),
    "reset": reset,
    "hung up": hang_up,
    "truncated": Sent(b'{"id": "a1"', claims=500),
    "half a chunk": half_chunk,
    "broken JSON": Sent(b'{"id": "a1", "na'),
    "not JSON": Sent(b"<html>Welcome to the hotel's network</html>"),
    "NaN": Sent(b'{"id": "a1", "popularity": NaN}'),
    "no text": Sent(b'{"id": "\xff\xfe"}'),
    "nothing": Sent(b""),
}


def first(times: int, fault):
    """A script that fails a number of times, then answers well."""
    left = [fault] * times
    return lambda _: left.pop() if left else Sent(GOOD)


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_fault_is_outlived(fault):
    """Three faults in a row cost three more requests and lose nothing."""
    gate, meter = CountingGate(), Meter()
    with asking(first(3, fault), gate) as (server, source):
        assert source.fetch(ARTIST, meter).data == GOOD
    assert len(server.asked) == len(gate.tickets) == len(gate.settled) == meter.sent == 4


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_fault_for_ever(fault):
    """After four attempts the call ends as unavailable; every attempt was settled."""
    gate = CountingGate()
    with (
        asking(lambda _: fault, gate) as (server, source),
        pytest.raises(SourceUnavailable, match=r"^artist a1: .* \(attempt 4 of 4\)\. Nothing of it was stored"),
    ):
        source.fetch(ARTIST)
    assert len(server.asked) == 4
    assert [row["ticket"] for row in gate.settled] == [1, 2, 3, 4]


def test_status_is_kept():
    """A server error is booked with its own status, not as a rate limit."""
    gate = CountingGate()
    with asking(Sent(b"oops", 502), gate) as (_, source), pytest.raises(SourceUnavailable, match="HTTP 502"):
        source.fetch(ARTIST)
    assert gate.settled[3] == {"ticket": 4, "status": 502, "retry_after_s": None, "reason": "HTTP 502", "size": 4}


def test_waits_grow_within_bounds():
    """Waits are random between nothing and a bound that doubles."""
    gate = CountingGate()
    with serving(Sent(b"", 500)) as server, SpotifySource(server.access(), gate, rng=Random(1)) as source:
        for _ in range(30):
            with pytest.raises(SourceUnavailable):
                source.fetch(ARTIST)
    for attempt, bound in enumerate((0.2, 0.4, 0.8)):
        waits = gate.pauses[attempt::3]
        assert len(waits) == 30
        assert 0 <= min(waits) < bound / 3 < 2 * bound / 3 < max(waits) <= bound


def test_cancel_ends_retries():
    """A run that is cancelled during the wait sends no further request."""
    gate = CountingGate()

    def fail(_: Asked) -> Sent:
        gate.cancelled = True
        return Sent(b"", 500)

    with asking(fail, gate) as (server, source), pytest.raises(RunCancelled):
        source.fetch(ARTIST)
    assert len(server.asked) == 1


def test_meter_ends_retries():
    """A batch whose requests are used up does not retry beyond them."""
    with asking(Sent(b"", 500)) as (server, source), pytest.raises(SourceUnavailable, match="attempt 2 of 4"):
        source.fetch(ARTIST, Meter(limit=2))
    assert len(server.asked) == 2


def test_broken_body_is_kept():
    """What was no JSON is handed over as text, with its instant, though the retry succeeded."""
    meter = Meter()
    with asking(first(1, Sent(b'{"id": \xff'))) as (_, source):
        source.fetch(ARTIST, meter)
    assert meter.unparsed == [(NOW, '{"id": \ufffd')]


def test_nobody_listens():
    """An address where nobody listens is unavailable, and the message names no address."""
    with serving(Sent(GOOD)) as server:
        access = server.access()
    with SpotifySource(access, CountingGate()) as source, pytest.raises(SourceUnavailable) as caught:
        source.fetch(ARTIST)
    assert "ConnectionRefusedError" in str(caught.value)
    assert "/api/token" not in str(caught.value)
