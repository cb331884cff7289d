"""Workers by address: which file knows a scheme, and a clear word where its package is missing.

Each of those files has `open_workers(address) -> Workers`; nothing of a system is imported before it is asked for.
"""

from __future__ import annotations

import importlib
import socket
from collections.abc import Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from pipeline.errors import SettingsError
from pipeline.source.allowance import Workers
from pipeline.source.collect import MOST_BYTES

__all__ = ["MODULES", "Pool", "listens", "open_workers", "require_workers"]

MODULES = {
    "dask": "dask_workers",
    "ray": "ray_workers",
    "spark": "spark_workers",
    "lambda": "lambda_client",
    "gcf": "functions_client",
}
WITH_A_HEAD = ("dask", "ray", "spark")  # at host:port; some of them look for one that is gone for a minute


@dataclass
class Pool:
    """Workers behind threads of this process, each of which waits for a call; `first` tells when they have come."""

    executor: Executor
    slots: int
    most_bytes: int = MOST_BYTES
    first: Future[Any] | None = None

    def submit(self, function: Any, *arguments: Any) -> Future[Any]:
        """The call on its way."""
        return self.executor.submit(self.perform, function, *arguments)

    def perform(self, function: Any, *arguments: Any) -> Any:
        """What the system brings."""
        return function(*arguments)

    def has_come(self) -> bool:
        """At once, unless there is a first call to wait for."""
        return self.first is None or self.first.done()

    def is_alive(self) -> bool:
        """Whether the system still answers."""
        return True

    def close(self) -> None:
        """Forget what is under way."""
        self.executor.shutdown(wait=False, cancel_futures=True)


def listens(address: str) -> bool:
    """Whether anything does, at scheme://host:port or at one of several: Spark's masters are host:port,host:port."""
    for name in address.partition("://")[2].split(","):
        place = urlsplit(f"//{name}")
        with suppress(OSError):
            socket.create_connection((place.hostname or "", place.port or 0), 2).close()
            return True
    return False


def open_workers(address: str) -> Workers:
    """The workers at an address of `GARIMPO_BACKEND`; raises SettingsError, and then nothing was started."""
    with _explained(address):
        opened: Workers = _module(address).open_workers(address)
        return opened


def require_workers(address: str) -> None:
    """Raise SettingsError where the package of an address is not installed, or nothing listens there."""
    with _explained(address):
        _module(address)


def _module(address: str) -> Any:
    scheme = address.partition("://")[0]
    module = importlib.import_module(f"{__package__}.{MODULES[scheme]}")
    if scheme in WITH_A_HEAD and not listens(address):
        raise ConnectionError("nothing listens there")
    return module


@contextmanager
def _explained(address: str) -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        group = address.partition("://")[0]
        raise SettingsError(
            f"GARIMPO_BACKEND {address} needs the package {error.name}: pip install --group {group} installs it. "
            "Nothing was started."
        ) from None
    except (OSError, RuntimeError, ValueError) as error:
        told = str(error).splitlines()[0][:300] if str(error) else "no message"
        raise SettingsError(
            f"GARIMPO_BACKEND {address} cannot be reached ({type(error).__name__}: {told}). Start it, or set it to "
            "threads. Nothing was started."
        ) from None
