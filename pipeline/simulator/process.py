"""A simulator as a child process that ends when its parent does, however the parent ends.

The child's standard input is a pipe from the parent: its first line is the config (so that no secret shows in a list of
processes), its end is the order to stop. The operating system closes the pipe even when the parent is killed.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self, cast

from .config import SimulatorConfig
from .server import HOST, Simulator

__all__ = ["Spawned", "spawn", "stop_with_stdin", "write_ready_file"]

_ROOT = Path(__file__).resolve().parents[2]
_STOP_TIMEOUT_S = 5.0


class Spawned:
    """A simulator in a child process; a context manager that closes it."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self._process, self.port, self.pid = process, port, process.pid
        self.url = f"http://{HOST}:{port}"
        self.api_url, self.token_url = f"{self.url}/v1/", f"{self.url}/api/token"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def is_alive(self) -> bool:
        """True while the child runs."""
        return self._process.poll() is None

    def close(self) -> None:
        """Ends the child; twice does no harm."""
        _end(self._process)


def spawn(config: SimulatorConfig | None = None, *, timeout_s: float = 20.0) -> Spawned:
    """A child process that answers requests. Raises RuntimeError with its last words if it does not in `timeout_s`."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))}
    with tempfile.TemporaryFile() as words:
        process = subprocess.Popen(
            [sys.executable, "-m", f"{__package__}.process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=words,
            env=environment,
            **_apart(),
        )
        line = b""
        try:
            _pipe(process.stdin).write((config or SimulatorConfig()).to_json().encode() + b"\n")
            _pipe(process.stdin).flush()
            line = _first_line(_pipe(process.stdout), timeout_s)
            return Spawned(process, json.loads(line)["port"])
        except (OSError, ValueError) as error:
            _end(process)
            words.seek(0)
            told = words.read().decode(errors="replace").strip()[-2000:] or f"it said {line!r}"
            raise RuntimeError(f"the simulator did not start (waiting {timeout_s:.0f} s at most): {told}") from error


def stop_with_stdin(simulator: Simulator) -> None:
    """Stops the simulator, and if need be the process, when standard input ends; returns at once."""
    stdin = sys.stdin.fileno()

    def watch() -> None:
        while os.read(stdin, 4096):
            pass
        simulator.stop()
        threading.Event().wait(_STOP_TIMEOUT_S)
        os._exit(0)

    threading.Thread(target=watch, name="stop-with-stdin", daemon=True).start()


def ready_message(port: int) -> dict[str, Any]:
    """Where a simulator on this port is reached, as the ready file and the child's first line tell it."""
    url = f"http://{HOST}:{port}"
    return {"port": port, "api_url": f"{url}/v1/", "token_url": f"{url}/api/token", "pid": os.getpid()}


def write_ready_file(path: Path, port: int) -> None:
    """Writes `ready_message` so that a reader sees the whole file or none."""
    hidden = path.with_name(f".{path.name}.{os.getpid()}")
    hidden.write_text(json.dumps(ready_message(port)) + "\n", encoding="utf-8")
    hidden.replace(path)


def _serve_as_child() -> None:
    def ready(port: int) -> None:
        sys.stdout.write(json.dumps(ready_message(port)) + "\n")
        sys.stdout.flush()

    try:
        simulator = Simulator(SimulatorConfig.from_json(sys.stdin.buffer.readline().decode()))
        stop_with_stdin(simulator)
        simulator.serve(ready)
    except (ValueError, OSError) as error:
        sys.exit(str(error))


def _first_line(stream: IO[bytes], timeout_s: float) -> bytes:
    found: queue.Queue[bytes] = queue.Queue()
    threading.Thread(target=lambda: found.put(stream.readline()), name="simulator-ready", daemon=True).start()
    try:
        return found.get(timeout=timeout_s)
    except queue.Empty as error:
        raise TimeoutError(timeout_s) from error


def _end(process: subprocess.Popen[bytes]) -> None:
    stdin = _pipe(process.stdin)
    if not stdin.closed:
        with contextlib.suppress(OSError):  # the child may be gone already
            stdin.close()
    try:
        process.wait(_STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    _pipe(process.stdout).close()


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    return cast("IO[bytes]", stream)


def _apart() -> dict[str, Any]:
    """A group of its own: Ctrl-C in the parent's terminal is the parent's affair."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}


if __name__ == "__main__":
    _serve_as_child()
