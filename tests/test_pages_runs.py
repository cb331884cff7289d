"""The page of runs: a form that says what it will cost, what goes on, every run by filter and page by page."""

from __future__ import annotations

from datetime import date

import pytest

from pages import _run_data
from pages._text import Text
from pipeline.moving.importing import import_history
from pipeline.records.ledger import TaskOutcome
from pipeline.records.lock import hold_run_lock
from pipeline.watching.schedules import Schedule
from pipeline.workspace import Workspace
from tests.screens import Screen, install_service, open_screen

FIRST, SECOND = "20261121T060000-aaaaaa", "20261122T060000-bbbbbb"


@pytest.fixture
def service(tmp_path):
    """A service that is not started: what is asked of it stays asked."""
    return install_service(tmp_path, genres=("mpb", "samba"))


def add_run(ledger, run_id, state="succeeded", message="", trigger="cli", genres=("mpb",)):
    """A run with one task of two items, one of them failed."""
    ledger.begin_run(run_id, trigger, {"genres": list(genres)}, pid=1)
    for place, ended in enumerate(("succeeded", "failed")):
        ledger.begin_task(run_id, f"discover-{place}", 1, "discover", "mpb")
        ledger.finish_task(TaskOutcome(run_id, f"discover-{place}", 1, ended, requests=3, rows=1200))
    ledger.finish_run(run_id, state, message)


def runs_on(screen):
    """Ids of the runs that are listed, in order."""
    return [target.removeprefix("run?id=") for _, target in screen.links if target.startswith("run?id=")]


def test_runs_are_listed_newest_first(service):
    """Each run stands with its state, what began it, when and in which time zone, requests and rows."""
    add_run(service.ledger, FIRST)
    add_run(service.ledger, SECOND, "deferred")
    screen = open_screen("runs.py")
    assert runs_on(screen) == [SECOND, FIRST]
    for expected in ("deferred", "succeeded", "the command line", "2,400", "2 runs; times in UTC"):
        assert expected in screen.words


def test_runs_of_last_year_say_so(service):
    """A run of another year than the newest has its year in the list, and above its own page."""
    for run_id in (FIRST, SECOND):
        add_run(service.ledger, run_id)
    with service.ledger.write() as connection:
        connection.execute("UPDATE runs SET started_at = started_at - 366 * 86400 WHERE run_id = ?", (FIRST,))
    began = service.ledger.runs(2)[1]["started_at"]
    old = Text("en").instant(began, service.ledger.now())
    assert f", {began.year}, " in old
    assert all(old in screen.words for screen in (open_screen("runs.py"), open_screen("run.py", id=FIRST)))


def test_failed_run_says_why(service):
    """A run that failed bears its reason, its tasks named as people do; the frame says that the last run failed."""
    add_run(service.ledger, FIRST, "failed", "refresh_tracks: the token was refused")
    words = open_screen("runs.py").words
    assert "reading tracks: the token was refused" in words
    assert "The last run failed" in words


def test_nothing_can_be_started_without_credentials(tmp_path):
    """Where nothing is collected, no button offers a run that could not begin; how to begin is said instead."""
    service = install_service(tmp_path, workspace="archive")
    service.add_schedule(Schedule("daily", "cron", "0 6 * * *", "UTC"))
    runs, schedules = open_screen("runs.py"), open_screen("schedules.py")
    assert (runs.app.button(key="run_now").disabled, schedules.app.button(key="run_daily").disabled) == (True, True)
    assert ("Press Run now" in runs.words, "or bring history in" in runs.words) == (False, True)
    assert ("No schedule is set" in runs.words, "active" in schedules.words.split()) == (False, False)
    assert "waits for credentials" in schedules.words
    assert "None fires before there are credentials (SPOTIPY_CLIENT_ID, SPOTIPY_CLIENT_SECRET)" in schedules.words


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"state": "failed"}, [SECOND]),
        ({"trigger": "cli"}, [FIRST]),
        ({"genre": "samba"}, [SECOND]),
        ({"state": "nonsense"}, [SECOND, FIRST]),
        ({"state": "crashed"}, []),
    ],
)
def test_address_decides(service, query, found):
    """State, what began it and genre come from the address, under the same names in both languages."""
    add_run(service.ledger, FIRST)
    add_run(service.ledger, SECOND, "failed", trigger="button", genres=("samba",))
    screens = [open_screen("runs.py", language, **query) for language in ("en", "pt")]
    assert [runs_on(screen) for screen in screens] == [found, found]
    assert ("No run matches" in screens[0].words) is not bool(found)


def test_filter_is_taken_back_by_one_press(service):
    """Where nothing matches one button brings every run, and leaves nothing of the choice in the address."""
    add_run(service.ledger, FIRST)
    app = open_screen("runs.py", state="crashed", trigger="cli", genre="mpb", days="2020-01-01,2020-01-02").app
    app.button(key="show_all").click().run()
    assert (runs_on(Screen(app)), dict(app.query_params), app.selectbox(key="choice_state").value) == (
        [FIRST],
        {},
        None,
    )


def test_made_up_history_is_called_so(service):
    """Runs of the demo's history are no schedule's, and can be filtered for; nor are all that the app begins."""
    add_run(service.ledger, FIRST, trigger="demo")
    add_run(service.ledger, SECOND, trigger="schedule")  # as its first one
    screen = open_screen("runs.py")
    assert ("the app by itself" in screen.words, "the schedule" in screen.words) == (True, False)
    assert "the demo (made-up history)" in screen.words
    assert "the demo (made-up history)" in screen.app.selectbox(key="choice_trigger").options
    assert "demonstração (histórico inventado)" in open_screen("runs.py", "pt").words


def test_choice_enters_the_address(service):
    """A state chosen on the page is in the address afterwards, and goes when it is cleared."""
    add_run(service.ledger, FIRST)
    app = open_screen("runs.py").app
    app.selectbox(key="choice_state").set_value("failed").run()
    assert dict(app.query_params) == {"state": "failed"}
    app.selectbox(key="choice_state").set_value(None).run()
    assert dict(app.query_params) == {}


def test_address_changes_the_filter(service):
    """An address that changes below the page, as by a step back in the browser, takes the filter with it."""
    add_run(service.ledger, FIRST)
    screen = open_screen("runs.py", state="failed")
    assert runs_on(screen) == []
    screen.app.query_params.clear()
    screen.app.run()
    assert (screen.app.selectbox(key="choice_state").value, runs_on(screen)) == (None, [FIRST])


@pytest.mark.parametrize(("language", "written"), [("en", "YYYY-MM-DD"), ("pt", "DD/MM/YYYY")])
def test_days_are_typed_as_usual(service, language, written):
    """A day is typed as the language writes one; in the address it is the same for all."""
    add_run(service.ledger, FIRST)
    [field] = open_screen("runs.py", language, days=["2026-11-20", "2026-11-21"]).app.date_input
    assert (field.proto.format, field.value) == (written, (date(2026, 11, 20), date(2026, 11, 21)))


def test_many_runs_come_in_pages(service):
    """A long list of runs is shown page by page."""
    for place in range(14):
        add_run(service.ledger, f"2026110{place // 10}T06000{place % 10}-aaaaaa")
    assert [len(runs_on(open_screen("runs.py", page=page))) for page in ("1", "2")] == [12, 2]


def test_past_is_drawn(service):
    """Durations of earlier runs are a chart, their outcomes a calendar that can also be heard."""
    add_run(service.ledger, FIRST)
    add_run(service.ledger, SECOND, "failed")
    screen = open_screen("runs.py")
    assert len(screen.charts) == 1
    [calendar] = [each.proto.body for each in screen.app.get("html") if 'class="g-cal"' in each.proto.body]
    assert "Outcomes of the last half year: failed 1, succeeded 1" in calendar
    assert calendar.count("<i class=") > 7 * 25


def test_form_says_what_it_costs(service):
    """Run now opens a form that says what a run would ask before anything is started; a dry run lists it by name."""
    app = open_screen("runs.py").app
    app.button(key="run_now").click().run()
    app.multiselect(key="form_genres").set_value(["samba"]).run()
    app.number_input(key="form_limit").set_value(40).run()
    app.toggle(key="form_dry").set_value(True).run()
    told = " ".join(each.proto.body for each in app.get("html"))
    assert "It asks 1 request now, and 10 at most where answers have further pages." in told
    assert "samba" in told
    app.number_input(key="form_limit").set_value(3).run()
    assert "It asks 1 request now." in " ".join(each.proto.body for each in app.get("html"))
    assert (service.status().active, service.status().waiting) == (None, ())
    assert "form_start" not in {button.key for button in app.button}


def test_form_starts_a_run(service):
    """Start begins the run that was described and shows it."""
    app = open_screen("runs.py").app
    app.button(key="run_now").click().run()
    app.button(key="form_start").click().run()
    active = service.status().active
    assert active.trigger == "button"
    assert app.query_params["id"] in (active.run_id, [active.run_id])
    assert app.title[0].value == "Run"


def test_second_run_waits(service):
    """While a run goes on the form offers to wait for its end; who waits is counted and can be cancelled."""
    first = service.run_now()
    _run_data.forget()
    app = open_screen("runs.py").app
    app.button(key="run_now").click().run()
    assert app.button(key="form_start").label == "Start when the present run has ended"
    app.button(key="form_start").click().run()
    assert service.status().active.run_id == first
    assert len(service.status().waiting) == 1


def test_run_elsewhere_is_shown(service):
    """A run of another process is seen with where it is, and Cancel reaches it through the ledger."""
    with hold_run_lock(service.workspace, FIRST, "cli", service.ledger.now()):
        service.ledger.begin_run(FIRST, "cli", {"genres": ["mpb"]}, pid=1)
        service.ledger.begin_task(FIRST, "discover-0", 1, "discover", "mpb")
        app = open_screen("runs.py").app
        app.button(key="cancel").click().run()
    assert service.ledger.cancel_requested(FIRST)


def test_cancel_asks_the_service(service):
    """Cancel reaches the run of this process."""
    service.run_now()
    _run_data.forget()
    app = open_screen("runs.py").app
    app.button(key="cancel").click().run()
    assert service._cancel.is_set()


def test_imports_are_told_in_both_languages(service, tmp_path):
    """A run that brought in old files is named as one, and says in the reader's words what it read."""
    old = tmp_path / "old.json"
    old.write_text('[{"id": "0Banda00000000000000AA", "name": "A", "date": "2024-05-01"}, {"id": "no"}]', "utf-8")
    import_history(Workspace(tmp_path / "other"), service.ledger, old, FIRST)  # the demo takes none
    english, portuguese = (open_screen("runs.py", language, trigger="import").words for language in ("en", "pt"))
    assert "an import" in english
    assert "importação" in portuguese
    told = [open_screen("run.py", language, id=FIRST).words for language in ("en", "pt")]
    assert "imported old.json: 2 entries read, 1 rejected" in told[0]
    assert "importado de old.json: registros lidos 2, recusados 1" in told[1]
