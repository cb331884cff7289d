"""A browser's half of Streamlit's protocol: opens a page, obeys its timers, notes when words arrive. No drawing.

Twenty real browsers on two cores would measure themselves; these cost the server what browsers do and little else.
"""

from __future__ import annotations

import gzip
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from html import unescape
from http import HTTPStatus
from http.client import HTTPConnection
from typing import Any

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

__all__ = ["Session", "open_session"]

PATIENCE_S = 60.0
LIVE_S = 1.0  # as in pages/live.js
LIVE = re.compile(rb'data-live="([^"]+)"')


@dataclass
class Session:
    """One open page; `heard` has the time at which each awaited word came first, `bytes` what was received."""

    socket: Any
    page: str
    query: str
    heard: dict[str, float] = field(default_factory=dict)
    awaited: set[str] = field(default_factory=set)
    bytes: int = 0
    reruns: int = 0
    fetched: int = 0
    _timers: dict[str, tuple[float, float]] = field(default_factory=dict)  # fragment: interval, when next
    _finished: threading.Event = field(default_factory=threading.Event)
    _over: threading.Event = field(default_factory=threading.Event)
    _page_hash: str = ""
    _http: HTTPConnection | None = None
    _live: str = ""  # the address of the page's live parts
    _live_due: float = 0.0

    def rerun(self, fragment: str = "") -> None:
        """Ask for a run of the page, or of one fragment by its timer."""
        message = BackMsg()
        state = message.rerun_script
        state.query_string, state.page_name, state.page_script_hash = self.query, self.page, self._page_hash
        state.fragment_id, state.is_auto_rerun = fragment, bool(fragment)
        state.context_info.locale, state.context_info.timezone = "en-US", "UTC"
        self.socket.send(message.SerializeToString())

    def open(self) -> float:
        """Seconds until the page was there."""
        self._finished.clear()
        self._timers.clear()
        began = time.perf_counter()
        self.rerun()
        if not self._finished.wait(PATIENCE_S):
            raise TimeoutError(f"{self.page} did not come within {PATIENCE_S:.0f} s")
        return time.perf_counter() - began

    def hear(self, word: str) -> None:
        """Note when a word comes."""
        self.awaited.add(word)

    def listen(self) -> None:
        """Take what comes and obey the timers, until the session is closed."""
        with suppress(ConnectionClosed):
            while not self._over.is_set():
                due = min((when for _, when in self._timers.values()), default=time.monotonic() + 0.2)
                due = min(due, self._live_due if self._live else due)
                try:
                    data = self.socket.recv(timeout=max(0.0, due - time.monotonic()))
                except TimeoutError:
                    self._tick()
                    self._fetch()
                else:
                    self.bytes += len(data)
                    self._take(data)

    def close(self) -> None:
        """Leave."""
        self._over.set()
        self.socket.close()

    def _tick(self) -> None:
        now = time.monotonic()
        for fragment, (interval, when) in list(self._timers.items()):
            if when <= now:
                self._timers[fragment] = (interval, now + interval)
                self.reruns += 1
                self.rerun(fragment)

    def _fetch(self) -> None:
        """What `live.js` does: the live parts, once a second."""
        if not self._live or time.monotonic() < self._live_due or self._http is None:
            return
        self._live_due = time.monotonic() + LIVE_S
        self._http.request("GET", f"/{self._live}", headers={"Accept-Encoding": "gzip"})
        answer = self._http.getresponse()
        body = answer.read()
        self.bytes += len(body)
        self.fetched += answer.status == HTTPStatus.OK
        self._note(gzip.decompress(body) if answer.headers["Content-Encoding"] == "gzip" else body)

    def _note(self, data: bytes) -> None:
        for word in [each for each in self.awaited if each.encode() in data]:
            self.heard[word] = time.monotonic()
            self.awaited.discard(word)

    def _take(self, data: bytes) -> None:
        self._note(data)
        if found := LIVE.search(data):
            self._live = unescape(found[1].decode())
        message = ForwardMsg.FromString(data)
        kind = message.WhichOneof("type")
        if kind == "new_session":
            self._page_hash = message.new_session.page_script_hash
        elif kind == "navigation":
            self._page_hash = message.navigation.page_script_hash
        elif kind == "auto_rerun":
            interval = message.auto_rerun.interval
            self._timers[message.auto_rerun.fragment_id] = (interval, time.monotonic() + interval)
        elif kind == "script_finished":
            self._finished.set()


@contextmanager
def open_session(port: int, page: str, query: str) -> Iterator[Session]:
    """A session on a page of the app on this machine, listening until the end of the block."""
    socket = connect(f"ws://127.0.0.1:{port}/_stcore/stream", subprotocols=["streamlit"], max_size=None)  # type: ignore[list-item]
    http = HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    session = Session(socket, page, query, _http=http)
    listener = threading.Thread(target=session.listen, daemon=True)
    listener.start()
    try:
        yield session
    finally:
        session.close()
        listener.join(5)
        http.close()
