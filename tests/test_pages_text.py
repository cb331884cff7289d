"""Two languages: every text translated, numbers and dates as each language writes them."""

from __future__ import annotations

import re
from collections import Counter
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from babel.messages.extract import extract, extract_from_dir

from pages._text import COOKIE, LANGUAGES, Text, catalogue, preferred_language
from pipeline.errors import SettingsError
from pipeline.records.ledger import Ledger
from pipeline.runs.context import require_credentials
from pipeline.runs.retries import find_leftovers
from pipeline.settings import Settings, list_settings
from pipeline.watching.freshness import set_target
from pipeline.watching.schedules import Schedule, add_schedule, remove_schedule
from tests.screens import install_service, open_screen

PAGES, PIPELINE = (Path(__file__).parent.parent / name for name in ("pages", "pipeline"))
CATALOGUE = PAGES / "locale" / "pt_BR" / "LC_MESSAGES" / "garimpo.po"
CALLS = {"text": None, "self": None, "plural": (1, 2)}
EN, PT = Text("en"), Text("pt_BR")


def messages():
    """Every text in the code of pages and notifications, a pair where there is a plural; and of the settings."""
    folders = (PAGES, PIPELINE / "watching")
    found = [each for folder in folders for each in extract_from_dir(folder, [("**.py", "python")], keywords=CALLS)]
    with (PIPELINE / "text.py").open("rb") as file:
        found += [("text.py", line, message, [], None) for line, message, *_ in extract("python", file, keywords=CALLS)]
    return {message for _, _, message, _, _ in found} | {row["help"] for row in list_settings()}


def forms(message):
    """What the Portuguese catalogue has for a text, as a tuple of forms."""
    entry = catalogue("pt_BR").get(message[0] if isinstance(message, tuple) else message)
    found = entry.string if entry else ()
    return found if isinstance(found, tuple) else (found,)


def holes(words):
    """The places in a text where values go."""
    return set(re.findall(r"{(\w+)}", words))


def test_every_text_is_translated():
    """No text of the pages lacks its Brazilian Portuguese, plural forms included."""
    found = messages()
    assert len(found) > 100
    assert {message for message in found if not forms(message) or not all(forms(message))} == set()


def test_requests_have_one_word():
    """What is sent to Spotify is a requisição everywhere, and never a pedido."""
    said = (PAGES / "locale" / "pt_BR" / "LC_MESSAGES" / "garimpo.po").read_text(encoding="utf-8")
    assert (
        re.findall(r"(?i)\bpedidos\b|\{count\} pedido\b", said),
        PT.plural("{count} request", "{count} requests", 2),
    ) == (
        [],
        "2 requisições",
    )


def test_no_translation_is_left_over():
    """The catalogue holds nothing that the pages do not say."""
    said = {message[0] if isinstance(message, tuple) else message for message in messages()}
    kept = {entry.id[0] if isinstance(entry.id, tuple) else entry.id for entry in catalogue("pt_BR")
            if entry.id and not entry.context}  # fmt: skip
    assert kept == said


def test_every_text_is_translated_once():
    """No text stands in the catalogue twice: of two translations one would be read by nobody."""
    entries = re.findall(r'^(?:msgctxt (.+)\n)?msgid (".+")$', CATALOGUE.read_text(encoding="utf-8"), re.MULTILINE)
    assert [entry for entry, many in Counter(entries).items() if many > 1] == []


def test_translations_keep_the_values():
    """A translation has places for the same values as its English text."""
    found = {message: [holes(form) for form in forms(message)] for message in messages()}
    wrong = {
        message
        for message, kept in found.items()
        if kept[-1] != holes(message[-1] if isinstance(message, tuple) else message)
    }
    assert wrong == set()


SCHEDULE = Schedule("daily", "cron", "0 7 * * *", "UTC")


@pytest.mark.parametrize(
    ("changes", "portuguese"),
    [
        ({"name": "a b"}, "O nome 'a b' não tem de 1 a 40 letras, algarismos, pontos ou hifens, sem espaços."),
        ({"timezone": "Mars"}, "'Mars' não é um fuso horário; um exemplo é America/Sao_Paulo."),
        ({"max_requests": 0}, "O limite de requisições, 0, é menor que 1."),
        ({"spec": "0 99 * * *"}, "A linha de crontab '0 99 * * *' não serve: '99' em hora não fica entre 0 e 23."),
        ({"spec": "0 0 30 feb *"}, "A linha de crontab '0 0 30 feb *' não serve: esse dia nunca chega."),
        ({"kind": "interval", "spec": "5"}, "O intervalo '5' não serve: é mais curto que 60 segundos."),
        ({"kind": "once", "spec": "2020-01-01 10:00"}, "'2020-01-01 10:00' já passou."),
        (
            {"kind": "once", "spec": "x"},
            "O instante 'x' não serve: não é uma data e hora locais, como em 2027-01-31T06:00.",
        ),
    ],
)
def test_errors_of_forms_are_translated(tmp_path, changes, portuguese):
    """What is wrong with a schedule is said in the reader's language, with the value."""
    with closing(Ledger(tmp_path / "l.sqlite")) as ledger, pytest.raises(SettingsError) as raised:
        add_schedule(ledger, replace(SCHEDULE, **changes))
    said = PT.error(raised.value)
    assert (EN.error(raised.value), said) == (str(raised.value), f"{portuguese} Nada foi mudado.")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("0 6-4 * * *", "'6-4' em hora termina antes de começar: escreva 6-23,0-4"),
        ("*/0 6 * * *", "'*/0' em minuto tem um passo menor que 1: escreva um como em */2"),
        ("* * x * *", "não se entende 'x' em dia: escreva números de 1 a 31, como em 5, 1-5 ou */2"),
        ("* * * x *", "não se entende 'x' em mês: escreva números de 1 a 12 ou de jan a dec, como em 5, 1-5 ou */2"),
        ("6-4", "precisa de cinco campos (minuto hora dia mês dia-da-semana, como em '0 6 * * *') e tem 1"),
        ("@now", "@now não é nenhum de @hourly, @daily, @midnight, @weekly, @monthly, @yearly, @annually"),
    ],
)
def test_wrong_lines_are_translated(tmp_path, line, reason):
    """What is wrong with a crontab line, and what to write, is said in the reader's language."""
    with closing(Ledger(tmp_path / "l.sqlite")) as ledger, pytest.raises(SettingsError) as raised:
        add_schedule(ledger, replace(SCHEDULE, spec=line))
    assert PT.error(raised.value) == f"A linha de crontab {line!r} não serve: {reason}. Nada foi mudado."


def test_other_errors_of_settings_are_translated(tmp_path):
    """So are those of names that are not there, of targets, retries, credentials and notifications."""
    with closing(Ledger(tmp_path / "l.sqlite")) as ledger:
        for call in (
            lambda: remove_schedule(ledger, "none"),
            lambda: set_target(ledger, "mpb", 0),
            lambda: find_leftovers(ledger, "r1"),
            lambda: require_credentials(Settings(client_id="")),
        ):
            with pytest.raises(SettingsError) as raised:
                call()
            assert PT.error(raised.value) != str(raised.value)


def test_unknown_errors_stay_as_they_are():
    """An error that the catalogue does not know is shown in English rather than not at all."""
    assert PT.error("Something else.") == "Something else."


@pytest.mark.parametrize(
    ("value", "english", "portuguese"),
    [
        (0, "0", "0"),
        (9999, "9,999", "9.999"),
        (15_432, "15.4K", "15,4\u00a0mil"),
        (1_234_567, "1.2M", "1,2\u00a0mi"),
        (None, "not given", "não informado"),
    ],
)
def test_numbers_read_as_one_says_them(value, english, portuguese):
    """Large numbers are shortened, small ones grouped, unknown ones named."""
    assert (EN.compact(value), PT.compact(value)) == (english, portuguese)


@pytest.mark.parametrize(
    ("share", "english", "portuguese"),
    [(0.0834, "+8.3%", "+8,3%"), (0.25, "+25%", "+25%"), (-0.0041, "\u22120.4%", "\u22120,4%"), (0.0004, "0%", "0%")],
)
def test_changes_bear_their_sign(share, english, portuguese):
    """A change in per cent has its sign, and a decimal where it is small."""
    assert (EN.percent(share, signed=True), PT.percent(share, signed=True)) == (english, portuguese)


@pytest.mark.parametrize(
    ("precision", "english", "portuguese"),
    [("day", "Nov 2, 2026", "2 nov. 2026"), ("month", "Nov 2026", "nov. 2026"), ("year", "2026", "2026")],
)
def test_dates_claim_no_more_than_known(precision, english, portuguese):
    """A release known by year or month is shown by year or month."""
    day = date(2026, 11, 2)
    assert (EN.day(day, precision=precision), PT.day(day, precision=precision)) == (english, portuguese)


def test_instants_are_in_the_readers_zone():
    """Times are shown in the browser's time zone; one it names and we do not know counts as UTC."""
    noon = datetime(2026, 11, 22, 12, tzinfo=UTC)
    assert Text("en", "America/Sao_Paulo").instant(noon) == "Nov 22, 09:00"
    assert Text("pt_BR", "Mars/Olympus").instant(noon) == "22 nov., 12:00"


def test_instants_of_another_year_say_which():
    """A year after a run its day and time alone would be those of another."""
    noon, new_year = datetime(2026, 12, 31, 12, tzinfo=UTC), datetime(2027, 1, 1, 1, tzinfo=UTC)
    assert [Text(each).instant(noon, new_year) for each in ("en", "pt_BR")] == [
        "Dec 31, 2026, 12:00", "31 dez. 2026, 12:00",
    ]  # fmt: skip
    assert Text("en", "America/Sao_Paulo").instant(noon, new_year) == "Dec 31, 09:00"


@pytest.mark.parametrize(("seconds", "english"), [(5, "just now"), (130, "2 minutes ago"), (200_000, "2 days ago")])
def test_ages_are_rounded(seconds, english):
    """How long ago is told in the largest unit that says it."""
    now = datetime(2026, 11, 22, tzinfo=UTC)
    assert EN.ago(now - timedelta(seconds=seconds), now) == english


@pytest.mark.parametrize(("seconds", "shown"), [(0.2, "< 1 s"), (75, "1 min 15 s"), (3725, "1 h 2 min")])
def test_durations_have_two_units(seconds, shown):
    """A duration is told in its two largest units."""
    assert EN.duration(seconds).replace("\u00a0", " ") == shown


@pytest.mark.parametrize(
    ("setting", "browser", "expected"),
    [
        ("auto", "pt-BR", "PT"),
        ("auto", "pt", "PT"),
        ("auto", "de-DE", "EN"),
        ("auto", None, "EN"),
        ("en", "pt-BR", "EN"),
        ("pt_BR", "en-US", "PT"),
    ],
)
def test_setting_wins_over_browser(setting, browser, expected):
    """The language of the settings holds; else the browser's, else English."""
    assert preferred_language(setting, browser) == expected
    assert expected in LANGUAGES


@pytest.mark.parametrize(("count", "shown"), [(0, "0 faixa"), (1, "1 faixa"), (2, "2 faixas"), (1000, "1.000 faixas")])
def test_plurals_follow_the_language(count, shown):
    """Portuguese counts nought and one as singular."""
    assert PT.plural("{count} track", "{count} tracks", count) == shown


@pytest.mark.parametrize(
    ("setting", "browser", "query", "title"),
    [
        ("auto", "en", {}, "Runs"),
        ("auto", "pt", {}, "Coletas"),
        ("pt_BR", "en", {}, "Coletas"),
        ("en", "pt", {}, "Runs"),
        ("auto", "en", {"lang": "PT"}, "Coletas"),
        ("auto", "pt", {"lang": "EN"}, "Runs"),
        ("auto", "pt", {"lang": "XX"}, "Coletas"),
    ],
)
def test_language_is_found(tmp_path, setting, browser, query, title):
    """The address decides, then the setting, then the browser; nonsense in the address is ignored."""
    install_service(tmp_path, language=setting)
    assert open_screen("runs.py", browser, **query).app.title[0].value == title


def test_switch_changes_the_language(service):
    """The switch in the frame changes the language at once."""
    app = open_screen("runs.py").app
    app.get("button_group")[0].set_value("PT").run()
    assert app.title[0].value == "Coletas"


def test_choice_is_handed_to_the_browser(service):
    """Only what somebody chose is kept by the browser, not what the setting or the browser itself asked for."""
    app = open_screen("runs.py").app
    assert "data-language" not in foot(app)
    app.get("button_group")[0].set_value("PT").run()
    assert 'data-language="PT"' in foot(app)
    app.get("button_group")[0].set_value("EN").run()
    assert 'data-language="EN"' in foot(app)


@pytest.mark.parametrize(("kept", "query", "title"), [("PT", {}, "Coletas"), ("PT", {"lang": "EN"}, "Runs"),
                                                      ("xx", {}, "Runs")])  # fmt: skip
def test_kept_choice_holds_for_later_visits(service, monkeypatch, kept, query, title):
    """A visitor who chose before is spoken to in that language; the address still decides."""
    monkeypatch.setattr("streamlit.runtime.context.ContextProxy.cookies", {COOKIE: kept})
    assert open_screen("runs.py", **query).app.title[0].value == title


def foot(app):
    """The line below the page."""
    return next(each.proto.body for each in app.get("html") if "g-foot" in each.proto.body)
