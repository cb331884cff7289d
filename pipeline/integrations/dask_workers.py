"""Batches on the workers of a Dask cluster: `GARIMPO_BACKEND=dask://host:port`, the address of its scheduler.

Workers need this package and what it imports; they get the access to the source with each batch (use TLS between
machines: docs/integrations/dask.md). A batch is one task, never cached and never run again by Dask's own retries.
"""

from __future__ import annotations

from typing import Any

from distributed import Client

from pipeline.integrations.backends import Pool

__all__ = ["open_workers"]

CONNECT_S = 10.0
GATHERED_S = 0.002  # a client keeps what it says for 10 ms, to say more at once: longer than handing over a batch takes


class DaskWorkers(Pool):
    """A client, and the executor that Dask makes of it."""

    def __init__(self, client: Client) -> None:
        self._client = client
        threads = sum(client.nthreads().values())
        if not threads:
            client.close()
            raise RuntimeError("the scheduler has no workers")
        client.scheduler_comm.interval = GATHERED_S
        super().__init__(client.get_executor(pure=False, retries=0), threads)

    def submit(self, function: Any, *arguments: Any) -> Any:
        """The call as it is: Dask's executor takes it to a worker."""
        return self.executor.submit(function, *arguments)

    def is_alive(self) -> bool:
        """Whether the scheduler answers and has workers."""
        try:
            if self._client.status != "running":
                return False
            return bool(self._client.sync(self._client.scheduler.ncores, callback_timeout=CONNECT_S))
        except Exception:  # noqa: BLE001  a client whose scheduler is gone raises what it likes
            return False

    def close(self) -> None:
        """Let go of the scheduler; it forgets what was asked."""
        self._client.close(timeout=2)


def open_workers(address: str) -> Any:
    """The workers of the scheduler at an address; raises OSError where there is none."""
    kind = "tls" if "tls" in address.partition("?")[2] else "tcp"
    place = address.partition("://")[2].partition("?")[0]
    return DaskWorkers(Client(f"{kind}://{place}", timeout=CONNECT_S, set_as_default=False))
