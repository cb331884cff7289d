"""Connections that keep to a deadline, and that somebody else may end.

A read time-out bounds the silence between two bytes, not a server that sends one byte a second: here every read looks
at the deadline of the whole exchange, which its thread set in `FLIGHT`. Imports nothing of ours.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable
from typing import Any

import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.util.ssl_ import create_urllib3_context

__all__ = ["FLIGHT", "BoundedAdapter", "Flight"]


class Flight(threading.local):
    """The exchange that a thread is making: its end, and who wants to know of its sockets."""

    deadline: float = 0.0
    watch: Callable[[socket.socket], None]

    def left_s(self) -> float:
        """Seconds to the deadline; raises TimeoutError when there are none."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("deadline")
        return left


FLIGHT = Flight()


class _Bounded(socket.socket):
    """A socket whose reads end at the deadline of the exchange, however slowly bytes come."""

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        self.settimeout(FLIGHT.left_s())
        return super().recv_into(*args, **kwargs)


class _BoundedTLS(_Bounded, ssl.SSLSocket):
    """The same under TLS; watched before the handshake, which may hang too."""

    def do_handshake(self, *args: Any, **kwargs: Any) -> None:
        FLIGHT.watch(self)
        self.settimeout(FLIGHT.left_s())
        super().do_handshake(*args, **kwargs)


class _Connecting(HTTPConnection):
    """Opens bounded sockets; each address of a name gets its share of the time left."""

    def _new_conn(self) -> socket.socket:
        addresses = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        problem = OSError("the name has no address")
        for position, (family, kind, protocol, _, address) in enumerate(addresses):
            opened = _Bounded(family, kind, protocol)
            try:
                FLIGHT.watch(opened)
                opened.settimeout(FLIGHT.left_s() / (len(addresses) - position))
                opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                opened.connect(address)
            except OSError as error:
                opened.close()
                problem = error
            else:
                return opened
        raise problem


class _ConnectingTLS(_Connecting, HTTPSConnection):
    """The same under TLS."""


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Connecting


class _PoolTLS(urllib3.HTTPSConnectionPool):
    ConnectionCls = _ConnectingTLS


class BoundedAdapter(HTTPAdapter):
    """Pools of bounded connections, without retries of their own."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """The pools for direct connections."""
        self._tls = create_urllib3_context()
        self._tls.sslsocket_class = _BoundedTLS
        super().init_poolmanager(*args, ssl_context=self._tls, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _PoolTLS}

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        """The pools for connections by a proxy."""
        manager = super().proxy_manager_for(proxy, ssl_context=self._tls, **kwargs)
        manager.pool_classes_by_scheme = {"http": _Pool, "https": _PoolTLS}
        return manager
