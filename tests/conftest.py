"""What most tests need: a folder of their own, a ledger in it, a clock that stands still, a bare environment."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from typer import main as typer_main

from pipeline.cli.commands import main
from pipeline.records.ledger import Ledger
from pipeline.runs import runner
from pipeline.settings import Settings
from pipeline.simulator.server import Running
from pipeline.workspace import ObjectStore, Workspace, open_workspace
from tests import receipts
from tests.commands import environment
from tests.copies import made_once
from tests.harm import small_disk_at
from tests.stores import FolderStore, StoreAt, Stored, fill, place
from tests.worlds import running_world

# tests/integrations/pgledger keeps every ledger in this database instead of a file.
SERVER = os.environ.get("LEDGER_SERVER", "")
if SERVER:
    Settings.model_fields["ledger"].default = SecretStr(SERVER)
    Settings.model_rebuild(force=True)
# A process has one command line to read, these have hundreds: its commands are made of our functions once, in 40 ms.
typer_main.get_command = cache(typer_main.get_command)
Spoken = tuple[int, str, str]  # exit code, standard output, standard error


class Clock:
    """Stands at 2026-11-22 06:00 UTC until it is moved."""

    def __init__(self) -> None:
        self.instant = datetime(2026, 11, 22, 6, tzinfo=UTC)

    def now(self) -> datetime:
        """The instant it stands at."""
        return self.instant

    def move(self, **by: float) -> datetime:
        """Move it, as timedelta's arguments say; the new instant."""
        self.instant += timedelta(**by)
        return self.instant

    def wait(self, seconds: float) -> bool:
        """Pass the time at once; never cancelled."""
        self.move(seconds=seconds)
        return False


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Tests with a browser go to one process, which begins with them; others to whoever is free.

    They share a browser, a server and its demo. xdist's own groups (3.8) are not those of pytest 9.2: they do nothing.
    """
    from xdist.scheduler import LoadScopeScheduling

    class Shared(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return "browser" if nodeid.startswith("tests/browser/") else nodeid

    return Shared(config, log)


def pytest_configure() -> None:
    """What a shell runs in the background ignores SIGINT, and so would all programs that are tried."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """What all libraries and tests hold is no garbage: it is not looked through again and again."""
    gc.collect()
    gc.freeze()


def pytest_sessionfinish() -> None:
    """Libraries that find their objects alive at the very end call it a leak."""
    gc.unfreeze()


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the settings or credentials of whoever runs it."""
    for name in list(os.environ):
        if name.startswith(("SPOTIPY_", "GARIMPO_")) and name != "GARIMPO_REQUIRE_BROWSER":
            monkeypatch.delenv(name)
    if SERVER:
        monkeypatch.setenv("GARIMPO_LEDGER", SERVER)


@pytest.fixture(autouse=True)
def bare_server() -> None:
    """No test finds what another one left in the database."""
    if SERVER:
        import psycopg

        from pipeline.integrations import postgres_sessions

        for pool in postgres_sessions._pools.values():
            pool.end_idle()
        postgres_sessions._pools.clear()
        with psycopg.connect(SERVER, autocommit=True) as session:
            ours = "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'garimpo\\_%'"
            for (name,) in session.execute(ours).fetchall():
                session.execute(f'DROP SCHEMA "{name}" CASCADE')


@pytest.fixture(autouse=True)
def own_main(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test of a page, which Streamlit runs as the main module, does not stay the main module of later processes."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still."""
    return Clock()


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """An empty workspace named test."""
    return open_workspace(Settings(data=tmp_path / "data", workspace="test"))


@pytest.fixture
def at_hand(workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """The workspace, which commands in this process find by the environment."""
    monkeypatch.setenv("GARIMPO_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("GARIMPO_WORKSPACE", workspace.name)
    monkeypatch.chdir(tmp_path)
    return workspace


@pytest.fixture
def ledger(workspace: Workspace, clock: Clock) -> Iterator[Ledger]:
    """The workspace's ledger, on the clock that stands still."""
    with closing(Ledger(workspace.ledger, clock.now)) as opened:
        yield opened


@pytest.fixture
def world(request: pytest.FixtureRequest) -> Iterator[Running]:
    """A simulated Spotify as the test's module says by `WORLD`; eight artists on a fixed day where it says nothing."""
    with running_world(**getattr(request.module, "WORLD", {})) as simulator:
        yield simulator


@pytest.fixture
def settings(world: Running, tmp_path: Path) -> dict[str, str]:
    """The environment of commands that collect from it."""
    return environment(world, tmp_path / "data")


@pytest.fixture(params=[2**20, 0], ids=["walking", "strict"])
def small(request: pytest.FixtureRequest) -> int:
    """Both readers of answers, by the size up to which a file counts as small."""
    return int(request.param)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The graph as it is, but for its waits between attempts, which are of milliseconds."""
    quick = tuple(replace(task, retry=replace(task.retry, first_wait_s=0.001, cap_s=0.002)) for task in runner.DAG)
    monkeypatch.setattr(runner, "DAG", quick)


@pytest.fixture
def service(tmp_path: Path) -> Any:
    """The service that pages ask, on an empty workspace of the demo, not started."""
    from tests.screens import install_service  # with Streamlit, which most tests do without

    return install_service(tmp_path)


@pytest.fixture
def filled(workspace: Workspace, ledger: Ledger) -> Workspace:
    """Two days of two artists, published."""
    return made_once(workspace, ledger, receipts.fill)


@pytest.fixture
def other(tmp_path: Path) -> Workspace:
    """A place where nothing is yet."""
    found = Workspace(tmp_path / "elsewhere" / "test")
    found.root.mkdir(parents=True)
    return found


@pytest.fixture
def store_at(tmp_path: Path) -> StoreAt:
    """An object store by its name: a folder."""
    return lambda name: FolderStore(tmp_path / name)


@pytest.fixture
def store(store_at: StoreAt) -> ObjectStore:
    """An empty object store."""
    return store_at("store")


@pytest.fixture
def stored(tmp_path: Path, store: ObjectStore, clock: Clock) -> Iterator[Stored]:
    """A workspace with three batches of two days, published, and kept in the store."""
    workspace = place(tmp_path / "here", store)
    with closing(Ledger(workspace.ledger, clock.now)) as opened:
        made_once(workspace, opened, fill)
        yield workspace, opened


@pytest.fixture
def small_disk(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Workspace]:
    """A workspace on a disk of 12 MB, or of the size that a test asks for."""
    with small_disk_at(tmp_path / "small", getattr(request, "param", 12 * 2**20)) as disk:
        yield place(disk / "test", None)


@pytest.fixture
def inside(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[Mapping[str, str], Path, tuple[str, ...]], Spoken]:
    """The command line in this process, under given variables and in a given folder: a second less each time."""

    def command(variables: Mapping[str, str], folder: Path, *arguments: str) -> Spoken:
        with monkeypatch.context() as patched:
            patched.chdir(folder)
            for name, value in variables.items():
                patched.setenv(name, value)
            capsys.readouterr()
            code = main(list(arguments))
            return code, *capsys.readouterr()

    return command
