"""The app as a process of its own on a free port, for tests that open it, kill it or log into it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.routing import BaseRoute

__all__ = ["RunningApp", "free_port", "running_app", "serving", "until"]

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class RunningApp:
    """An app that serves."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path


@contextmanager
def running_app(
    folder: Path, variables: Mapping[str, str], options: Sequence[str] = (), port: int = 0
) -> Iterator[RunningApp]:
    """The app with its data and log in a folder; it ends promptly when told to, unless it was killed before."""
    port, log = port or free_port(), folder / "server.log"
    command = [sys.executable, "-m", "streamlit", "run", "app.py", f"--server.port={port}", "--server.headless=true"]
    bare = {name: value for name, value in os.environ.items() if not name.startswith(("GARIMPO_", "SPOTIPY_"))}
    environment = {**bare, "GARIMPO_DATA": str(folder / "data"), **variables}
    with log.open("ab") as stream:
        process = subprocess.Popen([*command, *options], cwd=ROOT, env=environment, stdout=stream, stderr=stream)
        try:
            _wait_for(f"http://127.0.0.1:{port}/healthz", process, log)
            yield RunningApp(f"http://127.0.0.1:{port}", process, log)
        finally:
            if process.poll() is None:
                process.terminate()
            process.wait(timeout=60)


@contextmanager
def serving(routes: Sequence[BaseRoute]) -> Iterator[str]:
    """Routes, answered by this process at the address given."""
    port = free_port()
    config = uvicorn.Config(Starlette(routes=routes), host="127.0.0.1", port=port, log_level="error", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until(lambda: server.started)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(is_so: Callable[[], Any]) -> Any:
    """What a condition gives once it holds; fails after a minute and a half."""
    end = time.monotonic() + 90
    while time.monotonic() < end:
        if found := is_so():
            return found
        time.sleep(0.05)
    raise AssertionError("it never came to be")


def _wait_for(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urlopen(address, timeout=2):  # noqa: S310  an address on this machine
                return
        except (URLError, OSError):
            time.sleep(0.2)
    pytest.fail(f"The server did not start:\n{log.read_text(encoding='utf-8', errors='replace')}")
