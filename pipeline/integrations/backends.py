"""Workers by address: which file knows a scheme, and a clear word where its package is missing.

Each of those files has `open_workers(address) -> Workers`; nothing of a system is imported before it is asked for.
"""

from __future__ import annotations

import importlib
import socket
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from pipeline.errors import SettingsError
from pipeline.source.allowance import Workers
from pipeline.source.collect import MOST_BYTES

__all__ = ["MODULES", "Pool", "listens", "open_workers"]

MODULES = {
    "dask": "dask_workers",
    "ray": "ray_workers",
    "spark": "spark_workers",
    "lambda": "lambda_client",
    "gcf": "functions_client",
}


@dataclass
class Pool:
    """Workers behind an executor of this process, which hands every call to its system."""

    executor: Executor
    slots: int
    most_bytes: int = MOST_BYTES

    def submit(self, function: Any, *arguments: Any) -> Future[Any]:
        """The call on its way."""
        return self.executor.submit(function, *arguments)

    def is_alive(self) -> bool:
        """Whether the system still answers."""
        return True

    def close(self) -> None:
        """Forget what is under way."""
        self.executor.shutdown(wait=False, cancel_futures=True)


def listens(address: str) -> bool:
    """Whether anything does, at scheme://host:port."""
    place = urlsplit(address)
    try:
        socket.create_connection((place.hostname or "", place.port or 0), 2).close()
    except OSError:
        return False
    return True


def open_workers(address: str) -> Workers:
    """The workers at an address of `GARIMPO_BACKEND`; raises SettingsError, and then nothing was started."""
    scheme = address.partition("://")[0]
    try:
        opened: Workers = importlib.import_module(f"{__package__}.{MODULES[scheme]}").open_workers(address)
        return opened
    except ImportError as error:
        raise SettingsError(
            f"GARIMPO_BACKEND {address} needs the package {error.name}: pip install --group {scheme} installs it. "
            "Nothing was started."
        ) from None
    except (OSError, RuntimeError, ValueError) as error:
        told = str(error).splitlines()[0][:300] if str(error) else "no message"
        raise SettingsError(
            f"GARIMPO_BACKEND {address} cannot be reached ({type(error).__name__}: {told}). Start it, or set it to "
            "threads. Nothing was started."
        ) from None
