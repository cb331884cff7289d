"""Every page in both languages: empty, small, full, and where Spotify withholds its numbers."""

from __future__ import annotations

import pytest

from tests.published import publish_many, publish_rows
from tests.screens import install_service, open_screen

PAGES = (("overview.py", {}), ("artists.py", {}), ("artist.py", {"id": "artist000001"}), ("runs.py", {}))
LANGUAGES = ("en", "pt")
EVERYWHERE = pytest.mark.parametrize("language", LANGUAGES), pytest.mark.parametrize(("file", "query"), PAGES)


def on_every_page(test):
    """Run a test on each page in each language."""
    for mark in EVERYWHERE:
        test = mark(test)
    return test


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    """Two thousand artists on sixty days."""
    folder = tmp_path_factory.mktemp("full")
    service = install_service(folder)
    publish_many(service.workspace, 2000, 60)
    service.ledger.close()
    return folder


@on_every_page
def test_empty_page_says_what_to_do(service, file, query, language):
    """Before the first run no page fails, and each says what is missing and what to do."""
    screen = open_screen(file, language, **query)
    advice = {"en": ("Start a run", "Press Run now"), "pt": ("Inicie uma coleta", "Clique em Coletar agora")}
    assert not screen.app.exception
    assert any(words in screen.words for words in advice[language])


@pytest.mark.parametrize(("file", "query"), PAGES[:3])
def test_failed_beginning_is_no_data(tmp_path, file, query):
    """A run that failed before it knew of anybody publishes nobody: pages say why, and do not count nothings."""
    service = install_service(tmp_path, client_id="id", client_secret="secret")
    service.ledger.begin_run("20261121T060000-aaaaaa", "schedule", {}, 1)
    service.ledger.finish_run("20261121T060000-aaaaaa", "failed", "the token was refused")
    publish_rows(service.workspace)
    words = open_screen(file, **query).words
    assert ("The last run failed the token was refused" in words, "unknown date" in words) == (True, False)
    assert "Data updated" not in words
    assert "Age of the data none yet" in " ".join(open_screen("health.py").words.split())


@on_every_page
def test_full_page_shows(full, file, query, language):
    """Two thousand artists on sixty days: charts are drawn and numbers grouped as the language has it.

    In the demo every page says that its data are made up.
    """
    install_service(full)
    screen = open_screen(file, language, **query)
    assert not screen.app.exception
    assert len(screen.charts) == {"overview.py": 2, "artist.py": 2}.get(file, 0)
    if file in ("overview.py", "artists.py"):
        assert {"en": "2,000", "pt": "2.000"}[language] in screen.words
    badge = {"en": "Demo: the data are synthetic", "pt": "Demonstração: dados sintéticos"}
    assert badge[language] in screen.words


@on_every_page
def test_withheld_numbers_are_said(tmp_path, file, query, language):
    """Followers and popularity that Spotify withholds are said to be so; they never read 0."""
    publish_many(install_service(tmp_path).workspace, 3, 5, withheld=True)
    words = open_screen(file, language, **query).words
    if file != "runs.py":
        assert {"en": "not given", "pt": "não informado"}[language] in words
    assert not {" 0 followers", " 0 seguidores", " 0 popularity", " 0 popularidade"} & {words}


@on_every_page
def test_real_data_name_their_source(tmp_path, file, query, language):
    """Every page on real data, be they two artists on one day, names Spotify, links there, and bears no demo badge."""
    service = install_service(tmp_path, client_id="made-up", client_secret="made-up")
    publish_many(service.workspace, 2, 1)
    screen = open_screen(file, language, **query)
    assert not screen.app.exception
    assert screen.app.title or "Banda 1" in screen.words
    assert {"en": "data from Spotify", "pt": "dados do Spotify"}[language] in screen.words
    assert "https://open.spotify.com/" in screen.outside
    assert "synthetic" not in screen.words
    assert "sintéticos" not in screen.words


@pytest.mark.parametrize("language", ["en", "pt"])
def test_other_sources_are_not_called_spotify(tmp_path, language):
    """Where another address answers in Spotify's place, that is named as the source, and Spotify is not."""
    at = {"api_url": "http://127.0.0.1:9/v1/", "token_url": "http://127.0.0.1:9/api/token"}
    publish_many(install_service(tmp_path, **at, client_id="made-up", client_secret="made-up").workspace, 2, 1)
    words = open_screen("overview.py", language).words
    assert {"en": "data from 127.0.0.1, asked", "pt": "dados de 127.0.0.1, consultado"}[language] in words
    assert "from Spotify." not in words
    assert "do Spotify. " not in words
