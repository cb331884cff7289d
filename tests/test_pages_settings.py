"""Settings: what is set and from where, what Spotify was seen to give, what its terms ask."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.records.capability_rows import capability_rows, set_capability
from pipeline.service.scheduler import Service
from tests.screens import install_service, open_screen


@pytest.mark.parametrize(("language", "words"), [("en", "Not asked yet"), ("pt", "Ainda não perguntado")])
def test_before_the_first_run(language: str, words: str, service: Service):
    """Nothing was probed: the page says when it will be, and shows every setting with its origin."""
    shown = open_screen("settings.py", language).words
    assert words in shown
    assert "GARIMPO_MAX_REQUESTS" in shown


def test_settings_are_translated(service: Service, monkeypatch: pytest.MonkeyPatch):
    """A setting's meaning, its origin and whether a secret is set are said in Portuguese; names and values stay."""
    monkeypatch.setenv("GARIMPO_MAX_REQUESTS", "7")
    monkeypatch.setenv("SPOTIPY_CLIENT_ID", "")
    shown = " ".join(open_screen("settings.py", "pt").words.split())
    assert "GARIMPO_MAX_REQUESTS 7 ambiente Máximo de requisições que uma coleta pode fazer" in shown
    assert "SPOTIPY_CLIENT_SECRET vazio padrão O client secret dele" in shown


def test_empty_settings_say_so(service: Service):
    """A setting that is empty is told to be, secret or not."""
    words = " ".join(open_screen("settings.py").words.split())
    for variable in ("SPOTIPY_CLIENT_ID", "GARIMPO_STORE", "GARIMPO_WORKSPACE", "GARIMPO_QUOTA_REQUESTS"):
        assert f"{variable} not set default" in words


def test_cells_say_their_title(service: Service):
    """On a narrow screen the head of a table is gone: each cell names its own title; code is code."""
    bodies = " ".join(each.proto.body for each in open_screen("settings.py", "pt").app.get("html"))
    assert '<th scope="row">Respostas como vieram</th><td data-head="Fica por">90 dias</td>' in bodies
    assert '<td data-head="Significado">Fuso horário do agendamento</td>' in bodies
    assert "<code>replay</code>" in bodies


def test_secrets_stay_hidden(service: Service, monkeypatch: pytest.MonkeyPatch):
    """Credentials are only told to be set."""
    monkeypatch.setenv("SPOTIPY_CLIENT_ID", "an-id-to-hide")
    monkeypatch.setenv("SPOTIPY_CLIENT_SECRET", "a-secret-to-hide")
    shown = open_screen("settings.py").words
    assert "to-hide" not in shown
    assert "SPOTIPY_CLIENT_SECRET" in shown


def test_withdrawn_field_is_dated(service: Service, clock):
    """What was probed stands with its value and evidence; what went away says since when."""
    set_capability(service.ledger, "limit:search", 10, "search limit 50 refused")
    set_capability(service.ledger, "field:artist.followers", False, "seen in a run", clock.now())
    shown = " ".join(open_screen("settings.py").words.split())
    probed_on = capability_rows(service.ledger)["limit:search"]["checked_at"]
    assert f"most per page search 10 – {probed_on:%b}" in shown
    assert "an artist – followers (withdrawn since Nov 22" in shown
    assert "limit:search 10" in shown
    assert "search with at most 50 refused" in shown
    spoken = " ".join(open_screen("settings.py", "pt").words.split())
    assert ("search com no máximo 50 recusou" in spoken, "visto numa coleta" in spoken) == (True, True)


def test_who_answered_is_said(tmp_path: Path):
    """What a simulator gives is not taken for what Spotify does: in the demo, and where another address was asked."""
    elsewhere = {"api_url": "http://127.0.0.1:9/v1/", "token_url": "http://127.0.0.1:9/api/token"}
    for number, changes in enumerate(({}, elsewhere)):
        service = install_service(tmp_path / str(number), **changes)
        set_capability(service.ledger, "limit:search", 50, "search limit 50 answered")
        words = open_screen("settings.py", "pt").words
        told = ("um simulador respondeu no lugar do Spotify" in words, "respondeu foi 127.0.0.1" in words)
        assert told == (not changes, bool(changes))


def test_nobody_is_notified_by_default(service: Service):
    """The page says who is told of what, and how to set an address."""
    screen = open_screen("settings.py")
    assert "Nobody is notified yet." in screen.words
    assert "a check that stops publishing" in screen.words
    assert "GARIMPO_NOTIFY_URLS" in screen.app.code[0].value


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # Apprise's own, while it is loaded
def test_address_that_is_none_is_said(tmp_path: Path):
    """An address that Apprise does not understand is said, not shown."""
    install_service(tmp_path, notify_urls="nonsense://to-hide")
    words = open_screen("settings.py").words
    assert "address 1 of 1" in words
    assert "to-hide" not in words
