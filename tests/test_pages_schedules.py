"""The page of schedules: seen, added, changed, paused, removed, tried at once; changes from outside are seen."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime

import pytest

from pages._schedule_cards import interval_parts, when_label
from pages._text import Text
from pipeline.records.ledger import Ledger
from pipeline.service.scheduler import Service
from pipeline.watching.schedules import Schedule, add_schedule, pause_schedule
from tests.screens import Screen, install_service, open_screen

DAILY = Schedule("daily", "cron", "0 6 * * *", "America/Sao_Paulo", ("forró", "mpb"), 50)


@pytest.fixture
def service(tmp_path) -> Service:
    """A service that is not started, with one schedule."""
    made = install_service(tmp_path)
    made.add_schedule(DAILY)
    return made


def test_schedule_tells_all_about_it(service):
    """A schedule stands with state, words, genres, limit, time zone and the next five times; the demo's as such."""
    words = open_screen("schedules.py").words
    assert "In the demo they collect made-up artists" in words
    for expected in ("daily", "active", "every day at 06:00", "forró, mpb", "at most 50 requests", "America/Sao_Paulo"):
        assert expected in words
    assert words.count(", 06:00") == 5


def test_it_speaks_portuguese(service):
    """The same in Portuguese."""
    words = open_screen("schedules.py", "pt").words
    assert "todo dia às 06:00" in words
    assert "no máximo 50 requisições" in words


def test_pause_and_resume(service):
    """A paused schedule shows no times and can be resumed."""
    app = open_screen("schedules.py").app
    app.button(key="pause_daily").click().run()
    assert [each.paused for each in service.schedules()] == [True]
    app.button(key="resume_daily").click().run()
    assert [each.paused for each in service.schedules()] == [False]


def test_removed_schedule_is_gone(service):
    """Remove takes the schedule away; without any the page says what that means."""
    screen = open_screen("schedules.py")
    screen.app.button(key="remove_daily").click().run()
    assert service.schedules() == []
    assert "No schedule yet" in open_screen("schedules.py").words


def test_times_are_shown_before_it_is_kept(service):
    """The form says when the schedule would fire, and keeps nothing before the button."""
    app = open_screen("schedules.py").app
    app.button(key="new_schedule").click().run()
    app.text_input(key="sf_name").set_value("weekly").run()
    app.text_input(key="sf_cron").set_value("30 7 * * fri").run()
    shown = [each.proto.body for each in app.get("html") if "g-times" in each.proto.body]
    assert shown[0].count("Fri, ") == 5
    assert [each.name for each in service.schedules()] == ["daily"]
    app.button(key="sf_keep").click().run()
    kept = service.schedules()[1]
    assert (kept.name, kept.kind, kept.spec, kept.timezone) == ("weekly", "cron", "30 7 * * fri", "America/Sao_Paulo")


@pytest.mark.parametrize(
    ("kind", "changes", "spec"),
    [("interval", {"sf_count": 90, "sf_unit": "m"}, "90m"), ("once", {}, "T06:00")],
)
def test_other_kinds_are_kept(service, kind, changes, spec):
    """Intervals and one-offs are made of numbers and dates, with limit, priority and grace."""
    app = open_screen("schedules.py").app
    app.button(key="new_schedule").click().run()
    app.text_input(key="sf_name").set_value("other").run()
    app.button_group(key="sf_kind").set_value(kind).run()
    for key, value in changes.items():
        (app.number_input if isinstance(value, int) else app.selectbox)(key=key).set_value(value).run()
    for key, value in (("sf_most", 40), ("sf_priority", 3), ("sf_grace", 2.0)):
        app.number_input(key=key).set_value(value).run()
    app.button(key="sf_keep").click().run()
    kept = service.schedules()[1]
    assert (kept.kind, kept.spec.endswith(spec)) == (kind, True)
    assert (kept.max_requests, kept.priority, kept.grace_s) == (40, 3, 7_200)


def test_every_kind_keeps_what_was_typed(service):
    """Who looks at another kind finds what was typed before, and keeps that."""
    app = open_screen("schedules.py").app
    app.button(key="new_schedule").click().run()
    app.text_input(key="sf_name").set_value("typed").run()
    app.text_input(key="sf_cron").set_value("30 7 * * fri").run()
    for kind in ("interval", "once", "cron"):
        app.button_group(key="sf_kind").set_value(kind).run()
    app.button(key="sf_keep").click().run()
    assert {found.name: found.spec for found in service.schedules()}["typed"] == "30 7 * * fri"


def test_wrong_line_is_explained(service):
    """A line that cron would not take is refused while it is typed, with the reason."""
    app = open_screen("schedules.py").app
    app.button(key="new_schedule").click().run()
    app.text_input(key="sf_name").set_value("odd").run()
    app.text_input(key="sf_cron").set_value("0 25 * * *").run()
    assert app.button(key="sf_keep").disabled
    assert "hour '25' is not within" in Screen(app).words


def test_change_keeps_the_name(service):
    """Change opens the form with what is there, and puts the changed one in its place."""
    app = open_screen("schedules.py").app
    app.button(key="change_daily").click().run()
    assert (app.text_input(key="sf_name").disabled, app.multiselect(key="sf_genres").value) == (True, ["forró", "mpb"])
    app.text_input(key="sf_cron").set_value("0 9 * * *").run()
    app.button(key="sf_keep").click().run()
    assert [(each.name, each.spec, each.genres) for each in service.schedules()] == [
        ("daily", "0 9 * * *", ("forró", "mpb"))
    ]


def test_run_now_asks_the_same(service):
    """Run now starts a run of the schedule's genres and limit, or lets it wait, and leads to the page of the run."""
    running = service.run_now()
    app = open_screen("schedules.py").app
    app.button(key="run_daily").click().run()
    assert service.status().active.run_id == running
    assert [(each.genres, each.max_requests) for each in service._waiting] == [(("forró", "mpb"), 50)]
    assert app.query_params["id"] == service._waiting[0].run_id


def test_last_run_is_shown(service):
    """The last run that a schedule started stands on it with its state, and leads to its tasks."""
    service.ledger.begin_run("20261121T060000-aaaaaa", "schedule", {}, pid=1)
    service.ledger.finish_run("20261121T060000-aaaaaa", "deferred")
    with service.ledger.write() as connection:
        connection.execute("UPDATE schedules SET last_run_id = '20261121T060000-aaaaaa'")
    screen = open_screen("schedules.py")
    assert "deferred" in screen.words
    assert ("Last run of daily", "run?id=20261121T060000-aaaaaa") in screen.links


def test_change_from_the_command_line_is_seen(service):
    """What another process changed stands on the page the next time it is drawn, which it is every two seconds."""
    screen = open_screen("schedules.py")
    with closing(Ledger(service.ledger.place)) as other:
        add_schedule(other, Schedule("nightly", "interval", "6h", "UTC"))
        pause_schedule(other, "daily")
    screen.app.run()
    assert "nightly" in screen.words
    assert "every 6 hours" in screen.words
    assert "paused" in screen.words


def test_removed_meanwhile_is_said(service):
    """A click on a schedule that somebody removed changes nothing and shows the list as it is."""
    app = open_screen("schedules.py").app
    service.remove_schedule("daily")
    app.button(key="pause_daily").click().run()
    assert (app.exception, service.schedules()) == ([], [])


def test_missed_times_are_told(service):
    """Times that nobody kept are listed with what became of them."""
    facts = {"schedule": "daily", "due_at": datetime(2026, 11, 20, 9, tzinfo=UTC).isoformat(), "action": "dropped"}
    service.ledger.add_event("WARNING", "schedule_missed", "daily: dropped", **facts)
    assert "daily, Fri, Nov 20, 09:00: dropped" in open_screen("schedules.py").words


@pytest.mark.parametrize(
    ("kind", "spec", "words"),
    [
        ("cron", "5 7 * * 1-5", "Monday to Friday at 07:05"),
        ("cron", "0 12 * * 0", "Sunday at 12:00"),
        ("cron", "0 12 * * fri", "Friday at 12:00"),
        ("cron", "*/5 * * * *", "crontab */5 * * * *"),
        ("cron", "@daily", "crontab @daily"),
        ("interval", "1h", "every hour"),
        ("interval", "2d", "every 2 days"),
        ("interval", "3 w", "every 3 weeks"),
        ("interval", "90m", "every 90 minutes"),
        ("interval", "600", "every 10 minutes"),
        ("once", "2027-01-31T06:00", "once, Jan 31, 2027, 06:00"),
    ],
)
def test_simple_lines_are_words(kind, spec, words):
    """A simple line is told in words, any other as it stands."""
    assert when_label(Schedule("x", kind, spec, "UTC"), Text()) == words


def test_seconds_become_minutes():
    """An interval kept in seconds can be changed as minutes."""
    assert [interval_parts(spec) for spec in ("600", "90s", "5H")] == [(10, "m"), (1, "m"), (5, "h")]
