"""What a run logs is in the ledger: bound to task and item, without secrets, for a while."""

from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pipeline.records import events, retiring
from pipeline.records.events import EventFilter, count_events, kept_log, note, note_unknown, read_events
from pipeline.records.ledger import Ledger
from pipeline.records.log_context import working_for
from pipeline.records.opening import opened_ledger
from pipeline.records.retiring import retire_rows
from pipeline.runs.items import end_run_task, keep_left, left_items, plan_items, plan_run_tasks
from pipeline.runs.planner import Item
from pipeline.settings import Settings
from pipeline.source.calls import Call
from pipeline.watching.status import follow_events
from tests.screens import install_service, open_screen

log = logging.getLogger("pipeline.tests")
AT_SIX = datetime(2026, 11, 22, 6, tzinfo=UTC)


def say_some(ledger: Ledger) -> None:
    """Log three lines of run r1 and one of another."""
    with kept_log(ledger, "r1"), working_for(run_id="r1", task="discover", item="forró", batch_id="b1", attempt=2):
        note(log, "item_finished", state="succeeded", rows=30, message="all well")
        log.warning("Slow answer from %s", "search")
        log.debug("too fine to keep")
        with working_for(task="publish", item="", attempt=0):
            note(log, "published", level=logging.ERROR, number=7)
        with working_for(run_id="r2"):
            note(log, "stranger")


def test_note_keeps_its_binding(ledger: Ledger) -> None:
    """An event is one row with name, pairs and message, and whose it is; lines of other runs are not there."""
    say_some(ledger)
    rows = read_events(ledger, EventFilter("r1"))
    assert rows[0] == {
        "id": 1,
        "at": AT_SIX,
        "level": "INFO",
        "event": "item_finished",
        "run_id": "r1",
        "batch_id": "b1",
        "message": "state=succeeded rows=30 all well",
        "fields": {"state": "succeeded", "rows": 30},
        "task": "discover",
        "item": "forró",
        "attempt": 2,
    }
    assert [(row["event"], row["message"]) for row in rows[1:]] == [
        ("log", "Slow answer from search"),
        ("published", "number=7"),
    ]
    assert count_events(ledger, EventFilter()) == 3


def test_event_without_message_tells_its_fields(ledger: Ledger) -> None:
    """Whom the source did not know is told by the line that says so."""
    note_unknown(ledger, ["0Banda00000000000000AA"])
    assert [line["message"] for line in read_events(ledger, EventFilter())] == ["artist_id=0Banda00000000000000AA"]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (EventFilter("r1", level="WARNING"), ["log", "published"]),
        (EventFilter("r1", task="publish"), ["published"]),
        (EventFilter("r1", item="forró"), ["item_finished", "log"]),
        (EventFilter("r1", text="SLOW answer"), ["log"]),
        (EventFilter("r3"), []),
    ],
)
def test_events_are_filtered(wanted: EventFilter, found: list[str], ledger: Ledger) -> None:
    """Task, item, least level and text each narrow what is read, and what is counted."""
    say_some(ledger)
    assert [row["event"] for row in read_events(ledger, wanted)] == found
    assert count_events(ledger, wanted) == len(found)


def test_newest_lines_keep_their_order(ledger: Ledger) -> None:
    """The newest lines are read in the order they were said."""
    say_some(ledger)
    assert [row["id"] for row in read_events(ledger, EventFilter("r1"), limit=2, newest=True)] == [2, 3]
    assert [row["id"] for row in read_events(ledger, EventFilter("r1"), after_id=1)] == [2, 3]


def test_secrets_are_taken_out(ledger: Ledger) -> None:
    """A client secret, a token or a password in an address reaches the ledger in no form, tracebacks included."""
    with kept_log(ledger, "r1", secrets=["s3cr3t-of-mine"]), working_for(run_id="r1"):
        note(log, "asked", header="Authorization: Bearer BQDabc.def-123456", secret="s3cr3t-of-mine")
        log.info("body client_secret=hunter22 and access_token: 'BQDabc.def'")
        log.info("Check SPOTIPY_CLIENT_SECRET and GARIMPO_TOKEN_URL")
        try:
            raise ValueError("s3cr3t-of-mine")
        except ValueError:
            log.exception("run_broken")
    text = str(read_events(ledger, EventFilter("r1")))
    assert [word for word in ("s3cr3t", "BQD", "hunter22") if word in text] == []
    assert "ValueError: (hidden)" in text
    assert "Check SPOTIPY_CLIENT_SECRET and GARIMPO_TOKEN_URL" in text  # a name is no secret


def test_worker_threads_bind_themselves(ledger: Ledger) -> None:
    """Threads that each work on an item keep their lines apart."""

    def work(name: str) -> None:
        with working_for(run_id="r1", item=name):
            note(log, "worked", name=name)

    with kept_log(ledger, "r1"):
        threads = [threading.Thread(target=work, args=(f"item {number}",)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    rows = read_events(ledger, EventFilter("r1"))
    assert len(rows) == 8
    assert all(row["item"] == row["fields"]["name"] for row in rows)


def test_overlapping_steps_keep_once(ledger: Ledger) -> None:
    """Two steps of a run at once in one process keep each line once; the first to end takes nobody's lines along."""
    first, before = Ledger(ledger.place), logging.getLogger("pipeline").level
    with kept_log(ledger, "r1"), working_for(run_id="r1"):
        with kept_log(first, "r1"):
            note(log, "said_by_both")
        first.close()
        note(log, "said_by_one")
    note(log, "said_by_nobody")
    assert [row["event"] for row in read_events(ledger, EventFilter("r1"))] == ["said_by_both", "said_by_one"]
    assert logging.getLogger("pipeline").level == before


def test_old_rows_are_retired(ledger: Ledger, clock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines older than asked go, in small transactions; a run's requests are counted still."""
    monkeypatch.setattr(retiring, "CHUNK", 3)
    ledger.begin_run("r1", "cli", {}, 1)
    for number in range(7):
        ledger.add_event("INFO", f"old_{number}")
    with ledger.write() as connection:
        at = clock.now().timestamp()
        query = "INSERT INTO requests (at, bucket, endpoint, run_id) VALUES (?, 'search', 'search', 'r1')"
        connection.executemany(query, [(at,)] * 5)
    clock.move(days=31)
    ledger.add_event("INFO", "young")
    assert retire_rows(ledger, keep_days=30) == 12
    assert [row["event"] for row in read_events(ledger, EventFilter())] == ["young"]
    assert ledger.runs()[0]["requests"] == 5


@pytest.mark.parametrize(("days", "ended", "gone"), [(31, True, 2), (29, True, 0), (31, False, 0)])
def test_answered_items_are_retired(tmp_path: Path, days: int, ended: bool, gone: int) -> None:  # noqa: FBT001
    """Items that were answered go as log lines do, once their task has ended; its page says how many there were."""
    run_id = f"r-{days}-{ended}"  # pages keep what they read of a run, by its id
    ledger = install_service(tmp_path, workspace="archive").ledger
    ledger.begin_run(run_id, "button", {}, 1)
    plan_run_tasks(ledger, run_id, ["discover"])
    call = Call("artist", {"id": "a"})
    plan_items(ledger, run_id, "discover", {f"discover-{n}": Item(f"genre {n}", (call,), 3) for n in range(3)})
    for number, state in enumerate(("succeeded", "succeeded", "deferred")):
        keep_left(ledger, run_id, f"discover-{number}", state, () if state == "succeeded" else (call,))
    if ended:
        result = {"name": "discover", "state": "partial", "due_at": None, "items": 3, "missing": 1, "message": ""}
        end_run_task(ledger, run_id, result)
    ledger.finish_run(run_id, "deferred")
    with ledger.write() as connection:
        connection.execute("UPDATE items SET planned_at = planned_at - ?", (days * 86_400.0,))
    assert retire_rows(ledger, keep_days=30) == gone
    assert [item.item for item in left_items(ledger, {run_id: ()})] == ["genre 2"]
    words = open_screen("run.py", id=run_id).words
    assert ("1 item; 2 answered items are not kept any more" in words) == bool(gone)
    assert "2 / 3" in words


def test_most_lines_are_bounded(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """However young they are, only so many lines are kept: the newest."""
    monkeypatch.setattr(events, "MOST_EVENTS", 2)
    for number in range(5):
        ledger.add_event("INFO", f"line_{number}")
    assert retire_rows(ledger, keep_days=30) == 3
    assert [row["event"] for row in read_events(ledger, EventFilter())] == ["line_3", "line_4"]


def test_log_level_is_put_back(ledger: Ledger) -> None:
    """A run leaves the loggers as it found them."""
    logger = logging.getLogger("pipeline")
    before = (logger.level, list(logger.handlers))
    say_some(ledger)
    assert (logger.level, logger.handlers) == before


def test_newest_lines_come_in_pages(ledger: Ledger) -> None:
    """The newest lines come first in pages, each page in the order the lines were kept."""
    for number in range(5):
        ledger.add_event("INFO", "tick", str(number))
    pages = [read_events(ledger, EventFilter(), limit=2, offset=offset, newest=True) for offset in (0, 2, 4)]
    assert [[row["message"] for row in rows] for rows in pages] == [["3", "4"], ["1", "2"], ["0"]]


def test_last_lines_are_followed(tmp_path: Path) -> None:
    """Who follows a run sees also what is written just after its end."""
    settings = Settings(data=tmp_path, workspace="test")
    with opened_ledger(settings) as (_, ledger):
        ledger.begin_run("r1", "cli", {}, 1)
        ledger.finish_run("r1", "succeeded")

        def write_the_last(_: float) -> None:
            with working_for(run_id="r1"):
                ledger.add_event("INFO", "run_finished", "all well")

        found = follow_events(settings, EventFilter("r1"), follow=True, sleep=write_the_last)
        assert [row["event"] for rows in found for row in rows] == ["run_finished"]
