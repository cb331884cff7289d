"""After an upgrade of the program: what an earlier one published is never asked, but published anew by itself."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from pipeline import schema
from pipeline.cli.commands import main
from pipeline.errors import StorageError
from pipeline.published.compaction import compact
from pipeline.published.generations import current_number, generation_path, open_generation
from pipeline.published.merges import merge_statements
from pipeline.published.publish import publish
from pipeline.published.upgrade import has_todays_tables, publish_anew
from pipeline.records.ledger import Ledger
from pipeline.runs.context import open_context
from pipeline.runs.tasks import plan
from pipeline.schema import LETTERS
from pipeline.service.scheduler import Service
from pipeline.service.warming import Shown
from pipeline.settings import Settings
from pipeline.watching.freshness import genre_freshness
from pipeline.workspace import Workspace, open_workspace
from tests.apps import until
from tests.copies import made_once
from tests.payloads import artist, commit, search_line
from tests.screens import install_service, open_screen

OLD = ("ALTER TABLE artists DROP COLUMN name", "DROP TABLE search_pages", "DROP TABLE state_meta")
OTHER = ("UPDATE state_meta SET value = 'x' WHERE key = 'shape'",)
GIVEN = {"client_id": "i", "client_secret": "s", "schedule": "", "genres": ("mpb",)}


def age(workspace: Workspace, ledger: Ledger, *changes: str) -> None:
    """Publish an artist, then make what is published another program's."""
    commit(workspace, ledger, "b1", search_line(artist("a1", name="Anabel")))
    publish(workspace, ledger)
    number = int(ledger.meta("generation")) + 1
    path = generation_path(workspace, number)
    shutil.copyfile(generation_path(workspace, number - 1), path)
    with duckdb.connect(path) as con:
        for change in changes:
            con.execute(change)
    ledger.set_meta("generation", str(number))
    (workspace.db / "CURRENT").write_text(f"{number} {path.stat().st_size}\n", encoding="utf-8")


@pytest.mark.parametrize("changes", [OLD, OTHER])
def test_earlier_tables_are_published_anew(workspace: Workspace, ledger: Ledger, changes: tuple[str, ...]) -> None:
    """Other tables are built anew from the parts, once; a generation of today is left as it is."""
    made_once(workspace, ledger, age, *changes)
    assert has_todays_tables(open_generation(workspace)) is False
    assert [publish_anew(workspace, ledger) for _ in range(2)] == [True, False]
    assert open_generation(workspace).rows("SELECT artist_id, name FROM artists") == [("a1", "Anabel")]


def test_words_of_earlier_rules_are_published_anew(
    workspace: Workspace, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where names were folded otherwise a search would miss them: their words are made again."""
    monkeypatch.setattr(schema, "LETTERS", {letter: plain for letter, plain in LETTERS.items() if letter != "ł"})
    merge_statements.cache_clear()
    commit(workspace, ledger, "b1", search_line(artist("a1", name="Łona")))
    publish(workspace, ledger)
    assert has_todays_tables(open_generation(workspace)) is True
    monkeypatch.undo()
    merge_statements.cache_clear()
    assert publish_anew(workspace, ledger) is True
    assert open_generation(workspace).rows("SELECT token FROM name_tokens") == [("lona",)]


@pytest.mark.parametrize("changes", [OLD, ("UPDATE name_tokens SET token = 'x'", *OTHER)], ids=["tables", "words"])
def test_compaction_copies_todays_tables(workspace: Workspace, ledger: Ledger, changes: tuple[str, ...]) -> None:
    """What an earlier program published is not taken over into a generation that says it is of today."""
    made_once(workspace, ledger, age, *changes)
    assert compact(workspace, ledger, all_months=True).rows == 1
    found = open_generation(workspace)
    assert (has_todays_tables(found), found.rows("SELECT token FROM name_tokens")) == (True, [("anabel",)])


@pytest.mark.parametrize("command", [["status"], ["checks"], ["export", "artists"], ["export", "--bundle", "b"]])
def test_commands_say_so(
    at_hand: Workspace, ledger: Ledger, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    """Before the first run after an upgrade nothing of the earlier program is handed on, and the way out is said."""
    made_once(at_hand, ledger, age, *OLD)
    code, told = main(command), capsys.readouterr()
    said = " ".join((told.out if command == ["status"] else told.err).split())
    assert "was published by another version of this program. The next run publishes it anew" in said
    assert code == (0 if command == ["status"] else 1)


def test_nothing_published_needs_nothing(workspace: Workspace, ledger: Ledger) -> None:
    """A new workspace stays empty."""
    assert (publish_anew(workspace, ledger), current_number(workspace)) == (False, None)


def test_earlier_tables_are_not_shown(workspace: Workspace, ledger: Ledger) -> None:
    """Until then nothing is asked of them: pages are told that there is nothing, and why."""
    made_once(workspace, ledger, age, *OLD)
    shown = Shown(workspace)
    assert (shown.look(), shown.number(), shown.is_old()) == (False, None, True)
    with pytest.raises(StorageError, match="published anew"):
        shown.generation()
    assert [
        row.state for row in genre_freshness(workspace, ledger, Settings(genres=("mpb",)), ledger.now().date())
    ] == ["unread"]
    publish_anew(workspace, ledger)
    assert (shown.look(), shown.number(), shown.is_old()) == (True, 3, False)


def test_run_publishes_anew_before_it_asks(tmp_path: Path) -> None:
    """A headless run does so when it plans, before any task asks what is known."""
    settings = Settings.model_validate({"data": tmp_path, **GIVEN})
    workspace = open_workspace(settings)
    with closing(Ledger(workspace.ledger)) as ledger:
        made_once(workspace, ledger, age, *OLD)
        with open_context(settings, ledger, "r2") as context:
            plan(context)
        assert has_todays_tables(open_generation(workspace)) is True


def test_app_publishes_anew_at_start(tmp_path: Path) -> None:
    """Pages say what goes on instead of failing; once the app has started the data are there again, without a run."""
    workspace = open_workspace(Settings.model_validate({"data": tmp_path, **GIVEN}))
    ledger = Ledger(workspace.ledger)
    ledger.begin_run("r1", "cli", {}, 1)
    ledger.finish_run("r1", "succeeded")
    age(workspace, ledger, *OLD)
    made: Service = install_service(tmp_path, **GIVEN)
    for page in ("overview.py", "artists.py", "artist.py"):
        assert "Arranging what was collected" in open_screen(page).words
    for page in ("runs.py", "health.py", "settings.py", "schedules.py"):
        assert not open_screen(page).app.exception
    made.start()
    try:
        until(lambda: made.shown.number() == 3)
        assert "Anabel" in open_screen("artists.py").words
    finally:
        made.stop()
        ledger.close()
