"""The page of one run: graph, line of time, items by name, log, budget, and the ways to stop it or go on with it."""

from __future__ import annotations

import re

import pytest

from pages import _run_data
from pages._run_words import TASKS, task_label, told
from pages._text import Text
from pipeline.records.budget import Budget, Limits
from pipeline.records.ledger import TaskOutcome
from pipeline.records.log_context import working_for
from pipeline.runs.dag import DAG
from pipeline.runs.items import begin_run_task, end_run_task, plan_items, plan_run_tasks, set_retrying
from pipeline.runs.planner import Item
from pipeline.runs.runner import RunRequest
from pipeline.source.calls import Call
from tests.receipts import artist, commit_lines, line
from tests.screens import install_service, open_screen

RUN = "20261121T060000-aaaaaa"
CALL = Call("artist", {"id": "a"})
ENDED = {"state": "succeeded", "due_at": None, "items": 0, "missing": 0, "message": ""}


@pytest.fixture
def service(tmp_path):
    """A service that is not started."""
    return install_service(tmp_path, genres=("mpb", "samba"))


def begin(ledger, items=2):
    """A run in its third task, with so many items: the first ended, the second failed once and is tried again."""
    ledger.begin_run(RUN, "button", {"genres": ["mpb"]}, pid=1)
    plan_run_tasks(ledger, RUN, [task.name for task in DAG])
    for name in ("probe", "plan"):
        begin_run_task(ledger, RUN, name)
        end_run_task(ledger, RUN, {**ENDED, "name": name})
    begin_run_task(ledger, RUN, "discover")
    plan_items(ledger, RUN, "discover", {f"discover-{n}": Item(f"genre {n}", (CALL,), 3) for n in range(items)})
    ledger.begin_task(RUN, "discover-0", 1, "discover", "genre 0")
    ledger.finish_task(TaskOutcome(RUN, "discover-0", 1, "succeeded", requests=3, rows=1200))
    ledger.begin_task(RUN, "discover-1", 1, "discover", "genre 1")
    ledger.finish_task(TaskOutcome(RUN, "discover-1", 1, "failed", requests=1, message="503 of the source"))
    set_retrying(ledger, RUN, "discover-1", "discover-1-2", (CALL,), wait_s=1.0)
    ledger.begin_task(RUN, "discover-1-2", 2, "discover", "genre 1", wait_s=1.0)


def html(screen, part):
    """The one piece of HTML with a word in it."""
    bodies = [re.sub("^<div data-part=[^>]*>", "", each.proto.body) for each in screen.app.get("html")]
    [found] = [body for body in bodies if part in body[:60]]
    return found


def tables(screen):
    """The tables."""
    return [each.proto.body for each in screen.app.get("html") if 'class="g-table' in each.proto.body]


def buttons(screen):
    """Keys of the buttons that can be pressed."""
    return {button.key for button in screen.app.button if not button.disabled}


def test_graph_shows_states(service):
    """Every task of the graph stands with its state; the mapped one under way with how many of its items are done."""
    begin(service.ledger)
    graph = html(open_screen("run.py", id=RUN), "g-dag")
    assert re.findall(r"g-node g-s-(\w+)", graph)[:4] == ["succeeded", "succeeded", "running", "pending"]
    assert graph.count("g-node") == len(DAG)
    assert "1 / 2" in graph
    service.ledger.finish_run(RUN, "cancelled")
    assert "1 / 2" in html(open_screen("run.py", id=RUN), "g-dag")  # what was cancelled is not done


def test_line_of_time_has_attempts(service):
    """Tasks are bars, and each attempt at an item is a thinner one that says its name, number and end."""
    begin(service.ledger)
    line = html(open_screen("run.py", id=RUN), "g-gantt")
    assert line.count('class="g-bar') == 3
    assert line.count("g-try") == 3
    assert "genre 1, attempt 1: failed" in line
    assert line.count("g-again") == 1


def test_many_attempts_are_counted(service):
    """Where there are hundreds of attempts they are columns by time, so that the page stays small."""
    begin(service.ledger)
    for number in range(2, 202):
        service.ledger.begin_task(RUN, f"discover-{number}", 1, "discover", f"genre {number}")
    line = html(open_screen("run.py", id=RUN), "g-gantt")
    assert "g-try" not in line
    assert 0 < line.count("g-bin") <= 180


def test_items_stand_by_name(service):
    """Items bear their names, what is in trouble first, and an earlier attempt does not vanish behind a later one."""
    begin(service.ledger)
    [table] = [each for each in tables(open_screen("run.py", id=RUN)) if "g-items" in each]
    assert re.findall(r'scope="row">([^<]+)', table) == ["genre 1", "genre 0"]
    assert "attempt 1, failed, &lt; 1\u00a0s" in table
    assert "after a wait of 1\u00a0s" in table


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"words": "GENRE 1"}, ["genre 1", *(f"genre {n}" for n in range(10, 20))]),
        ({"state": "succeeded"}, ["genre 0"]),
        ({"task": "refresh_tracks"}, []),
        ({"items_page": "2"}, ["genre 21", "genre 22", "genre 23", "genre 24", "genre 0"]),
    ],
)
def test_items_are_filtered_and_paged(service, query, found):
    """Name, state, task and page of the items come from the address."""
    begin(service.ledger, items=25)
    screen = open_screen("run.py", id=RUN, **query)
    shown = [each for each in tables(screen) if "g-items" in each]
    assert [name for table in shown for name in re.findall(r'scope="row">([^<]+)', table)] == found


def test_log_is_filtered(service):
    """Lines come newest first in the reader's time zone; level, task and words narrow them; all go into a file."""
    begin(service.ledger)
    for number, level in enumerate(("INFO", "WARNING", "INFO")):
        with working_for(run_id=RUN, task="discover", item="mpb"):
            service.ledger.add_event(level, "tick", f"line {number}")
    log = html(open_screen("run.py", id=RUN), "g-log")
    assert re.findall(r"line \d", log) == ["line 2", "line 1", "line 0"]
    for query in ({"level": "WARNING"}, {"words": "LINE 1"}):
        assert re.findall(r"line \d", html(open_screen("run.py", id=RUN, **query), "g-log")) == ["line 1"]
    assert "No line matches." in open_screen("run.py", id=RUN, task="plan").words
    text = _run_data.whole_log(_run_data.EventFilter(RUN)).decode()
    assert [line.split(" ", 1)[1] for line in text.splitlines()][1] == "WARNING discover [mpb] tick line 1"


def test_live_run_can_be_cancelled(service):
    """A run of another process is asked to stop through the ledger, and is seen to be cancelling at once."""
    begin(service.ledger)
    screen = open_screen("run.py", id=RUN)
    assert buttons(screen) >= {"cancel"}
    screen.app.button(key="cancel").click().run()
    assert service.ledger.cancel_requested(RUN)
    assert "cancelling" in screen.words
    assert "What was committed is kept. A run that is publishing already comes to its end." in screen.words
    assert "cancel" not in buttons(screen)


def test_crashed_run_resumes_with_one_click(service):
    """A crashed run is shown with what it left; one click asks for it and shows the run that does: one at a time."""
    begin(service.ledger)
    service.ledger.finish_run(RUN, "crashed", "its process ended without a word; what it committed is kept")
    screen = open_screen("run.py", id=RUN)
    assert ("crashed" in screen.words, "1 item is left, 1 request" in screen.words) == (True, True)
    screen.app.button(key="resume").click().run()
    active = service.status().active
    assert (active.trigger, screen.app.query_params["id"] in (active.run_id, [active.run_id])) == ("button", True)
    service.ledger.begin_run(active.run_id, "button", {"retry_of": RUN}, 1)
    assert "resume" not in buttons(open_screen("run.py", id=RUN))


@pytest.mark.parametrize(
    ("chosen", "state", "said", "can"),
    [
        ([], "succeeded", "", set()),
        ([], "crashed", "tasks that were not reached are asked too", {"resume", "retry"}),
        (["genre 1"], "succeeded", "tasks that were not reached are asked too", {"resume", "retry"}),
    ],
)
def test_what_was_gone_on_with_is_not_left(service, chosen, state, said, can):
    """What a run left is left no more once another one was answered, nor are its tasks once that one reached them."""
    begin(service.ledger)
    service.ledger.finish_run(RUN, "crashed", "its process ended without a word; what it committed is kept")
    service.ledger.begin_run("second", "button", {"retry_of": RUN, "items": chosen}, 1)
    found = line(f"{service.ledger.now():%Y-%m-%d}", artist("a"))
    commit_lines(service.workspace, service.ledger, found, run_id="second")
    service.ledger.finish_run("second", state)
    screen = open_screen("run.py", id=RUN)
    assert ("is left" in screen.words, buttons(screen)) == (False, can)
    assert (said in screen.words, "tasks that were not" in screen.words) == (True, bool(said))
    assert ("Gone on with by second", "run?id=second") in screen.links


def test_chosen_items_say_their_cost(service):
    """What is left can be chosen by name; the form says what that costs before anything starts."""
    begin(service.ledger)
    service.ledger.finish_run(RUN, "failed", "discover: 1 not collected")
    app = open_screen("run.py", id=RUN).app
    app.button(key="retry").click().run()
    assert app.multiselect(key="form_items").options == ["genre 1"]
    app.multiselect(key="form_items").set_value(["genre 1"]).run()
    assert "It asks 1 request now, and 500 at most" in " ".join(each.proto.body for each in app.get("html"))
    assert service.status().active is None
    app.button(key="form_start").click().run()
    assert service.status().active is not None


@pytest.mark.parametrize(("answered", "pressed"), [(0, "retry"), (20, "retry"), (0, "resume")])
def test_locked_quota_is_said_before(service, answered, pressed):
    """What a lock of the quota keeps waiting is not promised: the form says until when, no button starts it.

    Where so many were answered that nothing is left of what the lock has taught, it is not said that nothing is due.
    """
    begin(service.ledger)
    service.ledger.finish_run(RUN, "deferred", "searches: daily quota exceeded")
    budget = Budget(service.ledger, Limits(9_000, None))
    for _ in range(answered):
        budget.settle(budget.reserve("search", "search")[0], 200)
    budget.settle(budget.reserve("search", "search")[0], 429, retry_after_s=7_200, reason="QUOTA_EXCEEDED")
    (screen := open_screen("run.py", id=RUN)).app.button(key=pressed).click().run()
    assert ("Nothing can be asked now" in screen.words, "It asks" in screen.words) == (True, False)
    assert ("form_start" in buttons(screen), service.status().active) == (False, None)
    [cost] = [each for each in tables(screen) if "g-cost" in each]
    assert re.findall(r"discovering artists.*?>1<.*?>1<.*?locked until", cost)  # what waits, until when
    assert "tasks that were not reached" not in screen.words


def test_finished_run_offers_nothing(service):
    """A run that left nothing has neither Cancel nor Retry."""
    service.ledger.begin_run(RUN, "cli", {}, 1)
    service.ledger.finish_run(RUN, "succeeded")
    screen = open_screen("run.py", id=RUN)
    assert buttons(screen) & {"cancel", "resume", "retry"} == set()


@pytest.mark.parametrize(("language", "said"), [("en", "To take it back"), ("pt", "Para desfazê-la")])
def test_import_is_taken_back_not_resumed(service, language, said):
    """An import that broke off goes on by importing again: its page says how to undo it, without tasks and buttons."""
    service.ledger.begin_run(RUN, "import", {"path": "old.csv"}, 1)
    service.ledger.finish_run(RUN, "cancelled", "what was committed is kept; importing again goes on")
    screen = open_screen("run.py", language, id=RUN)
    assert buttons(screen) & {"cancel", "resume", "retry"} == set()
    assert f"{said} python -m pipeline purge --import {RUN}" in screen.words
    assert not re.search("pending|pendente", screen.words)


def test_nothing_left_is_not_counted(service):
    """A run that broke off before it planned anything left no items to count: what it never reached is said alone."""
    service.ledger.begin_run(RUN, "cli", {}, 1)
    service.ledger.finish_run(RUN, "failed", "refused")
    words = open_screen("run.py", id=RUN).words
    assert ("tasks that were not reached are asked too" in words, "0 items" in words) == (True, False)


@pytest.mark.parametrize("query", [{}, {"id": "nobody"}, {"id": "<b>"}])
def test_unknown_run_leads_to_the_list(service, query):
    """Without an id, or with one that is not here, the page says so and leads to the list."""
    screen = open_screen("run.py", **query)
    said = f"No run {query['id']} here" if query else "No run is chosen"
    assert said in screen.words
    assert ("\u2190 All runs", "runs") in screen.links


def test_waiting_run_says_for_what(service):
    """Who is led to a run that waits for another is not told that its tasks appear within seconds."""
    first, second = service.run_now(), service.run_now(wait=True)
    words = [open_screen("run.py", id=run_id).words for run_id in (first, second)]
    assert ["The run begins" in each for each in words] == [True, False]
    assert "It begins once the run that is in progress has ended." in words[1]


def test_refused_run_says_why(tmp_path):
    """Who is led to a run that was refused before it began reads there what to do, not only that there is none."""
    refused = install_service(tmp_path, workspace="mine")
    refused._run(RunRequest("button", run_id=RUN))
    words = open_screen("run.py", id=RUN).words
    assert f"No run {RUN} here" in words
    assert "No Spotify credentials: set SPOTIPY_CLIENT_ID" in words


def test_both_languages_name_tasks(service):
    """Tasks are named in the reader's language in graph, table and messages; every task of the graph has a name."""
    begin(service.ledger)
    assert "procurando" in open_screen("run.py", "pt", id=RUN).words or "descobrindo" in html(
        open_screen("run.py", "pt", id=RUN), "g-dag"
    )
    assert set(TASKS) >= {task.name for task in DAG}
    assert not {task_label(task, Text("pt_BR")) for task in TASKS} & {task.replace("_", " ") for task in TASKS}
    assert told("discover: 3 not collected; refresh_artists, plan did not finish", Text("en")) == (
        "discovering artists: 3 not collected; reading artists, planning did not finish"
    )
    assert told("the plan to publish was checked", Text("en")) == "the plan to publish was checked"


@pytest.mark.parametrize(
    ("message", "portuguese"),
    [
        ("refresh_tracks: 1 not collected, first: Canto", "lendo faixas: 1 sem coletar, o primeiro: Canto"),
        ("HTTP 500 (attempt 1 of 4).", "HTTP 500 (tentativa 1 de 4)."),
        ("Nothing of it was stored; ask again later.", "Nada disso foi guardado; tente mais tarde."),
        ("refresh_tracks: refresh_releases did not finish", "lendo faixas: lendo lançamentos não terminou"),
        ("the run's limit of 500 requests is reached", "o limite de 500 requisições da coleta foi atingido"),
    ],
)
def test_what_failed_is_told_in_portuguese(message, portuguese):
    """What was not collected, at which attempt, and what that means is said in the reader's language; English stays."""
    assert (told(message, Text("pt_BR")), Text("en").error(message)) == (portuguese, message)
