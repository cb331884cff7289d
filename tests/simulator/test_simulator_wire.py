"""What happens on the wire, seen by a client that reads the socket itself."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests

Simulate = Callable[..., Any]


@contextmanager
def asked(site: Any, path: str = "markets") -> Iterator[socket.socket]:
    """A socket over which a request has just been sent."""
    token = site.session.headers["Authorization"]
    text = f"GET /v1/{path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {token}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", site.simulator.port), timeout=10) as connection:
        connection.sendall(text.encode())
        yield connection


def read_all(connection: socket.socket) -> bytes:
    """Everything until the server closes."""
    found = b""
    while chunk := connection.recv(65536):
        found += chunk
    return found


def struck(simulate: Simulate, **rule: Any) -> Any:
    """A simulator with one rule for the markets."""
    return simulate(scenario={"rules": [{"where": "markets"} | rule]})


def test_reset_is_a_reset(simulate: Simulate) -> None:
    """The client's next read fails with a connection reset, and not one byte arrives before."""
    site = struck(simulate, what="reset")
    with asked(site) as connection, pytest.raises(ConnectionResetError):
        connection.recv(1)
    assert site.simulator.counts()["by_status"] == {"reset": 1}


def test_truncated_promises_more(simulate: Simulate) -> None:
    """content-length is that of the whole body, two thirds of it arrive, then the connection is closed in order."""
    site = struck(simulate, what="truncated")
    with asked(site) as connection:
        head, body = read_all(connection).split(b"\r\n\r\n", 1)
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"content-length: 323" in head
    assert len(body) == 215
    assert site.simulator.counts()["by_status"] == {"truncated": 1}


def test_timeout_is_silence(simulate: Simulate) -> None:
    """Not a byte comes; meanwhile other requests are answered; the server stays well when the client leaves."""
    site = struck(simulate, what="timeout")
    with asked(site) as connection:
        assert site.get("search", q="a", type="artist").status_code == 200
        connection.settimeout(0.2)
        with pytest.raises(TimeoutError):
            connection.recv(1)
    assert site.get("search", q="a", type="artist").status_code == 200
    assert site.simulator.counts()["by_status"] == {"200": 2, "timeout": 1}


def test_timeout_ends_in_a_close(simulate: Simulate) -> None:
    """After hang_s the connection is closed without an answer."""
    site = struck(simulate, what="timeout", hang_s=0.2)
    with asked(site) as connection:
        assert read_all(connection) == b""


def test_dribble_arrives_in_pieces(simulate: Simulate) -> None:
    """The whole answer arrives, a few bytes at a time."""
    site = struck(simulate, what="dribble", chunk=40, pause_s=0.01)
    started = time.perf_counter()
    answer = site.get("markets")
    assert (len(answer.content), answer.json()["markets"][0]) == (323, "AR")
    assert time.perf_counter() - started >= 8 * 0.01


def test_dribble_ends_with_its_client(simulate: Simulate) -> None:
    """When the client leaves in mid-answer the server goes on with the others."""
    site = struck(simulate, what="dribble", chunk=1, pause_s=0.05)
    with asked(site) as connection:
        assert connection.recv(9) == b"HTTP/1.1 "
    assert site.get("search", q="a", type="artist").status_code == 200


def test_slow_answer_is_late_and_whole(simulate: Simulate) -> None:
    """The answer is a good one, delay_s late; other requests do not wait for it."""
    site = struck(simulate, what="slow", delay_s=0.4)
    started = time.perf_counter()
    with asked(site) as connection:
        assert site.get("search", q="a", type="artist").status_code == 200
        assert time.perf_counter() - started < 0.4
        assert connection.recv(12) == b"HTTP/1.1 200"
    assert time.perf_counter() - started >= 0.4


def test_latency_is_before_every_answer(simulate: Simulate) -> None:
    """latency_ms is waited before each answer, refusals included."""
    site = simulate(latency_ms=60)
    for path in ("markets", "nonsense"):
        started = time.perf_counter()
        site.get(path)
        assert time.perf_counter() - started >= 0.06


@pytest.mark.parametrize(
    ("rule", "own_seed"),
    [
        ({"what": "timeout"}, 101),
        ({"what": "dribble", "chunk": 1, "pause_s": 60.0}, 102),
        ({"what": "slow", "delay_s": 60.0}, 103),
    ],
)
def test_stopping_ends_what_hangs(simulate: Simulate, rule: dict[str, Any], own_seed: int) -> None:
    """A server that is told to stop does not wait for answers that hang, dribble or dawdle."""
    site = simulate(scenario={"rules": [{"where": "markets"} | rule]}, seed=own_seed)
    with asked(site) as connection:
        assert site.get("search", q="a", type="artist").status_code == 200
        started = time.perf_counter()
        site.simulator.simulator.stop()
        read_all(connection)
    assert time.perf_counter() - started < 2


def test_token_endpoint_can_hang_up(simulate: Simulate) -> None:
    """Wire faults strike the token endpoint, too."""
    site = simulate()
    site.simulator.set_scenario({"rules": [{"what": "reset", "where": "token", "times": 1}]})
    with pytest.raises(requests.ConnectionError):
        site.renew_token()
    site.renew_token()


def test_kept_connections_are_quick(simulate: Simulate) -> None:
    """On a kept connection no answer waits for a delayed acknowledgement (40 ms each)."""
    site = simulate()
    site.get("markets")
    started = time.perf_counter()
    site.statuses("markets", 25)
    assert time.perf_counter() - started < 25 * 0.03
