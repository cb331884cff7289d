"""Bytes on the wire, good and bad: whole answers, and answers that hang, break off, crawl or end in a reset.

The misbehaviours need the connection itself; uvicorn's `send` is a method of the object that holds the transport.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, NamedTuple

__all__ = [
    "Dribble",
    "Receive",
    "Scope",
    "Send",
    "break_off",
    "close_silently",
    "dribble",
    "hang",
    "reset",
    "send_whole",
]

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]


class Dribble(NamedTuple):
    """How an answer crawls: so many bytes at a time, a pause before each piece, until the server stops."""

    chunk: int
    pause_s: float
    stopping: asyncio.Event


async def send_whole(send: Send, status: int, headers: Headers, body: bytes) -> None:
    """Sends a whole answer."""
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def hang(receive: Receive, seconds: float, stopping: asyncio.Event) -> None:
    """Waits in silence until the client goes away, the time is up or the server stops."""
    waiters = [asyncio.ensure_future(_gone(receive)), asyncio.ensure_future(stopping.wait())]
    try:
        await asyncio.wait(waiters, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for waiter in waiters:
            waiter.cancel()


async def reset(receive: Receive, send: Send) -> None:
    """Closes the connection with RST: lingering zero seconds drops it without the usual farewell."""
    transport = _transport(send)
    connection = transport.get_extra_info("socket")
    linger = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    transport.abort()
    await _gone(receive)


async def break_off(receive: Receive, send: Send, status: int, headers: Headers, body: bytes, sent: int) -> None:
    """Announces the whole body, sends the first `sent` bytes and closes the connection."""
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body[:sent], "more_body": True})
    _transport(send).close()
    await _gone(receive)


async def dribble(receive: Receive, send: Send, status: int, headers: Headers, body: bytes, pace: Dribble) -> None:
    """Sends the answer in small pieces with a pause before each."""
    await send({"type": "http.response.start", "status": status, "headers": headers})
    for start in range(0, len(body), pace.chunk):
        await hang(receive, pace.pause_s, pace.stopping)
        if pace.stopping.is_set() or _transport(send).is_closing():
            await close_silently(receive, send)
            return
        piece = body[start : start + pace.chunk]
        await send({"type": "http.response.body", "body": piece, "more_body": start + pace.chunk < len(body)})


async def close_silently(receive: Receive, send: Send) -> None:
    """Closes the connection without an answer."""
    _transport(send).close()
    await _gone(receive)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _transport(send: Send) -> asyncio.Transport:
    transport: asyncio.Transport = send.__self__.transport  # type: ignore[attr-defined]
    return transport
