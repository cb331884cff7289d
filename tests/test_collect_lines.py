"""What a batch brings back: one line per answer, the body as received, compressed; and all of it travels."""

from __future__ import annotations

import json
import pickle

import pytest
import zstandard

from pipeline.errors import ArtistNotFound, QuotaExceeded
from pipeline.source.calls import Batch, Call, RawBatch
from pipeline.source.collect import collect
from pipeline.source.sightings import Sightings
from tests.loopback import NOW, Sent, asking

SEARCH = Call("search", {"genre": "bossa nova", "offset": 0, "limit": 10, "sweep_on": "2026-03-01"})
HEAD = (
    '{"fetched_at":"2026-03-01T12:00:00Z","endpoint":"search",'
    '"request":{"genre":"bossa nova","offset":0,"limit":10,"sweep_on":"2026-03-01"},'
)


def batch(*calls: Call) -> Batch:
    """A batch of these calls."""
    return Batch("run", "discover-0001", "discover", "bossa nova", 1, calls, 100)


def lines(raw: RawBatch) -> list[str]:
    """The lines of a payload."""
    return zstandard.ZstdDecompressor().decompress(raw.payload).decode().splitlines()


def test_body_is_kept_as_received():
    """Spelling, order, escapes and doubled keys of the body stay as they were."""
    body = '{"artists": {"total":1.50e1, "items" : [], "x":"\\u00e9 é \\n", "x":null}}'
    with asking(Sent(body.encode())) as (_, source):
        raw = collect(batch(SEARCH), source)
    assert lines(raw) == [HEAD + '"search":' + body + "}"]
    assert (raw.batch_id, raw.lines, raw.requests) == ("discover-0001", 1, 1)


def test_line_breaks_become_spaces():
    """A body over several lines stays one line, and means the same."""
    with asking(Sent(b'{\r\n "artists":\n {"items": [] }\n}\n')) as (_, source):
        raw = collect(batch(SEARCH), source)
    assert lines(raw) == [HEAD + '"search":{   "artists":  {"items": [] } } }']


def test_odd_line_separators_stay_inside():
    """Characters that some tools take for line ends do not end a line."""
    body = {"artists": {"items": [{"name": "a\u2028b\u0085c\x1cd"}]}}
    with asking(Sent(json.dumps(body, ensure_ascii=False).encode())) as (_, source):
        raw = collect(batch(SEARCH, SEARCH), source)
    whole = zstandard.ZstdDecompressor().decompress(raw.payload).split(b"\n")
    assert [json.loads(line)["search"] for line in whole[:-1]] == [body, body]


def test_unparsed_text_is_kept():
    """Bodies that were no JSON are lines of their own, before the answer that came in the end."""
    answers = [Sent({}), Sent(b"<html>\n\xff</html>")]
    with asking(lambda _: answers.pop()) as (_, source):
        raw = collect(batch(SEARCH), source)
    kept = [json.loads(line) for line in lines(raw)]
    assert [line.get("unparsed", line.get("search")) for line in kept] == ["<html>\n\ufffd</html>", {}]
    assert (raw.lines, raw.requests) == (2, 2)


def test_unparsed_text_survives_failure():
    """What came is kept though the call failed in the end."""
    with asking(Sent(b"{")) as (_, source):
        raw = collect(batch(SEARCH), source)
    assert [json.loads(line)["unparsed"] for line in lines(raw)] == ["{"] * 4
    assert [str(error)[:18] for _, error in raw.failures] == ["search 'bossa nova"]


def test_nothing_came():
    """A batch without answers has an empty payload."""
    with asking(Sent(b"", 404)) as (_, source):
        raw = collect(batch(Call("artist", {"id": "a1"})), source)
    assert (raw.payload, raw.lines, raw.requests) == (b"", 0, 1)


def test_instant_is_of_the_workspace():
    """The line says when the answer came by the workspace's clock, in UTC and whole seconds."""
    with asking(Sent({})) as (_, source):
        raw = collect(batch(SEARCH), source)
    assert json.loads(lines(raw)[0])["fetched_at"] == f"{NOW:%Y-%m-%dT%H:%M:%SZ}"


def test_batch_travels_as_json():
    """A batch that went through JSON is the same batch."""
    original = batch(SEARCH, Call("artists", {"ids": ["a1", "a2"]}))
    assert Batch.from_dict(json.loads(json.dumps(original.to_dict()))) == original


def test_results_travel_pickled():
    """What goes to a worker and what comes back survives pickling, errors included."""
    call = Call("artist", {"id": "a1"})
    failures = ((call, ArtistNotFound("artist a1: unknown")),)
    seen = Sightings({"artist": ("id",)}, {"artist": 3}, ("artists",), (("search", 50),))
    raw = RawBatch("b", b"x", 1, 2, failures, QuotaExceeded("search", NOW, "locked"), (call,), seen)
    back = pickle.loads(pickle.dumps(raw))  # noqa: S301  our own bytes
    assert (back.failures[0][0], str(back.failures[0][1])) == (call, "artist a1: unknown")
    assert (type(back.error), back.error.due_at, back.left, back.sightings) == (QuotaExceeded, NOW, (call,), seen)


def test_payload_is_not_shown():
    """Printing a result does not print what was collected."""
    assert "payload" not in repr(RawBatch("b", b"secret", 1, 1))


@pytest.mark.parametrize("most", [1, 3])
def test_large_batch_hands_over_early(most):
    """A batch that holds too many bytes stops and leaves the rest, without an error."""
    with asking(Sent({"artists": {"items": [], "x": "y" * 900}})) as (_, source):
        raw = collect(batch(*[SEARCH] * 5), source, most * 1_000)
    assert (raw.lines, len(raw.left), raw.error) == (most, 5 - most, None)
