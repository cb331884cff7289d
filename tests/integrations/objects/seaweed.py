"""SeaweedFS as one process on free ports of 127.0.0.1: an S3-compatible server that can be ended and begun again."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from pathlib import Path

from pyarrow.fs import S3FileSystem

__all__ = ["KEY", "SECRET", "Seaweed"]

KEY, SECRET = "garimpo", "a-key-that-no-log-may-show"
PORTS = ("master.port", "master.port.grpc", "volume.port", "volume.port.grpc", "filer.port", "filer.port.grpc")
PORTS += ("s3.port", "s3.port.grpc")
START_S = 60


class Seaweed:
    """A server that keeps everything in a folder; one bucket, `garimpo`, and one who may write."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder, self._options = folder, options
        folder.mkdir(parents=True, exist_ok=True)
        people = [
            {"name": KEY, "credentials": [{"accessKey": KEY, "secretKey": SECRET}],
             "actions": ["Admin", "Read", "Write", "List"]},
            {"name": "reader", "credentials": [{"accessKey": "reader", "secretKey": SECRET}],
             "actions": ["Read", "List"]},
        ]  # fmt: skip
        (folder / "people.json").write_text(json.dumps({"identities": people}))
        sockets = [socket.socket() for _ in PORTS]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        self._ports = {name: each.getsockname()[1] for name, each in zip(PORTS, sockets, strict=True)}
        for each in sockets:
            each.close()
        self.endpoint = f"http://127.0.0.1:{self._ports['s3.port']}"
        self.begin()

    def address(self, prefix: str = "", bucket: str = "garimpo") -> str:
        """For `GARIMPO_STORE`."""
        return f"s3://{bucket}/{prefix}?endpoint_override={self.endpoint}&region=us-east-1"

    def files(self) -> S3FileSystem:
        """The server as pyarrow sees it."""
        return S3FileSystem(
            access_key=KEY, secret_key=SECRET, endpoint_override=self.endpoint, region="us-east-1",
            allow_bucket_creation=True,
        )  # fmt: skip

    def begin(self) -> None:
        """Start it, and wait until the bucket is there."""
        told = [f"-{name}={port}" for name, port in self._ports.items()]
        command = [
            os.environ["WEED"], f"-logdir={self.folder}", "server", f"-dir={self.folder}", "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1", "-filer", "-s3",
            f"-s3.config={self.folder / 'people.json'}", "-s3.autoCreateBucket=false", "-s3.port.iceberg=0",
            "-s3.port.lance=0", "-master.volumeSizeLimitMB=16", *(self._options or ("-volume.max=0",)), *told,
        ]  # fmt: skip
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder)
        end = time.monotonic() + START_S
        while True:
            try:
                self.files().create_dir("garimpo")
            except OSError:
                if time.monotonic() > end or self.process.poll() is not None:
                    raise
                time.sleep(0.2)
            else:
                return

    def end(self) -> None:
        """Kill it; what it took stays in its folder."""
        self.process.kill()
        self.process.wait()
