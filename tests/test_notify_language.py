"""In which language people are told: that of the settings, with numbers, dates and reasons as pages would say them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from pipeline.cli.commands import main
from pipeline.errors import BudgetSpent, SettingsError
from pipeline.records.ledger import Ledger
from pipeline.settings import Settings
from pipeline.watching.notify import Notifier, try_notifications
from tests.apps import free_port
from tests.test_notify_causes import Outbox, ended, webhook

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

PUT_OFF = f"discover: {BudgetSpent('search', datetime(2026, 11, 23, 6, tzinfo=UTC), 'daily quota exceeded')}"


def test_word_comes_in_portuguese(ledger: Ledger) -> None:
    """In the language of the settings: what happened, why, the task, the instant at home, numbers, what it is about."""
    outbox = Outbox()
    tell = Notifier(ledger, "test", outbox.send, "pt_BR", "America/Sao_Paulo")
    tell.run_ended(ended(ledger, "r1", "failed", "discover"))
    tell.run_ended(replace(ended(ledger, "r2", "deferred"), message=PUT_OFF))
    tell.run_crashed("r3")
    tell.run_refused("A run is in progress. Wait for it or cancel it; nothing was started.")
    tell.genres_seen(["axé"])
    tell.releases_seen({f"b{number}": f"L {number}" for number in range(1_023)})
    put_off = "descobrindo artistas: buscas: a cota do dia acabou; continua a partir de 23 nov., 03:00 BRT"
    busy = "Há uma coleta em andamento. Espere por ela ou cancele-a; nada foi iniciado."
    assert outbox.sent[:-1] == [
        ("falha", "A coleta r1 falhou (descobrindo artistas): because"),
        ("recuperação", "A coleta r2 voltou a dar certo."),
        ("adiamento", f"A coleta r2 foi adiada: {put_off}"),
        ("falha", "A coleta r3 terminou sem aviso; o que ela gravou fica guardado."),
        ("falha", f"Uma coleta não pôde começar: {busy}"),
        ("gênero desatualizado", "Mais antigos do que deveriam: axé."),
    ]
    kind, body = outbox.sent[-1]
    assert (kind, body.splitlines()[0], body.splitlines()[-1]) == (
        "novo lançamento", "De artistas que você acompanha:", "e mais 1.003",
    )  # fmt: skip


@pytest.mark.parametrize(("language", "kind"), [("en", "trial"), ("pt_BR", "teste")])
def test_trial_reaches_each_address(language: str, kind: str) -> None:
    """A trial goes to every address and is said to have arrived; one that takes none is told by its place."""
    with webhook() as (address, received):
        settings = Settings(notify_urls=SecretStr(address), workspace="test", language=language)
        assert try_notifications(settings) == "1 address is notified, and took a trial"
        settings = Settings(notify_urls=SecretStr(f"{address} json://127.0.0.1:{free_port()}/hush"), language=language)
        with pytest.raises(SettingsError, match="address 2 of 2 did not take a trial") as refused:
            try_notifications(settings)
    assert [row["title"] for row in received] == [f"Garimpo (test): {kind}", f"Garimpo (demo): {kind}"]
    assert "hush" not in str(refused.value)
    assert try_notifications(Settings()) == "nobody is notified (GARIMPO_NOTIFY_URLS is empty)"


def test_doctor_sends_a_trial_when_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`doctor` alone sends nothing; with --notify whoever is notified hears of it."""
    monkeypatch.chdir(tmp_path)
    with webhook() as (address, received):
        monkeypatch.setenv("GARIMPO_NOTIFY_URLS", address)
        for arguments, heard in ([], 0), (["--notify"], 1):
            main(["doctor", *arguments])
            assert len(received) == heard
