"""In which language people are told: that of the settings, with numbers, dates and reasons as pages would say them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from pipeline.errors import BudgetSpent
from pipeline.records.ledger import Ledger
from pipeline.watching.notify import Notifier
from tests.test_notify_causes import Outbox, ended

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
