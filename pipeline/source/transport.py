"""One HTTP exchange, bounded in time and size, that can be broken off from another thread.

Owns the connection pool of a source; never follows a redirect, keeps no cookie, reads no netrc. Imports `errors`,
`sockets`.
"""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import threading
import time
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3

from pipeline.errors import MalformedRecord, RunCancelled
from pipeline.source.sockets import FLIGHT, BoundedAdapter

__all__ = ["Fault", "Refused", "Reply", "Transport"]

POOL_SIZE = 64  # connections kept open: as many as threads ask at once
LARGEST_BODY = 32 * 1024 * 1024
_CHUNK = 64 * 1024
# The last two: odd headers, and urllib3 2.8 stumbling over a connection that was closed while it wrote to it.
_FAILURES = (
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    http.client.HTTPException,
    OSError,
    ValueError,
    AttributeError,
)


@dataclass(frozen=True, repr=False)
class Reply:
    """A complete answer, standing in for the `requests.Response` that the client expects.

    Its `json()` is the reply itself, so that body and headers come out of the client and no log prints the content.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    data: Any = None

    def raise_for_status(self) -> None:
        """Nothing: a refusal was raised before the client could see it."""

    def json(self) -> Reply:
        """The reply itself."""
        return self

    def __repr__(self) -> str:
        return f"<Reply {self.status}, {len(self.body)} bytes>"


class Fault(Exception):
    """No usable answer: time-out, reset, truncated body, broken JSON. Never leaves the source.

    `body` is what was complete but no JSON; `status` is 0 when no answer came.
    """

    def __init__(self, what: str, status: int = 0, body: bytes | None = None) -> None:
        super().__init__(what)
        self.status, self.body = status, body


class Refused(Exception):
    """A complete answer with a status outside 200 to 299: `refusals` says what it means. Never leaves the source."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


class Transport(requests.Session):
    """A session for all threads of a source; `close` breaks off what is under way and refuses what comes after."""

    def __init__(self, timeout_s: float) -> None:
        super().__init__()
        self._timeout_s, self._closed, self._guard = timeout_s, False, threading.Lock()
        self._sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        self._routes: dict[str, Mapping[str, Any]] = {}
        self.trust_env = False  # no netrc: it would replace the token by a password
        self.headers["User-Agent"] = "Garimpo"
        for scheme in ("http://", "https://"):
            self.mount(scheme, BoundedAdapter(pool_connections=4, pool_maxsize=POOL_SIZE))

    def request(  # type: ignore[override]  # a Reply, not a Response: see there
        self, method: str, url: str, params: Any = None, data: Any = None, headers: Any = None, **_: Any
    ) -> Reply:
        """The complete answer; raises Refused, Fault, RunCancelled, or MalformedRecord for one too large to keep."""
        FLIGHT.watch, FLIGHT.deadline = self.watch, time.monotonic() + self._timeout_s
        with self._explained():
            route = self._route(url)
            prepared = self.prepare_request(requests.Request(method, url, headers, params=params, data=data))
            sent = self.get_adapter(url).send(prepared, stream=True, timeout=self._timeout_s, **route)
            body = _whole_body(sent)
        if not 200 <= sent.status_code < 300:
            raise Refused(Reply(sent.status_code, sent.headers, body))
        return Reply(sent.status_code, sent.headers, body, _parsed(body, sent.status_code))

    def watch(self, opened: socket.socket) -> None:
        """Remember a socket, so that `close` can end what it waits for."""
        with self._guard:
            if self._closed:
                raise OSError("closed")
            self._sockets.add(opened)

    def close(self) -> None:
        """Break off every exchange under way: their threads get RunCancelled. Safe to call twice, from any thread."""
        with self._guard:
            self._closed = True
            under_way = list(self._sockets)
        for opened in under_way:
            try:
                socket.socket.shutdown(opened, socket.SHUT_RDWR)
            except OSError:  # not connected yet, and now it cannot be; or gone by itself
                opened.close()
        super().close()

    def _route(self, url: str) -> Mapping[str, Any]:
        """Proxies and certificates for an address, looked up once per host; this machine is never asked by proxy."""
        parts = urlsplit(url)
        if parts.netloc not in self._routes:
            with requests.Session() as trusting:
                route = dict(trusting.merge_environment_settings(url, {}, None, None, None))
            del route["stream"]
            if parts.hostname in ("127.0.0.1", "localhost", "::1"):
                route["proxies"] = {}
            self._routes[parts.netloc] = route
        return self._routes[parts.netloc]

    @contextmanager
    def _explained(self) -> Iterator[None]:
        if self._closed:
            raise RunCancelled("The run was asked to stop; this request was not sent.")
        try:
            yield
        except _FAILURES as error:
            if self._closed:
                raise RunCancelled("The run was asked to stop; this request was broken off.") from None
            raise Fault(self._fault(error)) from None

    def _fault(self, error: Exception) -> str:
        """What went wrong in a few words; the library's own text names addresses and is left out."""
        if time.monotonic() >= FLIGHT.deadline or isinstance(
            error, requests.Timeout | urllib3.exceptions.TimeoutError | TimeoutError
        ):
            return f"no complete answer within {self._timeout_s:g} s"
        if isinstance(error, requests.exceptions.SSLError | urllib3.exceptions.SSLError | ssl.SSLError):
            return "no trusted connection (TLS)"
        return f"connection failed or broke off ({_innermost(error)})"


def _whole_body(sent: requests.Response) -> bytes:
    body = bytearray()
    try:
        for chunk in sent.raw.stream(_CHUNK, decode_content=True):
            body += chunk
            if len(body) > LARGEST_BODY:
                raise MalformedRecord(
                    f"An answer is larger than {LARGEST_BODY // 1024 // 1024} MB and was given up. "
                    "Nothing of it was stored; the others go on."
                )
    except BaseException:
        sent.close()
        raise
    sent.raw.release_conn()
    return bytes(body)


def _parsed(body: bytes, status: int) -> Any:
    try:
        return json.loads(body.decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError):  # a UnicodeDecodeError is a ValueError
        raise Fault("broken JSON", status, body) from None


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _innermost(error: BaseException) -> str:
    """Class name of the first cause: says reset, refused or truncated without an address."""
    seen = error
    while (cause := seen.__cause__ or seen.__context__) is not None and not isinstance(cause, ValueError):
        seen = cause
    return type(seen).__name__
