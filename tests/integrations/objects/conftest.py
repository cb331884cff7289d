"""A server for all tests that do not end it, who may write there, and a simulator to collect from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from runs import collect
from seaweed import KEY, SECRET, Seaweed

from tests.integrations import far


@pytest.fixture(scope="session")
def server(tmp_path_factory) -> Iterator[Seaweed]:
    """An S3-compatible server with a bucket."""
    running = Seaweed(tmp_path_factory.mktemp("seaweed"))
    yield running
    running.end()


@pytest.fixture
def begin_server() -> Iterator[Callable[[Path], Seaweed]]:
    """Begins a server of a test's own in a folder; it ends with the test at the latest."""
    begun: list[Seaweed] = []

    def begin(folder: Path) -> Seaweed:
        begun.append(Seaweed(folder))
        return begun[-1]

    yield begin
    for each in begun:
        each.end()


@pytest.fixture(scope="session")
def simulated() -> Iterator[far.World]:
    """A small world."""
    with far.small_world() as running:
        yield running


@pytest.fixture(scope="session")
def whole(simulated: far.World, tmp_path_factory) -> dict[str, object]:
    """What a run without a store publishes."""
    folder = tmp_path_factory.mktemp("whole")
    assert collect(simulated, folder, "").state == "succeeded"
    return far.published(folder)


@pytest.fixture(autouse=True)
def credentials(monkeypatch) -> None:
    """Of who may write, where AWS's own tools look for them."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
