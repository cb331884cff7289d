"""Tests of other systems need those systems: `run.sh` sets them up, the plain suite leaves them out.

They share a small world, and what threads publish of it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.register_assert_rewrite(*(f"tests.integrations.warehouse_{name}" for name in ("servers", "shared", "store")))
collect_ignore_glob = [] if os.environ.get("INTEGRATION") else ["*"]


@pytest.fixture(scope="module")
def simulated(request: pytest.FixtureRequest) -> Iterator[Any]:
    """A small world, of which as many genres are asked as the test's file says in GENRES, or all."""
    from tests.integrations import far

    with far.small_world() as running:
        running.genres = running.genres[: getattr(request.module, "GENRES", None)]
        yield running


@pytest.fixture(scope="module")
def wanted(simulated: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    """What threads publish of it."""
    from tests.integrations import far

    folder = tmp_path_factory.mktemp("threads")
    assert far.collect(simulated, folder, "threads").state == "succeeded"
    return far.published(folder)


@pytest.fixture
def data(simulated: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own, in settings of the environment; nothing asked yet, nothing broken."""
    from tests.integrations import far

    for name, value in far.variables(simulated, tmp_path).items():
        monkeypatch.setenv(name, value)
    simulated.restart()
    return tmp_path
