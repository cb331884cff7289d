"""What spotipy 2.26.0 does by itself, and this client does not."""

from __future__ import annotations

import gc
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from pipeline.errors import BadRequest, MalformedRecord, QuotaExceeded, SourceUnavailable
from pipeline.source.asking import Question
from pipeline.source.calls import Call
from pipeline.source.spotify import Access, SpotifySource
from tests.loopback import CountingGate, Sent, asking, serving

ARTIST = Call("artist", {"id": "a1"})
GOOD = Sent({"id": "a1"})


def test_day_long_wait_is_not_slept():
    """Spotipy sleeps six hours in the calling thread; here the wait is in the error, with its reason."""
    locked = Sent({"error": {"status": 429, "reason": "QUOTA_EXCEEDED"}}, 429, {"Retry-After": "86400"})
    gate = CountingGate()
    with asking(locked, gate) as (server, source), pytest.raises(QuotaExceeded) as caught:
        source.fetch(ARTIST)
    assert (caught.value.due_at - gate.now()).total_seconds() == 86_400
    assert (len(server.asked), gate.pauses) == (1, [])


def test_server_error_is_no_rate_limit():
    """Spotipy reports 503 for ever as 429; here it is unavailable, with its status."""
    with asking(Sent(b"", 503)) as (_, source), pytest.raises(SourceUnavailable, match="HTTP 503"):
        source.fetch(ARTIST)


def test_broken_json_is_not_none():
    """Spotipy returns None for broken JSON; here it is a fault that is tried again."""
    answers = [GOOD, Sent(b"{")]
    with asking(lambda _: answers.pop()) as (_, source):
        assert source.fetch(ARTIST).data == {"id": "a1"}


@pytest.mark.parametrize("body", [{"error": "text"}, ["a", "list"], "text", None, 7, {"error": ["x"]}, {"error": None}])
def test_odd_error_body_is_understood(body):
    """Spotipy fails with AttributeError on an error body of another shape; here it is a refusal like any other."""
    with asking(Sent(body, 400)) as (_, source), pytest.raises(BadRequest):
        source.fetch(ARTIST)


@pytest.mark.parametrize("body", [None, 7, "text", [], {"error": {"status": 404}}, {"artists": 3}])
def test_odd_body_is_kept(body):
    """An answer of another shape is handed on as it is: what it is worth is decided where rows are made."""
    with asking(Sent(body)) as (_, source):
        assert source.fetch(ARTIST).data == body


def test_surprise_of_client_is_translated():
    """Whatever else spotipy trips over becomes a malformed record."""
    with asking(GOOD) as (_, source), pytest.raises(MalformedRecord, match="AttributeError"):
        source._asked(Question("no_such_method", "a1"))


def test_swallowed_answer_is_noticed():
    """An answer that spotipy does not give back is no success."""
    with asking(GOOD) as (_, source), pytest.raises(MalformedRecord, match="swallowed"):
        source._asked(Question("set_auth", "a1"))


def test_pool_serves_every_thread(caplog):
    """Connections are kept for as many threads as ask: twenty threads, twenty connections, nothing thrown away."""
    together = threading.Barrier(20)

    def fetch(source: SpotifySource) -> None:
        together.wait(5)
        source.fetch(ARTIST)

    with asking(GOOD) as (server, source), ThreadPoolExecutor(20) as pool:
        list(pool.map(fetch, [source] * 60))
    assert 2 <= len({asked.port for asked in server.asked}) <= 20
    assert "discarding" not in caplog.text


def test_loggers_stay_quiet():
    """Spotipy and urllib3, set to DEBUG by somebody, go back to INFO."""
    names = ["spotipy.client", "spotipy.oauth2", "urllib3.connectionpool"]
    for name in names:
        logging.getLogger(name).setLevel(logging.DEBUG)
    with SpotifySource(Access("http://127.0.0.1/", "http://127.0.0.1/", "i", "s"), CountingGate()):
        assert [logging.getLogger(name).level for name in names] == [logging.INFO] * 3


def test_netrc_is_not_read(monkeypatch, tmp_path):
    """A password for the host in ~/.netrc would take the token's place; it is left alone."""
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password hunter2", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with asking(GOOD) as (server, source):
        source.fetch(ARTIST)
    assert [asked.token for asked in server.asked] == ["token-1"]


def test_loopback_needs_no_proxy(monkeypatch):
    """A proxy in the environment is not asked for addresses on this machine."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    with asking(GOOD) as (_, source):
        assert source.fetch(ARTIST).data == {"id": "a1"}


def test_proxy_is_used_elsewhere(monkeypatch):
    """For other addresses the proxy of the environment is asked."""
    with serving(GOOD) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        access = replace(proxy.access(), api_url="http://api.example/v1")
        with SpotifySource(access, CountingGate()) as source:
            assert source.fetch(ARTIST).data == {"id": "a1"}
    assert [asked.path for asked in proxy.asked] == ["/v1/artists/a1"]


def test_redirect_is_not_followed():
    """A redirect takes neither the request nor the token elsewhere."""
    with serving(GOOD) as elsewhere:
        moved = Sent(b"", 302, {"Location": f"{elsewhere.url}/v1/artists/a1"})
        with asking(moved) as (_, source), pytest.raises(SourceUnavailable, match="HTTP 302"):
            source.fetch(ARTIST)
        assert elsewhere.asked == []


def test_cookies_are_not_kept():
    """A cookie that the source sets does not come back to it."""
    with asking(Sent({"id": "a1"}, headers={"Set-Cookie": "track=me; Path=/"})) as (server, source):
        source.fetch(ARTIST)
        source.fetch(ARTIST)
        assert len(source._transport.cookies) == 0
    assert len(server.asked) == 2


WIRES = {
    "no HTTP": b"I am a teapot\r\n\r\n",
    "no status": b"HTTP/1.1 abc OK\r\n\r\n",
    "status zero": b"HTTP/1.1 000 OK\r\n\r\n",
    "many headers": b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n{}",
    "long header": b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n{}",
    "bad length": b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3, 4\r\n\r\n{}",
    "bad chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    "bad gzip": b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
    "bad place": b"HTTP/1.1 301 Moved\r\nConnection: close\r\nLocation: http://[::\xff\r\nContent-Length: 0\r\n\r\n",
    "byte order mark": b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\n\xef\xbb\xbf{}",
    "sixteen bits": b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\n{\x00}\x00",
    "deep": b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 400000\r\n\r\n" + b"[" * 200_000 + b"]" * 200_000,
    "long number": b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5000\r\n\r\n" + b"1" * 5000,
}


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("wire", WIRES.values(), ids=WIRES)
def test_odd_wire_is_a_fault(wire):
    """Whatever arrives instead of HTTP with JSON, it is called unavailable after four attempts."""
    arrived = r"^(?!.*RemoteDisconnected)"
    with (
        asking(lambda _: lambda handler: handler.wfile.write(wire)) as (server, source),
        pytest.raises(SourceUnavailable, match=arrived),
    ):
        source.fetch(ARTIST)
    assert len(server.asked) == 4
    gc.collect()  # urllib3 2.8 leaves the socket of the bad length to the collector
