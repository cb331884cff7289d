"""Running a simulator inside this process: as an ASGI application, or served by uvicorn in a thread."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import uvicorn

from .app import SimulatorApp
from .clock import iso
from .config import SimulatorConfig
from .requestlog import RequestLog
from .world import World

__all__ = ["Running", "Simulator", "running"]

HOST = "127.0.0.1"
_START_TIMEOUT_S = 30.0


class Simulator:
    """A world and its ASGI application `app`; `serve` blocks until `stop` is called from any thread."""

    def __init__(self, config: SimulatorConfig | None = None) -> None:
        self.config = config or SimulatorConfig()
        self.world = World(self.config)
        self._log = RequestLog(self.config.request_log)
        self.app = SimulatorApp(self.world, self._log)
        self._server: _Server | None = None
        self._is_stopped = False

    def serve(self, on_ready: Callable[[int], None] = lambda _: None) -> None:
        """Serves on 127.0.0.1; `on_ready` gets the port once requests are answered. Raises OSError if it is taken."""
        # IPPROTO_TCP is said aloud: asyncio switches Nagle's delay off only where it sees it
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        with contextlib.ExitStack() as stack:
            stack.callback(listener.close)
            stack.callback(self._log.close)
            if os.name == "posix":  # connections that linger do not hold the port; Windows means something else by it
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            _bind(listener, self.config.port)
            port = listener.getsockname()[1]
            config = uvicorn.Config(
                self.app,
                log_config=None,
                log_level=logging.ERROR,
                access_log=False,
                server_header=False,
                date_header=False,
                lifespan="on",
                proxy_headers=False,
                ws="none",
                timeout_keep_alive=600,  # an idle connection closed under a client looks like a fault nobody ordered
                timeout_graceful_shutdown=3,
            )
            self._server = _Server(config, self.app, lambda: on_ready(port))
            self._server.should_exit = self._is_stopped
            self._server.run(sockets=[listener])

    def stop(self) -> None:
        """Makes `serve` return soon."""
        self._is_stopped = True
        if self._server is not None:
            self._server.should_exit = True


def _bind(listener: socket.socket, port: int) -> None:
    try:
        listener.bind((HOST, port))
    except OSError as error:
        raise OSError(
            f"port {port} of {HOST} cannot be had ({error.strerror}); name another one by --port, or 0 for a free one"
        ) from error


class Running:
    """A served simulator: where it is, and its switches without HTTP."""

    def __init__(self, simulator: Simulator, port: int) -> None:
        self.simulator, self.port = simulator, port
        self.url = f"http://{HOST}:{port}"
        self.api_url, self.token_url = f"{self.url}/v1/", f"{self.url}/api/token"
        world = simulator.world
        self.advance, self.reset, self.truth = world.advance, world.reset, world.truth
        self.set_clock, self.set_profile, self.set_scenario = world.set_clock, world.set_profile, world.set_scenario
        self.catalog = world.catalog_info

    @property
    def now(self) -> str:
        """The simulated instant in ISO form."""
        return iso(self.simulator.world.clock.now())

    def counts(self) -> Mapping[str, Any]:
        """What was asked since the last reset."""
        return self.simulator.world.counts.snapshot()


@contextlib.contextmanager
def running(config: SimulatorConfig | None = None) -> Iterator[Running]:
    """Serves a simulator in a thread for as long as the context lasts. Raises what building or binding raises."""
    simulator = Simulator(config)
    ready, ports, failures = threading.Event(), list[int](), list[BaseException]()

    def started(port: int) -> None:
        ports.append(port)
        ready.set()

    def serve() -> None:
        try:
            simulator.serve(started)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - handed to the caller below
            failures.append(error)
        finally:
            ready.set()

    thread = threading.Thread(target=serve, name="simulator", daemon=True)
    thread.start()
    if not ready.wait(_START_TIMEOUT_S) or not ports:
        simulator.stop()
        raise failures[0] if failures else TimeoutError(f"the simulator did not start within {_START_TIMEOUT_S:.0f} s")
    try:
        yield Running(simulator, ports[0])
    finally:
        simulator.stop()
        thread.join(_START_TIMEOUT_S)


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, app: SimulatorApp, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._app, self._on_ready = app, on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started:
            self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._app.release_waiting()
        await super().shutdown(sockets=sockets)
