"""A web API of one function: real HTTP on this machine, answering whatever a test wants, however badly."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pipeline.errors import RunCancelled
from pipeline.source.spotify import Access, SpotifySource

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Asked:
    """One request as the server saw it."""

    method: str
    path: str
    query: Mapping[str, str]
    token: str
    port: int  # of the connection it came on
    body: bytes = b""


@dataclass(frozen=True)
class Sent:
    """An answer to send; `claims` is a Content-Length that differs from the truth."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    claims: int | None = None

    def bytes(self) -> bytes:
        """The body as sent: bytes as they are, anything else as JSON."""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


Rude = Callable[[BaseHTTPRequestHandler], None]  # writes to the connection as it likes
Script = Callable[[Asked], Sent | Rude]


class Loopback:
    """The running server: its addresses and everything it was asked."""

    def __init__(self, script: Script, token: Script) -> None:
        self.script, self.token = script, token
        self.asked: list[Asked] = []
        self.tokens: list[Asked] = []
        self.over = threading.Event()
        self._arrivals = threading.Semaphore(0)
        self.url = ""

    def access(self, timeout_s: float = 5.0) -> Access:
        """Access to this server with made-up credentials."""
        return Access(f"{self.url}/v1/", f"{self.url}/api/token", "an-id", "a-secret", timeout_s)

    def wait_for_requests(self, count: int) -> None:
        """Returns when so many requests have arrived, those for a token included."""
        for _ in range(count):
            assert self._arrivals.acquire(timeout=60)

    def take(self, handler: BaseHTTPRequestHandler, body: bytes = b"") -> None:
        """Answer one request."""
        parts = urlsplit(handler.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        token = (handler.headers["Authorization"] or "").removeprefix("Bearer ")
        asked = Asked(handler.command, parts.path, query, token, handler.client_address[1], body)
        wants_token = parts.path == "/api/token"
        (self.tokens if wants_token else self.asked).append(asked)
        self._arrivals.release()
        sent = (self.token if wants_token else self.script)(asked)
        if not isinstance(sent, Sent):
            handler.close_connection = True
            sent(handler)
            return
        content = sent.bytes()
        handler.send_response(sent.status)
        for name, value in sent.headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(content) if sent.claims is None else sent.claims))
        handler.end_headers()
        handler.wfile.write(content)
        if sent.claims is not None:
            handler.close_connection = True


def good_token(_: Asked) -> Sent:
    """A token as Spotify gives it."""
    return Sent({"access_token": "token-1", "token_type": "Bearer", "expires_in": 3600})


@contextmanager
def asking(
    script: Script | Sent, gate: CountingGate | None = None, *, token: Script = good_token, timeout_s: float = 5.0
) -> Iterator[tuple[Loopback, SpotifySource]]:
    """A running server and a source that asks it."""
    with serving(script, token) as server, SpotifySource(server.access(timeout_s), gate or CountingGate()) as source:
        yield server, source


@contextmanager
def serving(script: Script | Sent, token: Script = good_token, tls: ssl.SSLContext | None = None) -> Iterator[Loopback]:
    """A running server on a free port; nothing of it is left afterwards. A script may be one answer for everything."""
    loopback = Loopback((lambda _: script) if isinstance(script, Sent) else script, token)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1  # headers and body in one piece

        def do_GET(self) -> None:
            loopback.take(self)

        def do_POST(self) -> None:
            loopback.take(self, self.rfile.read(int(self.headers["Content-Length"])))

        def log_message(self, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, request: object, client_address: object) -> None:
            pass  # clients that hang up are what these tests are about

    server = Server(("127.0.0.1", 0), Handler)
    loopback.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_address[1]}"
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield loopback
    finally:
        loopback.over.set()
        server.shutdown()
        server.server_close()
        thread.join()


class CountingGate:
    """A gate with a clock of its own that lets everything pass and keeps the books in lists."""

    def __init__(self, now: datetime = NOW) -> None:
        self.at, self.cancelled = now, False
        self.tickets: list[tuple[str, str]] = []
        self.settled: list[dict[str, Any]] = []
        self.pauses: list[float] = []

    def now(self) -> datetime:
        """Its clock."""
        return self.at

    def acquire(self, bucket: str, endpoint: str) -> int:
        """The next number."""
        if self.cancelled:
            raise RunCancelled("cancelled")
        self.tickets.append((bucket, endpoint))
        return len(self.tickets)

    def refuse(self, bucket: str) -> None:
        """Refuses no bucket."""

    def settle(self, ticket: int, status: int, **ending: Any) -> None:
        """Keeps how it ended; the duration is the machine's business."""
        ending.pop("duration_ms")
        self.settled.append({"ticket": ticket, "status": status, **ending})

    def pause(self, seconds: float) -> None:
        """Moves its clock instead of waiting."""
        if self.cancelled:
            raise RunCancelled("cancelled")
        self.pauses.append(seconds)
        self.at += timedelta(seconds=seconds)
