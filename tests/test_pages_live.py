"""Live parts of pages: made once for all who look, fetched without a session by who calls this app by its name."""

from __future__ import annotations

import html
import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests

from pages import _broadcast, _run_data, _run_graph
from pages._run_cards import progress_facts
from pages._text import Text
from pipeline.records.ledger import TaskOutcome
from pipeline.records.log_context import working_for
from pipeline.runs.items import end_run_task, plan_items, plan_run_tasks
from pipeline.runs.planner import Item
from pipeline.runs.progress import Progress, Status, TaskResult
from tests.apps import serving
from tests.screens import install_service, open_screen

RUN = "20261121T060000-aaaaaa"
PARTS = ["budget", "graph", "head", "items", "lines", "time"]


@pytest.fixture
def service(tmp_path):
    """A service that is not started, with a run under way in another process."""
    made = install_service(tmp_path, genres=("mpb",))
    made.ledger.begin_run(RUN, "cli", {"genres": ["mpb"]}, pid=1)
    return made


@pytest.fixture
def ask(service):
    """Asks the launcher's own addresses, served on this machine."""
    import app

    with serving(app.ROUTES) as url, requests.Session() as session:
        yield lambda path, **headers: session.get(f"{url}/{path}", headers=headers, timeout=10)


def places(screen):
    """Parts of a page with the address where they stay up to date."""
    bodies = [each.proto.body for each in screen.app.get("html")]
    found = [re.match(r'<div data-part="(\w+)"(?: data-live="([^"]+)")?>', body) for body in bodies]
    return {match[1]: html.unescape(match[2] or "") for match in found if match}


def test_page_and_address_agree(service, ask):
    """What the address of a page's parts gives is what the page shows, for its filters and in its language."""
    with working_for(run_id=RUN, task="discover"):
        service.ledger.add_event("INFO", "tick", "line <one>")
        service.ledger.add_event("INFO", "tick", "another")
    screen = open_screen("run.py", "pt", id=RUN, words="one")
    assert sorted(places(screen)) == PARTS
    [address] = set(places(screen).values())
    assert dict(parse_qsl(urlsplit(address).query))["words"] == "one"
    parts = ask(address).json()["parts"]
    shown = [each.proto.body for each in screen.app.get("html") if 'data-part="lines"' in each.proto.body]
    assert [parts["lines"] in each for each in shown] == [True]
    assert "line &lt;one&gt;" in parts["lines"]
    assert "another" not in parts["lines"]
    assert "Uma execu" not in parts["head"]
    assert "em andamento" in parts["head"]


def test_change_is_there_at_once(service, ask):
    """A line that is written, and a wish to cancel, are in the next answer; while nothing happens nothing is sent."""
    address = _broadcast.run_address(_broadcast.Wanted(RUN), _broadcast.Text("en"))
    first = ask(address)
    assert ask(address, **{"If-None-Match": first.headers["etag"]}).status_code == 304
    service.ledger.request_cancel(RUN)
    _run_data.forget()
    then = ask(address, **{"If-None-Match": first.headers["etag"]})
    assert (then.status_code, "cancelling" in then.json()["parts"]["head"]) == (200, True)


def test_one_answer_serves_everybody(ask):
    """Those who look at the same get the very same bytes: they are made once."""
    address = ("run", {"run_id": RUN, "language": "en"})
    _run_data.forget()
    assert _broadcast.broadcast(*address) is _broadcast.broadcast(*address)
    packed, plain = (ask("live/going?language=en", **{"Accept-Encoding": each}) for each in ("gzip", "identity"))
    assert (packed.headers["content-encoding"], "content-encoding" in plain.headers) == ("gzip", False)
    assert packed.json() == plain.json() == json.loads(plain.content)


def test_ended_run_stands_still(service):
    """The page of a run that ended asks for nothing any more."""
    service.ledger.finish_run(RUN, "succeeded")
    assert set(places(open_screen("run.py", id=RUN)).values()) == {""}


def test_what_goes_on_is_live(service):
    """The page of runs keeps its bar up to date in the same way."""
    screen = open_screen("runs.py")
    assert places(screen) == {"going": "live/going?language=en&zone=UTC"}


@pytest.mark.parametrize(
    "address",
    [
        "live/run?run_id=nobody&language=en",
        f"live/run?run_id={RUN}&language=fr",
        f"live/run?run_id={RUN}&language=en&log_page=x",
        f"live/run?run_id={RUN}&language=en&level=loud",
        f"live/run?run_id={RUN}&language=../en",
        "live/settings?language=en",
        "live/run",
    ],
)
def test_unknown_address_is_404(ask, address):
    """A run, a language, a page or a name that is not there is no error of the server."""
    assert ask(address).status_code == 404


@pytest.mark.parametrize("path", ["healthz", "live/going?language=en", "live.js"])
def test_foreign_names_are_refused(ask, path):
    """Who reached this machine under another name, by a trick with DNS, is told nothing."""
    assert ask(path).status_code == 200
    assert ask(path, Host="evil.example").status_code == 400


def test_task_without_items_counts_none():
    """While a task goes on that has no items, such as publishing, none are counted; a mapped one says how many."""
    began = datetime(2026, 11, 22, 6, tzinfo=UTC)
    publishing = Progress(RUN, "cli", began, "publish", requests=7)
    assert "<dt>Items" not in progress_facts(Status(active=publishing), Text())
    mapped = replace(publishing, task="discover", done=1, total=2)
    assert "<dt>Items</dt><dd>1 / 2</dd>" in progress_facts(Status(active=mapped), Text())


@pytest.mark.parametrize(("ended", "told"), [("succeeded", "2 / 2"), ("deferred", "1 / 2"), ("cancelled", "1 / 2")])
def test_put_off_items_of_a_task_that_succeeded_are_done(service, ended, told):
    """What an item put off, another one of the same task has asked where that succeeded; else it is not done."""
    ledger = service.ledger
    plan_run_tasks(ledger, RUN, ["discover"])
    plan_items(ledger, RUN, "discover", {f"discover-{n}": Item(f"genre {n}", (), 3) for n in range(2)})
    for number, state in enumerate(("deferred", "succeeded")):
        ledger.begin_task(RUN, f"discover-{number}", 1, "discover", f"genre {number}")
        ledger.finish_task(TaskOutcome(RUN, f"discover-{number}", 1, state, requests=1))
    end_run_task(ledger, RUN, vars(TaskResult("discover", ended)))
    ledger.finish_run(RUN, "succeeded")
    assert re.findall(r"\d / \d", _run_graph.graph(_run_data.look_at(RUN), Text())) == [told]
