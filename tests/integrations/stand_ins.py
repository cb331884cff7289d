"""What stands in for BigQuery and Snowflake here: programs on a free port that tests start and stop."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from pathlib import Path

from tests.apps import free_port

__all__ = ["S3", "BigQuery", "Snowflake", "StandIn"]

START_S = 90


class StandIn(ABC):
    """A program that runs until `close`, in a folder that goes with it."""

    def __init__(self) -> None:
        self.folder, self.port = Path(tempfile.mkdtemp(prefix="garimpo-cloud-")), free_port()
        self.start()

    @abstractmethod
    def command(self) -> list[str]:
        """What runs it."""

    def start(self) -> None:
        """Start it, and wait until it listens."""
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        end = time.monotonic() + START_S
        while self.process.poll() is None and time.monotonic() < end:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                time.sleep(0.2)
            else:
                return
        raise RuntimeError((self.folder / "log").read_text(encoding="utf-8")[-2000:])

    def stop(self, number: int = signal.SIGKILL) -> None:
        """End it by a signal."""
        self.process.send_signal(number)
        self.process.wait(START_S)

    def close(self) -> None:
        """End it and remove its data."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


class BigQuery(StandIn):
    """local-bigquery, which keeps its tables in the folder."""

    def command(self) -> list[str]:
        """Its REST API on our port."""
        place = ["--host", "127.0.0.1", "--port", str(self.port), "--grpc-port", str(free_port())]
        return [os.environ["LOCAL_BIGQUERY"], "serve", *place, "--data-dir", str(self.folder / "data")]

    def address(self, dataset: str) -> str:
        """The address of a dataset."""
        return f"bigquery://garimpo/{dataset}?endpoint=http://127.0.0.1:{self.port}"


class Snowflake(StandIn):
    """fakesnow, which keeps its tables in memory; it knows one password."""

    def __init__(self, password: str) -> None:
        self.password = password
        super().__init__()

    def command(self) -> list[str]:
        """Its REST API on our port."""
        program = Path(__file__).parent / "snowflake" / "fakesnow_with_password.py"
        return [os.environ["FAKESNOW"], str(program), str(self.port), self.password]

    def address(self, schema: str) -> str:
        """The address of a schema."""
        place = f"host=127.0.0.1&port={self.port}&protocol=http&login_timeout=5&network_timeout=20"
        return f"snowflake://garimpo:{self.password}@account/garimpo/{schema}?{place}"


class S3(StandIn):
    """moto's server, with one bucket."""

    def command(self) -> list[str]:
        """Its REST API on our port."""
        return [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]
