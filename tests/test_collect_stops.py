"""When a batch goes on without a call, and when it stops: what is left is always named."""

from __future__ import annotations

import pytest

from pipeline.errors import (
    AllowanceSpent,
    ArtistNotFound,
    BadRequest,
    BudgetSpent,
    CredentialsRejected,
    DiskFull,
    EndpointWithdrawn,
    PremiumRequired,
    QuotaExceeded,
    RateLimited,
    RunCancelled,
    SourceUnavailable,
)
from pipeline.source.calls import Answer, Batch, Call
from pipeline.source.collect import collect
from tests.loopback import NOW, CountingGate, Sent, asking

CALLS = tuple(Call("artist", {"id": f"a{number}"}) for number in range(1, 6))
BATCH = Batch("run", "refresh-0001", "refresh", "x", 1, CALLS, 100)


class Scripted:
    """A source that answers or raises by artist."""

    def __init__(self, **errors: Exception) -> None:
        self._errors, self.asked = errors, []

    def fetch(self, call: Call, meter=None) -> Answer:
        """The answer, or the error of this artist."""
        self.asked.append(call.params["id"])
        meter.sent += 1
        if call.params["id"] in self._errors:
            raise self._errors[call.params["id"]]
        return Answer(b"{}", {}, NOW)


@pytest.mark.parametrize("error", [ArtistNotFound("gone"), BadRequest("odd"), SourceUnavailable("down")], ids=repr)
def test_single_failure_is_passed_over(error):
    """A call that fails alone is noted, and the others go on."""
    raw = collect(BATCH, Scripted(a2=error, a4=error))
    assert raw.failures == ((CALLS[1], error), (CALLS[3], error))
    assert (raw.lines, raw.requests, raw.left, raw.error) == (3, 5, (), None)


@pytest.mark.parametrize(
    "error",
    [
        RateLimited("artist", NOW, "429"),
        QuotaExceeded("artist", NOW, "429"),
        BudgetSpent("artist", NOW, "spent"),
        AllowanceSpent("artist", NOW, "spent"),
        CredentialsRejected("no"),
        PremiumRequired("no"),
        EndpointWithdrawn("no"),
        RunCancelled("stop"),
        DiskFull("no space"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_deferral_stops_at_once(error):
    """Nothing more is asked; the refused call and all after it are left, what came before is kept."""
    source = Scripted(a2=error)
    raw = collect(BATCH, source)
    assert source.asked == ["a1", "a2"]
    assert (raw.lines, raw.failures, raw.error, raw.left) == (1, (), error, CALLS[1:])


def test_dead_source_stops_batch():
    """Two calls in a row without an answer end the batch: the second and the rest are left."""
    first, second = SourceUnavailable("down"), SourceUnavailable("still down")
    source = Scripted(a2=first, a3=second)
    raw = collect(BATCH, source)
    assert source.asked == ["a1", "a2", "a3"]
    assert (raw.failures, raw.error, raw.left) == (((CALLS[1], first),), second, CALLS[2:])


def test_other_failures_do_not_count():
    """An artist that is unknown shows that the source is alive."""
    errors = {"a1": SourceUnavailable("1"), "a2": ArtistNotFound("2"), "a3": SourceUnavailable("3")}
    raw = collect(BATCH, Scripted(**errors))
    assert (len(raw.failures), raw.error, raw.left) == (3, None, ())


def test_withdrawn_endpoint_is_sighted():
    """A refused endpoint is reported, so that the plan does without it."""
    assert collect(BATCH, Scripted(a1=EndpointWithdrawn("no"))).sightings.withdrawn == ("artist",)


def test_cancel_in_flight():
    """Closing the source during a batch ends it as cancelled, with what came before."""
    gate = CountingGate()
    with asking(Sent({"id": "a1"}), gate, timeout_s=60) as (server, source):

        def script(asked):
            if asked.path.endswith("a3"):
                source.close()
                return lambda _: server.over.wait(30)
            return Sent({})

        server.script = script
        raw = collect(BATCH, source)
    assert (raw.lines, type(raw.error), raw.left) == (2, RunCancelled, CALLS[2:])
    assert [row["status"] for row in gate.settled] == [200, 200, 0]


def releases(limit: int, number: int = 1) -> Call:
    """The singles of an artist."""
    return Call("artist_albums", {"artist_id": f"a{number}", "group": "single", "offset": 0, "limit": limit})


def limited(most: int, body: object):
    """A source that refuses pages larger than `most`."""
    return lambda asked: Sent({"items": []}) if int(asked.query["limit"]) <= most else Sent(body, 400)


@pytest.mark.parametrize("body", [{"error": {"status": 400, "message": "Invalid limit"}}, b""])
def test_refused_limit_is_lowered(body):
    """A page limit that was cut is met with ten, once for the whole batch; nothing is lost and it is reported."""
    with asking(limited(10, body)) as (server, source):
        raw = collect(Batch("run", "b", "t", "i", 1, (releases(50), releases(50, 2)), 100), source)
    assert [asked.query["limit"] for asked in server.asked] == ["50", "10", "10"]
    assert (raw.lines, raw.failures, raw.left, raw.error) == (2, (), (), None)
    assert raw.sightings.refused_limits == (("artist_albums", 50),)


def test_refused_safe_limit_fails():
    """A source that refuses even ten fails the call, and is not asked for ever."""
    with asking(limited(5, b"")) as (server, source):
        raw = collect(Batch("run", "b", "t", "i", 1, (releases(50),), 100), source)
    assert [asked.query["limit"] for asked in server.asked] == ["50", "10"]
    assert [type(error) for _, error in raw.failures] == [BadRequest]


def test_other_bad_request_is_no_limit():
    """A 400 about something else lowers nothing."""
    refusal = Sent({"error": {"status": 400, "message": "invalid id"}}, 400)
    with asking(refusal) as (server, source):
        raw = collect(Batch("run", "b", "t", "i", 1, (releases(50),), 100), source)
    assert (len(server.asked), raw.sightings.refused_limits) == (1, ())
