"""DuckDB that took an error for a fault of its own answers nothing any more: whoever comes next gets a new engine."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import duckdb
import pytest

from pages._text import Text
from pipeline.errors import StorageError
from pipeline.lake import engine
from pipeline.published.faults import explained_reading
from pipeline.published.generations import current_number, open_generation
from pipeline.published.publish import publish
from pipeline.records.ledger import Ledger
from pipeline.workspace import Workspace
from tests.copies import made_once
from tests.payloads import artist, commit, search_line

FAULT = duckdb.FatalException("database has been invalidated because of a previous fatal error")
DAY = date(2026, 11, 20)


class DeadConnection:
    """What an engine gives that DuckDB gave up."""

    def execute(self, _: str) -> None:
        """Nothing is answered any more."""
        raise FAULT


@pytest.fixture
def published(workspace: Workspace, ledger: Ledger) -> Workspace:
    """A workspace with one artist published."""
    return made_once(workspace, ledger, fill)


def fill(workspace: Workspace, ledger: Ledger) -> None:
    """The artist."""
    commit(workspace, ledger, "b1", search_line(artist("a"), day="2026-11-20"))
    publish(workspace, ledger)


def names(workspace: Workspace, as_of: date | None = None) -> list[tuple[str]]:
    """Who is published."""
    return open_generation(workspace, as_of).rows("SELECT artist_id FROM artists ORDER BY 1")


def test_publish_goes_on_with_a_new_engine(published: Workspace, ledger: Ledger, tmp_path: Path):
    """A statement that broke the engine while a database was built leaves readers and the next publish unharmed."""
    held = open_generation(published)
    with pytest.raises(duckdb.FatalException), engine.building(tmp_path / "x.duckdb"):
        raise FAULT
    assert (names(published), open_generation(published) is held) == ([("a",)], False)
    commit(published, ledger, "b2", search_line(artist("b"), day="2026-11-21"))
    publish(published, ledger)
    assert names(published) == [("a",), ("b",)]


def test_reader_is_told_to_ask_again(published: Workspace):
    """Whose question broke the engine reads that nothing was lost; asked again, now or as of a day, it is answered."""
    assert names(published, DAY) == [("a",)]
    with pytest.raises(StorageError, match="Ask again; nothing was lost"), open_generation(published).cursor():
        raise FAULT
    assert (names(published), names(published, DAY)) == ([("a",)], [("a",)])
    with pytest.raises(StorageError), open_generation(published, DAY).cursor():
        raise FAULT
    assert names(published, DAY) == [("a",)]


def test_engine_is_replaced_once(published: Workspace):
    """Readers who still hold what the lost engine had cost the new one nothing."""
    held, losses = [open_generation(published), open_generation(published, DAY)], engine.losses()
    for generation in held:
        with pytest.raises(StorageError), generation.cursor():
            raise FAULT
    assert engine.losses() == losses + 1


def test_whoever_comes_next_notices(published: Workspace, monkeypatch: pytest.MonkeyPatch):
    """An engine that broke where nobody looked at the error is replaced when the next connection is taken."""
    held, losses, taken = open_generation(published), engine.losses(), engine._taken
    dead = [DeadConnection()]
    monkeypatch.setattr(engine, "_taken", lambda: dead.pop() if dead else taken())
    assert engine.cursor().execute("SELECT 42").fetchall() == [(42,)]
    assert engine.losses() == losses + 1
    assert (names(published), open_generation(published) is held) == ([("a",)], False)


def test_engine_lost_while_a_database_is_opened(published: Workspace, monkeypatch: pytest.MonkeyPatch):
    """An engine that is given up between attaching a file and the first question costs nobody a word of damage."""
    attach, broken = engine.attach, [True]

    def attached(path: Path, *, read_only: bool = True) -> str:
        alias = attach(path, read_only=read_only)
        if broken:
            broken.pop()
            engine.is_lost(FAULT, engine.losses())
        return alias

    monkeypatch.setattr(engine, "attach", attached)
    assert (names(published), broken) == ([("a",)], [])
    broken.append(True)
    assert (names(published, DAY), broken) == ([("a",)], [])


@contextmanager
def no_more_files() -> Iterator[None]:
    """As many files as are open now, and no other."""
    import resource

    before, free = resource.getrlimit(resource.RLIMIT_NOFILE), os.open(os.devnull, os.O_RDONLY)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.skipif(sys.platform == "win32", reason="limits of a process are POSIX")
def test_too_many_open_files_are_no_damage(published: Workspace, tmp_path: Path):
    """Where no more files can be opened nothing is called damaged, and nobody is told to recover."""
    path = Path(shutil.copy(open_generation(published).path, tmp_path / "copy.duckdb"))
    with no_more_files(), pytest.raises(OSError, match="Too many open files"):
        current_number(published)
    with (
        pytest.raises(StorageError, match="Too many open files") as raised,
        no_more_files(),
        explained_reading(path, engine.losses(), "opened"),
    ):
        engine.attach(path)
    assert (type(raised.value), "then ask again; nothing was lost" in str(raised.value)) == (StorageError, True)
    assert "não pode ser lido agora" in Text("pt_BR").error(raised.value)
