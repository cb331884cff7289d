"""Pages see a new generation only when it was opened and asked in the background."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest

from pipeline.errors import StorageError
from pipeline.lake import engine
from pipeline.published.generations import generation_path
from pipeline.published.publish import publish
from pipeline.queries.worths import _kept
from pipeline.records.opening import opened_ledger
from pipeline.service.warming import Shown
from pipeline.settings import Settings
from pipeline.workspace import Workspace, open_workspace
from tests.payloads import artist, commit, search_line
from tests.published import publish_many


def test_new_generation_waits_until_it_is_warm(workspace: Workspace) -> None:
    """While the new one is asked its first questions pages still read the one before."""
    seen: list[tuple[int, int | None]] = []
    publish_many(workspace, 3, 2)
    shown = Shown(workspace, [lambda generation: seen.append((generation.number, shown.number()))])
    assert (shown.look(), shown.generation().number) == (True, 1)
    publish_many(workspace, 3, 2, number=2)
    assert shown.generation().number == 1
    assert (shown.look(), shown.look(), shown.number()) == (True, False, 2)
    assert seen == [(1, 1), (2, 1)]


@pytest.mark.parametrize("withheld", [False, True])
def test_first_questions_suit_any_generation(workspace: Workspace, withheld: bool) -> None:  # noqa: FBT001
    """What is asked ahead can be asked of full tables; where numbers are withheld, who released last is found ahead."""
    publish_many(workspace, 3, 40, withheld=withheld)
    shown = Shown(workspace)
    assert (shown.look(), shown.number()) == (True, 1)
    assert ("released" in _kept.get(shown.generation(), {})) is withheld


def test_without_looking_the_newest_is_read(workspace: Workspace) -> None:
    """Where nobody looks in the background pages read what is current."""
    shown = Shown(workspace)
    assert shown.number() is None
    publish_many(workspace, 3, 2)
    assert (shown.number(), shown.generation().number) == (1, 1)


def test_damaged_generation_is_not_shown(workspace: Workspace, caplog: pytest.LogCaptureFixture) -> None:
    """Pages go on with the one before, and the log says why."""
    publish_many(workspace, 3, 2)
    shown = Shown(workspace)
    shown.look()
    generation_path(workspace, 2).write_bytes(b"no database")
    (workspace.db / "CURRENT").write_text("2", encoding="utf-8")
    assert (shown.look(), shown.number()) == (False, 1)
    assert "generation_not_shown" in caplog.text


def test_another_of_the_same_number_is_shown(tmp_path: Path) -> None:
    """A workspace made again gives its first number again, and a lost engine leaves it: pages see what can be read."""
    settings = Settings(data=tmp_path, workspace="test")
    shown = Shown(workspace := open_workspace(settings))
    for name in ("first", "other"):
        with opened_ledger(settings) as (_, ledger):
            commit(workspace, ledger, "b1", search_line(artist("a1", name=name)))
            publish(workspace, ledger)
        for _ in range(2):
            assert (shown.look(), shown.look(), shown.number()) == (True, False, 1)
            assert shown.generation().rows("SELECT name FROM artists") == [(name,)]
            engine.is_lost(duckdb.FatalException("database has been invalidated"), engine.losses())
        shutil.rmtree(workspace.root)


def test_deleted_generations_are_not_shown(workspace: Workspace) -> None:
    """When everything was deleted nothing of it stays on the screen."""
    publish_many(workspace, 3, 2)
    shown = Shown(workspace)
    shown.look()
    shutil.rmtree(workspace.db)
    assert (shown.look(), shown.number()) == (True, None)
    with pytest.raises(StorageError, match="Nothing is published"):
        shown.generation()
