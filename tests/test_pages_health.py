"""The health page and /healthz: whether it works, what is left to ask, how old the genres are."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from pages import _freshness, _health_cards
from pages._run_words import told
from pages._text import Text
from pipeline.published.placing import publish_lock
from pipeline.published.publish import publish
from pipeline.runs.progress import CatchUp, DemoProgress
from pipeline.source.spotify import _CHECK
from pipeline.watching.freshness import GenreFreshness, too_old
from pipeline.watching.schedules import Schedule
from pipeline.watching.status import plain_value
from tests.payloads import artist, commit, search_line
from tests.screens import install_service, open_screen

CONFIRA = (
    "Confira SPOTIPY_CLIENT_ID, SPOTIPY_CLIENT_SECRET e GARIMPO_TOKEN_URL, e inicie de novo; o que foi coletado fica."
)
WHEN = datetime(2026, 11, 22, 9, tzinfo=UTC)


def test_empty_workspace_is_healthy(service):
    """Before the first run all is well: numbers, budget by bucket, no error, genres not read yet."""
    screen = open_screen("health.py")
    for expected in ("All is well", "GB free", "none yet", "None so far.", "no limit known", "bossa nova", "never"):
        assert expected in screen.words
    assert [each for each in screen.outside if "healthz" in each] == ["/healthz"]


def test_next_run_names_its_time_zone(service):
    """The next run is told in the reader's time zone, which may not be that of the schedule, so it is named."""
    service.add_schedule(Schedule("daily", "cron", "0 6 * * *", "America/Sao_Paulo"))
    assert "09:00 UTC \u00b7 nothing runs" in open_screen("health.py").words


@pytest.mark.parametrize(
    ("changes", "why"), [({"workspace": "archive"}, "without credentials"), ({}, "no schedule is active")]
)
def test_what_is_not_done_is_not_promised(tmp_path, changes, why):
    """Where nothing collects by itself no old genre is said to get a run of its own, while none is old either."""
    install_service(tmp_path, **changes)
    words = open_screen("health.py").words
    assert (why in words, "gets a run of its own" in words) == (True, False)


def test_imports_alone_are_idle(tmp_path):
    """History without credentials, however old, is said not to grow, and how to begin; no run is announced or begun."""
    service = install_service(tmp_path, workspace="archive")
    service.add_schedule(Schedule("daily", "cron", "0 6 * * *", "UTC"))
    commit(service.workspace, service.ledger, "batch-0001", search_line(artist("a1"), day="2023-11-22"))
    publish(service.workspace, service.ledger)
    found = service.health()
    assert (found["status"], found["problems"], found["next_run_at"]) == ("idle", [], None)
    assert service.status().next_run_at is None
    assert "Nothing is collected here there are no Spotify credentials" in open_screen("health.py").words
    overview = open_screen("overview.py", "pt").words
    assert "Nada é coletado aqui Dados atualizados" in overview
    assert "para começar, defina SPOTIPY_CLIENT_ID" in overview


def test_nothing_to_show_says_how_to_begin(tmp_path):
    """An empty workspace without credentials says that nothing will come by itself, and both ways to begin."""
    install_service(tmp_path, workspace="archive")
    words = open_screen("artists.py").words
    assert "Set SPOTIPY_CLIENT_ID and SPOTIPY_CLIENT_SECRET and start again, or bring history in" in words


def test_demo_is_filling(service):
    """While the demo collects its history, health says so, and which day; that its days lie in the past is no fault."""
    commit(service.workspace, service.ledger, "batch-0001", search_line(artist("a1"), day="2026-01-05"))
    publish(service.workspace, service.ledger)
    assert service.health()["status"] == "attention"
    service._set(demo=DemoProgress(3, 60, WHEN.date()))
    found = service.health()
    assert (found["status"], found["note"]) == ("filling", "the demo is being filled: day 3 of 60")
    words = open_screen("health.py", "pt").words
    assert "Coletando os primeiros dados a demonstração está sendo preenchida: dia 3 de 60" in words
    assert "A demonstração está sendo preenchida; seus gêneros são lidos um após o outro." in words
    assert "gêneros ainda não lidos" not in words


def test_unknown_warehouse_is_told_beforehand(tmp_path):
    """A name that runs are to send to and that has no address is something to look at, in both languages."""
    addresses = "office=postgresql://me:hush@host/database"
    service = install_service(tmp_path, publish_to=("ofice",), warehouses=addresses)
    said = "No run can send to ofice, which GARIMPO_PUBLISH_TO names: GARIMPO_WAREHOUSES names office."
    found = service.health()
    assert (found["status"], said in found["problems"][0], len(found["problems"])) == ("attention", True, 1)
    shown, spoken = (open_screen("health.py", language).words for language in ("en", "pt"))
    assert ("It works, but somebody should look" in shown, said in shown, "hush" in shown) == (True, True, False)
    assert "Nenhuma coleta consegue enviar para ofice" in spoken


@pytest.mark.parametrize(("page", "name"), [("health.py", "CURRENT"), ("overview.py", "rows")])
def test_damage_is_said_with_its_mend(service, page, name):
    """A pointer that points nowhere, or rows without a database: the page says which command mends it."""
    if name == "rows":
        path = service.workspace.lake / "artists" / "day=2026-11-21" / "x.parquet"
        path.parent.mkdir(parents=True)
        service.ledger.set_meta("generation", "1")
    else:
        path = service.workspace.db / name
    path.write_bytes(b"x")
    words = open_screen(page).words
    mend = "rebuild" if name == "rows" else "recover"
    assert ("This page cannot be shown" in words, f"Run `python -m pipeline {mend}`" in words) == (True, True)
    assert f"Execute `python -m pipeline {mend}`" in open_screen(page, "pt").words


def test_database_gone_under_the_pages(service):
    """A database that somebody removed while pages show it costs them no trace of the program; health names it."""
    commit(service.workspace, service.ledger, "batch-0001", search_line(artist("a1")))
    publish(service.workspace, service.ledger)
    assert not open_screen("overview.py").app.exception
    next(service.workspace.db.glob("*.duckdb")).unlink()
    for page in ("overview.py", "health.py", "runs.py"):
        assert not open_screen(page).app.exception
    assert "Run `python -m pipeline rebuild`" in service.health()["problems"][0]


def test_first_run_that_crashed_is_no_damage(service):
    """Rows are there before anything was published: nobody is told that the database was lost."""
    commit(service.workspace, service.ledger, "batch-0001", search_line(artist("a1")))
    assert service.health()["status"] == "ok"
    assert "cannot be shown" not in open_screen("overview.py").words


def test_first_publish_is_no_damage(service):
    """While the first generation is being made nothing is lost, though its number is taken; afterwards it would be."""
    commit(service.workspace, service.ledger, "batch-0001", search_line(artist("a1")))
    service.ledger.set_meta("generation", "1")
    with publish_lock(service.workspace):
        assert service.health()["problems"] == []
    assert service.health()["status"] == "failing"


def test_last_error_stays(service):
    """A run that crashed is what somebody should look at, and its message is the last error."""
    service.ledger.begin_run("20261121T060000-aaaaaa", "cli", {}, pid=1)
    service.ledger.finish_run("20261121T060000-aaaaaa", "crashed", "its process ended")
    words = open_screen("health.py", "pt").words
    assert "Funciona, mas alguém deveria olhar" in words
    assert "a última coleta foi interrompida: its process ended" in words
    [run] = service.ledger.runs(1)
    service.ledger.begin_run("20261122T060000-bbbbbb", "cli", {}, pid=1)
    service.ledger.finish_run("20261122T060000-bbbbbb", "succeeded", "")
    assert service.health()["last_error_at"] == run["finished_at"]
    assert Text("pt_BR").instant(run["finished_at"]) in open_screen("health.py", "pt").words


@pytest.mark.parametrize(
    ("said", "portuguese"),
    [
        (f"the last run failed: h refused the client id and secret (400 no). {_CHECK}",
         f"a última coleta falhou: h recusou o client id e o secret (400 no). {CONFIRA}"),
        ("the last run crashed: its process ended without a word; what it committed is kept",
         "a última coleta foi interrompida: seu processo terminou sem aviso; o que gravou fica"),
        (too_old(["choro"]), "1 gênero está mais antigo do que deveria"),
        (too_old(["choro", "mpb"]), "2 gêneros estão mais antigos do que deveriam"),
    ],
)  # fmt: skip
def test_problems_are_translated(said, portuguese):
    """What there is to look at is said in the reader's language, an error within it too."""
    assert (told(said, Text("pt_BR")), told(said, Text("en"))[-12:]) == (portuguese, said[-12:])


def test_instants_quoted_may_be_none():
    """An instant that there is not, in what a server said, stands as it was said; a real one is the reader's."""
    said = "500: retry after 2026-13-45 99:00:00 UTC (asked 2026-11-22 06:00:00 UTC)."
    shown = told(said, Text("en", "America/Sao_Paulo"))
    assert "2026-13-45 99:00:00 UTC" in shown
    assert "06:00:00 UTC" not in shown


def test_target_is_changed_and_taken_back(service):
    """A genre gets a target of its own from the page, and loses it again."""
    app = open_screen("health.py").app
    app.selectbox(key="target_genre").set_value("choro").run()
    app.number_input(key="target_days_choro").set_value(3).run()
    app.button(key="keep_target").click().run()
    assert service.own_targets() == {"choro": 3}
    assert any("3 days, its own" in each.proto.body for each in app.get("html"))
    app.button(key="drop_target").click().run()
    assert service.own_targets() == {}


def test_json_is_the_same(service):
    """What /healthz and the command line say is the page's own dictionary, instants in UTC as ISO 8601."""
    service.add_schedule(Schedule("daily", "cron", "0 6 * * *", "America/Sao_Paulo"))
    plain = json.loads(json.dumps(service.health(), default=plain_value))
    assert datetime.fromisoformat(plain["next_run_at"]).utcoffset() == timedelta(0)
    assert plain["freshness"][0] == {
        "genre": "mpb", "read_on": None, "age_days": None, "target_days": 7, "state": "unread",
    }  # fmt: skip


def test_locked_bucket_says_until_when():
    """A bucket shows its ceiling, what is left of it, and until when it is locked."""
    view = {"used": 540, "ceiling": 600, "left": 60, "locked_until": WHEN, "reason": "refused"}
    shown = _health_cards.budget_table({"search": view}, Text())
    for expected in ("540", "600", ">60<", "Nov 22, 09:00"):
        assert expected in shown


def test_stale_genres_stand_first():
    """Genres that are out of date come before the others, with age and target."""
    fresh = GenreFreshness("samba", WHEN.date(), 0, 7, "fresh")
    stale = GenreFreshness("choro", WHEN.date(), 9, 7, "stale")
    shown = _health_cards.freshness_table([fresh, stale], {"choro": 7}, Text())
    assert shown.index("choro") < shown.index("samba")
    assert "9 days" in shown
    assert "7 days, its own" in shown


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        (CatchUp("fresh"), "Nothing has to be caught up."),
        (CatchUp("idle", ("choro",)), "without credentials"),
        (CatchUp("paused", ("choro",)), "no schedule is active"),
        (CatchUp("locked", ("choro",), WHEN), "locked until Nov 22, 09:00"),
        (CatchUp("spent", ("choro",)), "too small to catch up"),
        (CatchUp("waiting", ("choro",), WHEN), "the next time is Nov 22, 09:00"),
        (CatchUp("due", ("choro", "samba")), "2 genres are caught up by one run"),
    ],
)
def test_catching_up_is_explained(plan, words):
    """Whatever the scheduler does about old genres is said in words."""
    assert words in _freshness.catch_up_words(plan, Text())
