"""Where cores are few, pages and other programs go before what collects and publishes."""

from __future__ import annotations

import errno
import logging
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from pipeline.priority import NICENESS, give_way
from pipeline.service.scheduler import Service
from pipeline.simulator.config import SimulatorConfig
from pipeline.simulator.server import running
from tests.apps import until
from tests.commands import ROOT
from tests.worlds import settings_for

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a priority is that of a whole process"),
    pytest.mark.skipif(os.getpriority(os.PRIO_PROCESS, 0) >= NICENESS, reason="these tests give way themselves"),
]

COMMAND = """
import os, pathlib, runpy, sys
sys.argv = ["pipeline", "dag"]
try:
    runpy.run_module("pipeline", run_name="__main__")
finally:
    pathlib.Path("told").write_text(str(os.getpriority(os.PRIO_PROCESS, 0)))
"""


class Priorities(logging.Handler):
    """Under which priority each thread logs."""

    def __init__(self) -> None:
        super().__init__()
        self.of: dict[int, int] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Called by the thread that logs."""
        self.of[record.thread or 0] = os.getpriority(os.PRIO_PROCESS, 0)


@pytest.fixture
def told() -> Any:
    """What threads of the pipeline log under."""
    handler, log = Priorities(), logging.getLogger("pipeline")
    before = log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    yield handler.of
    log.setLevel(before)
    log.removeHandler(handler)


@pytest.mark.parametrize(("asked", "found"), [(0, NICENESS), (12, 12)])
def test_command_gives_way(asked: int, found: int, tmp_path: Path) -> None:
    """A command lets other programs go first, and does not come forward where it was told to stand back further."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    line = ["nice", "-n", str(asked), sys.executable, "-c", COMMAND]
    subprocess.run(line, cwd=tmp_path, env=environment, check=True, stdout=subprocess.DEVNULL)
    assert int((tmp_path / "told").read_text()) == max(found, os.getpriority(os.PRIO_PROCESS, 0) + asked)


def test_run_gives_way_to_pages(tmp_path: Path, clock: Any, told: dict[int, int]) -> None:
    """In the app a run lets pages go first; the thread that started the app stays as it was."""
    mine = os.getpriority(os.PRIO_PROCESS, 0)
    config = SimulatorConfig(profile="extended", artists=8, seed=5, now="2026-03-10T12:00:00Z")
    with running(config) as world:
        service = Service(settings_for(world, tmp_path, schedule=""), clock.now)
        service.start()
        try:
            until(lambda: [run for run in service.ledger.runs() if run["finished_at"]])
            until(lambda: service.status().active is None)
        finally:
            service.stop()
    assert os.getpriority(os.PRIO_PROCESS, 0) == mine
    assert NICENESS in told.values()
    assert told.get(threading.get_ident(), mine) == mine


def test_refused_priority_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a service may not lower itself, as hardened ones may not, it goes on as it is."""

    def refuse(*_: int) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "setpriority", refuse)
    give_way()
