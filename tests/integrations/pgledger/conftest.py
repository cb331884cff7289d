"""A server, a simulator, and what a run with a ledger in a file publishes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.runs.runner import run_pipeline
from pipeline.settings import Settings
from pipeline.workspace import ServerLedger
from tests.integrations.far import MEASURE, published_by, small_world
from tests.integrations.pgledger.server import Server
from tests.integrations.pgledger.worlds import settings_of


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A server for all tests, of which none cuts the power: only what is measured waits for the disk."""
    running = Server(*([] if MEASURE else ["fsync=off"]))
    yield running
    running.close()


@pytest.fixture
def place(server: Server) -> ServerLedger:
    """An empty database of a test's own."""
    return ServerLedger(server.database(), "garimpo_test")


@pytest.fixture(scope="session")
def simulated() -> Iterator[Any]:
    """Sixteen artists, with a little latency so that a run takes a while."""
    with small_world(artists=16, latency_ms=5) as running:
        yield running


@pytest.fixture(scope="session")
def in_file(simulated: Any, tmp_path_factory: Any) -> Settings:
    """Settings of a run that has been, with a ledger in a file."""
    settings = settings_of(simulated, tmp_path_factory.mktemp("file"))
    assert run_pipeline(settings).state == "succeeded"
    return settings


@pytest.fixture(scope="session")
def by_file(in_file: Settings) -> dict[str, list[Any]]:
    """What it published."""
    return published_by(in_file)


@pytest.fixture
def of_file(simulated: Any, in_file: Settings, tmp_path: Path) -> Settings:
    """Settings of a copy of it."""
    shutil.copytree(in_file.data, tmp_path / "file")
    return settings_of(simulated, tmp_path / "file")
