"""No answer takes longer than promised, however it comes, and closing the source ends what is under way."""

from __future__ import annotations

import socket
import ssl
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import pytest

from pipeline.errors import MalformedRecord, RunCancelled, SourceUnavailable
from pipeline.source import transport
from pipeline.source.calls import Call
from pipeline.source.spotify import SpotifySource
from pipeline.source.transport import Fault, Transport
from tests.loopback import CountingGate, Loopback, Sent, asking, serving

ARTIST = Call("artist", {"id": "a1"})


def dribble(server: Loopback, head: bytes):
    """A handler that sends `head`, then one byte at a time for as long as anybody listens."""

    def send(handler) -> None:
        handler.wfile.write(head)
        while not server.over.wait(0.02):
            handler.wfile.write(b"x")
            handler.wfile.flush()

    return send


def hang(server: Loopback):
    """A handler that says nothing."""
    return lambda _: server.over.wait(30)


DRIBBLES = {
    "silence": None,
    "headers": b"HTTP/1.1 200 OK\r\nX-Slow: ",
    "body": b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n",
    "body until the end": b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
    "refusal": b"HTTP/1.1 500 Oops\r\nContent-Length: 100000\r\n\r\n",
}


@contextmanager
def slow(head: bytes | None, timeout_s: float):
    """A server that dribbles and a source that asks it."""
    with asking(Sent({}), timeout_s=timeout_s) as (server, source):
        server.script = lambda _: hang(server) if head is None else dribble(server, head)
        yield server, source


@pytest.mark.parametrize("head", DRIBBLES.values(), ids=DRIBBLES)
def test_deadline_is_for_the_whole(head):
    """A server that keeps sending single bytes gets no more time than a silent one: the time-out, per attempt."""
    with slow(head, timeout_s=0.2) as (server, source):
        began = time.monotonic()
        with pytest.raises(SourceUnavailable, match=r"no complete answer within 0\.2 s"):
            source.fetch(ARTIST)
        assert 0.8 <= time.monotonic() - began < 20
    assert len(server.asked) == 4


@pytest.mark.parametrize("head", DRIBBLES.values(), ids=DRIBBLES)
def test_close_breaks_off(head):
    """Closing the source from another thread ends every request under way at once, as cancelled."""
    with slow(head, timeout_s=60) as (server, source), ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(source.fetch, ARTIST) for _ in range(4)]
        server.wait_for_requests(5)
        source.close()
        assert {type(future.exception(30)) for future in waiting} == {RunCancelled}


def test_close_during_token_request():
    """Threads that wait for a token are let go too."""
    with asking(Sent({}), timeout_s=60) as (server, source), ThreadPoolExecutor(4) as pool:
        server.token = lambda _: hang(server)
        waiting = [pool.submit(source.fetch, ARTIST) for _ in range(4)]
        server.wait_for_requests(1)
        source.close()
        assert {type(future.exception(30)) for future in waiting} == {RunCancelled}


def test_closed_source_sends_nothing():
    """After closing, a call ends as cancelled before anything is sent; closing twice is no matter."""
    with asking(Sent({})) as (server, source):
        source.fetch(ARTIST)
        source.close()
        source.close()
        with pytest.raises(RunCancelled):
            source.fetch(ARTIST)
    assert len(server.asked) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux drops connections to a full queue")
def test_connecting_ends_too():
    """A machine that does not even accept the connection is given up in time, and can be cancelled."""
    with deaf() as url:
        with Transport(0.3) as impatient, pytest.raises(Fault, match=r"within 0\.3 s"):
            impatient.request("GET", url)
        with Transport(60) as patient, ThreadPoolExecutor(1) as pool:
            connecting = threading.Event()
            patient.watch = lambda opened: (Transport.watch(patient, opened), connecting.set())
            waiting = pool.submit(patient.request, "GET", url)
            assert connecting.wait(30)
            patient.close()
            assert type(waiting.exception(30)) is RunCancelled


def test_close_before_connecting():
    """A socket that is just about to connect cannot any more."""
    with socket.socket() as about_to_connect, Transport(60) as session:
        session.watch(about_to_connect)
        session.close()
        assert about_to_connect.fileno() == -1


def test_no_time_at_all():
    """A time-out that is over before the first byte is one too."""
    with serving(Sent({})) as server, Transport(1e-9) as hasty, pytest.raises(Fault, match="no complete answer"):
        hasty.request("GET", server.url)


def test_large_answer_is_given_up(monkeypatch):
    """An answer beyond the cap is not read to its end, not retried, and leaves the source usable."""
    monkeypatch.setattr(transport, "LARGEST_BODY", 200_000)
    answers = [Sent({"id": "a1"}), Sent(b"[" + b" " * 5_000_000 + b"]")]
    with asking(lambda _: answers.pop()) as (server, source):
        with pytest.raises(MalformedRecord, match="Nothing of it was stored"):
            source.fetch(ARTIST)
        assert source.fetch(ARTIST).data == {"id": "a1"}
    assert len(server.asked) == 2


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for this machine, made on the spot."""
    folder = tmp_path_factory.mktemp("tls")
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "2",
    ]
    files = ["-keyout", folder / "key.pem", "-out", folder / "cert.pem"]
    names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    try:
        subprocess.run([*command, *files, *names], check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("openssl is not installed: no certificate to test with")
    return folder


def test_encrypted_answer(certificate, monkeypatch):
    """A certificate that is trusted lets answers through, and they are bounded like all others."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate / "cert.pem"))
    with secretly(certificate) as server, SpotifySource(server.access(0.3), CountingGate()) as source:
        assert source.fetch(ARTIST).data == {"id": "a1"}
        server.script = lambda _: dribble(server, DRIBBLES["headers"])
        with pytest.raises(SourceUnavailable, match=r"within 0\.3 s"):
            source.fetch(ARTIST)


def test_encrypted_request_is_broken_off(certificate, monkeypatch):
    """Closing ends a request under TLS as quickly."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate / "cert.pem"))
    with secretly(certificate) as server, SpotifySource(server.access(60), CountingGate()) as source:
        server.script = lambda _: dribble(server, DRIBBLES["body"])
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(source.fetch, ARTIST)
            server.wait_for_requests(2)
            source.close()
            assert type(waiting.exception(30)) is RunCancelled


def test_unknown_certificate_is_refused(certificate, monkeypatch):
    """A certificate that nobody vouches for gets neither credentials nor token."""
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    with secretly(certificate) as server, SpotifySource(server.access(), CountingGate()) as source:
        with pytest.raises(SourceUnavailable, match="no trusted connection"):
            source.check()
        assert (server.tokens, server.asked) == ([], [])


def test_handshake_ends_too():
    """A machine that accepts and then says nothing is left in time, and can be cancelled."""
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"https://127.0.0.1:{mute.getsockname()[1]}/"
        with Transport(0.3) as impatient, pytest.raises(Fault, match=r"within 0\.3 s"):
            impatient.request("GET", url)
        with Transport(60) as patient, ThreadPoolExecutor(1) as pool:
            mute.accept()[0].close()  # the first attempt's
            waiting = pool.submit(patient.request, "GET", url)
            with mute.accept()[0]:
                patient.close()
                assert type(waiting.exception(30)) is RunCancelled


@contextmanager
def secretly(certificate):
    """A server that speaks TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    with serving(Sent({"id": "a1"}), tls=context) as server:
        yield server


@contextmanager
def deaf():
    """The address of a machine that leaves connections half open: its queue is full."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            caller = stack.enter_context(socket.socket())
            caller.setblocking(False)
            caller.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
