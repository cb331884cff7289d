"""Answers are kept as long as the generation stands, and no longer; a damaged database is said, not shown."""

from __future__ import annotations

import shutil

from pages import _data
from pipeline import queries
from pipeline.published.publish import publish
from tests.payloads import artist, commit, search_line
from tests.published import publish_many
from tests.screens import install_service, open_screen


def test_new_generation_is_shown(tmp_path):
    """The next run of a page after a publish shows the new numbers."""
    workspace = install_service(tmp_path).workspace
    publish_many(workspace, 7, 1)
    assert "7 artists" in open_screen("artists.py").words
    publish_many(workspace, 8, 1, number=2)
    assert "8 artists" in open_screen("artists.py").words


def test_same_question_is_asked_once(tmp_path):
    """Within a generation an answer comes from the cache; other arguments are another question."""
    publish_many(install_service(tmp_path).workspace, 3, 1)
    asked = []

    def question(generation, genre, limit=5):
        asked.append((generation.number, genre, limit))
        return len(asked)

    answers = [_data.ask(question, "mpb"), _data.ask(question, "mpb"), _data.ask(question, "mpb", limit=6)]
    assert (answers, asked) == ([1, 1, 2], [(1, "mpb", 5), (1, "mpb", 6)])


def test_workspaces_never_mix(tmp_path):
    """The same question in another workspace has an answer of its own."""
    for name, artists in (("one", 3), ("two", 5)):
        publish_many(install_service(tmp_path / name).workspace, artists, 1)
        assert _data.ask(queries.coverage)["artists"] == artists


def test_workspace_made_again_is_asked_anew(tmp_path):
    """An answer is not that of another workspace which had the same path and number."""
    for ids in (("a1",), ("a1", "a2")):
        service = install_service(tmp_path)
        commit(service.workspace, service.ledger, "b1", search_line(*map(artist, ids)))
        publish(service.workspace, service.ledger)
        assert _data.ask(queries.coverage)["artists"] == len(ids)
        service.ledger.close()
        shutil.rmtree(service.workspace.root)


def test_damaged_database_is_explained(tmp_path):
    """A generation that cannot be opened is named with what to do, in place of the page."""
    workspace = install_service(tmp_path).workspace
    (workspace.db / "garimpo-00000001.duckdb").write_bytes(b"not a database" * 100)
    (workspace.db / "CURRENT").write_text("1", encoding="utf-8")
    screen = open_screen("artists.py")
    assert not screen.app.exception
    assert "This page cannot be shown" in screen.words
    assert "cannot be opened" in screen.words
