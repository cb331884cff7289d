"""A batch and its result as JSON, for functions that take nothing else."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from pipeline.errors import ArtistNotFound, QuotaExceeded, SettingsError, SourceUnavailable
from pipeline.integrations import backends
from pipeline.integrations.aws_lambda import handler
from pipeline.integrations.orchestrate import results
from pipeline.integrations.wire import answer, question, raw_from_json, raw_to_json
from pipeline.source.allowance import Allowance
from pipeline.source.calls import Batch, Call, RawBatch, SentRequest
from pipeline.source.sightings import Sightings
from tests.loopback import Sent, serving

CALL = Call("artist", {"id": "a1"})
BATCH = Batch("run", "refresh-0001", "refresh", "Banda Um", 1, (CALL,), 3)
DUE = datetime(2026, 11, 23, 6, tzinfo=UTC)
RAW = RawBatch(
    "refresh-0001", b"\x00\xffbytes", 2, 4, ((CALL, ArtistNotFound("gone")),), QuotaExceeded("artist", DUE, "quota"),
    (CALL,), Sightings({"artist": ("id", "name")}, {"artist": 1}, ("artists",), (("search", 50),)),
    (SentRequest("artist", "artist", 0.5, 429, 3_600.0, "QUOTA_EXCEEDED", 12.5, 99),),
)  # fmt: skip


@pytest.fixture
def served(monkeypatch):
    """A source, and the environment of a function that may ask it."""
    with serving(Sent({"id": "a1", "name": "Banda Um"})) as server:
        access = server.access()
        for name, value in {
            "SPOTIPY_CLIENT_ID": "an-id", "SPOTIPY_CLIENT_SECRET": "a-secret",
            "GARIMPO_API_URL": access.api_url, "GARIMPO_TOKEN_URL": access.token_url,
        }.items():  # fmt: skip
            monkeypatch.setenv(name, value)
        yield server


def far(event):
    """A handler that only JSON reaches and leaves."""
    return json.loads(json.dumps(handler(json.loads(json.dumps(event)))))


def test_result_survives_json():
    """Bytes, errors with their instants, calls and sightings come back as they were."""
    back = raw_from_json(json.loads(json.dumps(raw_to_json(RAW))))
    assert (back.payload, back.left, back.sightings, back.sent) == (
        RAW.payload, RAW.left, RAW.sightings, RAW.sent,
    )  # fmt: skip
    assert (type(back.error), back.error.due_at, str(back.failures[0][1])) == (QuotaExceeded, DUE, "gone")


def test_strange_error_is_refused():
    """No answer can name a class outside our tree."""
    values = raw_to_json(RAW) | {"error": {"class": "STATUS_ERRORS", "args": []}}
    with pytest.raises(ValueError, match="no error of ours"):
        raw_from_json(values)


def test_handler_collects(served):
    """A function asks with its own credentials, and its question holds none."""
    event = question(BATCH, Allowance(3, 1_000.0))
    raw = raw_from_json(far(event))
    assert (raw.lines, raw.requests, raw.error, len(raw.sent)) == (1, 1, None, 1)
    assert "secret" not in json.dumps(event)


def test_answer_keeps_its_size(served):
    """What would not fit is left behind: a failed attempt that says so, with its requests booked."""
    raw = raw_from_json(answer(question(BATCH, Allowance(3, 1_000.0)), most_bytes=100))
    assert (raw.payload, raw.left, raw.requests, len(raw.sent)) == (b"", (CALL,), 1, 1)
    assert isinstance(raw.error, SourceUnavailable)


def test_list_becomes_invocations(served):
    """Every genre and artist is one invocation; one that falls over fails alone."""

    def invoke(event):
        if event["batch"]["item"] == "choro":
            raise RuntimeError("fell over")
        return far(event)

    event = {"run_id": "r", "on": "2026-11-23", "genres": ["samba", "choro"], "artists": ["a1"], "per_second": 1_000}
    found = results(event, invoke)
    ids = [each["batch_id"] for each in found["batches"]]
    assert (ids, found["failed"]) == (["discover-00001", "refresh_releases-00001"], {"choro": "RuntimeError"})


@pytest.mark.parametrize("scheme", ["dask", "ray", "spark"])
def test_missing_package_is_named(scheme):
    """Without its package a backend says which group installs it."""
    with pytest.raises(SettingsError, match=f"pip install --group {scheme}"):
        backends.open_workers(f"{scheme}://127.0.0.1:1")


def test_unreachable_system_is_named(monkeypatch):
    """A system that does not answer is named, and nothing was started."""
    monkeypatch.setitem(backends.MODULES, "dask", "unreachable")
    monkeypatch.setattr("importlib.import_module", lambda _: (_ for _ in ()).throw(OSError("refused")))
    with pytest.raises(SettingsError, match=r"dask://127.0.0.1:1 cannot be reached .*refused"):
        backends.open_workers("dask://127.0.0.1:1")
