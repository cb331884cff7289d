"""The runs page: start, cancel, look back."""

from __future__ import annotations

import pytest

from pipeline.ledger import TaskOutcome
from tests.screens import install_service, open_screen


@pytest.fixture
def service(tmp_path):
    """A service that is not started: what is asked of it stays asked."""
    return install_service(tmp_path)


def add_run(ledger, run_id, state="succeeded", message=""):
    """A run with one task of two items, one of them failed."""
    ledger.begin_run(run_id, "cli", {}, pid=1)
    for place, ended in enumerate(("succeeded", "failed")):
        ledger.begin_task(run_id, f"discover-{place}", 1, "discover", "mpb")
        ledger.finish_task(TaskOutcome(run_id, f"discover-{place}", 1, ended, requests=3, rows=1200))
    ledger.finish_run(run_id, state, message)


def test_runs_are_listed_newest_first(service):
    """Each run stands with its state, what began it, requests and rows, and leads to its tasks."""
    add_run(service.ledger, "20261121T060000-aaaaaa")
    add_run(service.ledger, "20261122T060000-bbbbbb", "deferred")
    screen = open_screen("runs.py")
    targets = [target for _, target in screen.links]
    assert targets == ["runs?run=20261122T060000-bbbbbb", "runs?run=20261121T060000-aaaaaa"]
    for expected in ("deferred", "succeeded", "the command line", "2,400"):
        assert expected in screen.words


def test_failed_run_says_why(service):
    """A run that failed bears its reason in the list, and the frame of every page says that the last run failed."""
    add_run(service.ledger, "20261121T060000-aaaaaa", "failed", "the token was refused")
    words = open_screen("runs.py").words
    assert "the token was refused" in words
    assert "The last run failed" in words


def test_one_run_shows_its_tasks(service):
    """A run in the address shows what each task did and how its items ended."""
    add_run(service.ledger, "20261121T060000-aaaaaa", "failed", "one genre did not answer")
    screen = open_screen("runs.py", run="20261121T060000-aaaaaa")
    for expected in ("discovering artists", "one genre did not answer", "succeeded", "failed"):
        assert expected in screen.words
    [attempts] = screen.app.dataframe
    assert attempts.value["Item"].to_list() == ["mpb", "mpb"]


def test_unknown_run_is_said(service):
    """A run that is not here is named, and the list stays."""
    add_run(service.ledger, "20261121T060000-aaaaaa")
    screen = open_screen("runs.py", run="nobody")
    assert "No run nobody here" in screen.words
    assert len(screen.links) == 1


def test_run_now_starts_one(service):
    """Run now asks the service for a run; the page shows it at once and offers to cancel it."""
    app = open_screen("runs.py").app
    assert (app.button(key="run_now").disabled, app.button(key="cancel").disabled) == (False, True)
    app.button(key="run_now").click().run()
    assert service.status().active.trigger == "button"
    assert (app.button(key="run_now").disabled, app.button(key="cancel").disabled) == (True, False)


def test_cancel_asks_the_service(service):
    """Cancel reaches the service."""
    app = open_screen("runs.py").app
    app.button(key="run_now").click().run()
    app.button(key="cancel").click().run()
    assert service._cancel.is_set()


def test_late_click_starts_nothing(service):
    """When another tab was quicker, a click on Run now leaves its run alone and shows it."""
    app = open_screen("runs.py").app
    first = service.run_now()
    app.button(key="run_now").click().run()
    assert service.status().active.run_id == first
    assert (app.exception, app.button(key="run_now").disabled) == ([], True)


def test_many_runs_come_in_pages(service):
    """A long list of runs is shown page by page."""
    for place in range(14):
        add_run(service.ledger, f"2026110{place // 10}T06000{place % 10}-aaaaaa")
    assert [len(open_screen("runs.py", page=page).links) for page in ("1", "2")] == [12, 2]
