"""What watching runs costs: the page of a large run, many sessions on a live one, how far behind they are."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median, quantiles

from pipeline.records.events import FLUSH_S
from pipeline.records.ledger import Ledger
from pipeline.records.lock import hold_run_lock
from pipeline.runs.dag import DAG
from pipeline.runs.items import begin_run_task, plan_run_tasks
from pipeline.settings import Settings
from pipeline.workspace import Workspace, open_workspace
from tests.apps import free_port, running_app
from tests.benchmarks.figures import Figure, load, say
from tests.benchmarks.sessions import Session, open_session

__all__ = ["measure_runs"]

RUN = "20261122T060000-abcdef"
ITEMS, LINES = 10_000, 100_000
LOADS, SESSIONS, WATCH_S, MARKS, CANCELS = 40, 20, 20.0, 30, 10
CANCELLING = 'g-warn\\">cancelling'  # as it stands in JSON
ITEMS_PER_S = 20  # how fast the live run goes on
TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
CALLS = json.dumps([["artist", {"id": "a"}]])


def measure_runs(*, quick: bool = False) -> Iterator[Figure]:
    """The app as users start it, beside a live run of another process with 10,000 items and 100,000 log lines."""
    items, lines, loads = (1_000, 10_000, 10) if quick else (ITEMS, LINES, LOADS)
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data=Path(folder), workspace="bench")
        workspace = open_workspace(settings)
        ledger = Ledger(workspace.ledger)
        say(f"runs: a run with {items} items and {lines} log lines …")
        variables = {"GARIMPO_DATA": folder, "GARIMPO_WORKSPACE": "bench", "GARIMPO_SCHEDULE": ""}
        port = free_port()
        with (
            _live_run(workspace, ledger, items, lines) as writer,
            running_app(Path(folder), variables, port=port) as app,
        ):
            yield _page(port, loads, f"{items:,} items, {lines:,} lines")
            yield _page(port, loads, "filtered by words", "&words=item_finished&state=failed")
            yield from _watched(port, app.process, writer, 5.0 if quick else WATCH_S)
        ledger.close()


@contextmanager
def _live_run(workspace: Workspace, ledger: Ledger, items: int, lines: int) -> Iterator[_Writer]:
    """A run under way in this process, which goes on by itself."""
    with hold_run_lock(workspace, RUN, "cli", ledger.now()):
        ledger.begin_run(RUN, "cli", {"genres": ["mpb"]}, os.getpid())
        plan_run_tasks(ledger, RUN, [task.name for task in DAG])
        for name in ("probe", "plan", "discover"):
            begin_run_task(ledger, RUN, name)
        _fill(ledger, items, lines)
        writer = _Writer(ledger, items)
        writer.start()
        try:
            yield writer
        finally:
            writer.over.set()
            writer.join()


def _fill(ledger: Ledger, items: int, lines: int) -> None:
    """Nine items of ten have ended, some of them failed; the others are planned."""
    now = ledger.now().timestamp()
    ended = [_state(number) for number in range(items * 9 // 10)]
    rows = [
        (RUN, f"discover-{n:05d}", f"discover-{n:05d}", "discover", f"artist number {n}", now, 1, CALLS)
        for n in range(items)
    ]
    done = [(state, now, now, f"discover-{n:05d}") for n, state in enumerate(ended)]
    tries = [
        (
            RUN,
            f"discover-{n:05d}",
            1,
            "discover",
            f"artist number {n}",
            state,
            now - 600 + n * 0.05,
            now - 599 + n * 0.05,
        )
        for n, state in enumerate(ended)
    ]
    said = [
        (now - 600 + n * 0.005, "WARNING" if n % 50 == 0 else "INFO", "item_finished", RUN, f"discover-{n % items:05d}",
         f"state=succeeded rows={n % 90} requests=1", "{}", "discover", f"artist number {n % items}", 1)
        for n in range(lines)
    ]  # fmt: skip
    asked = [(now - 600 + n * 0.05, "artist", "artist", RUN, 200) for n in range(len(ended))]
    with ledger.write() as connection:
        connection.execute("UPDATE runs SET started_at = ? WHERE run_id = ?", (now - 600, RUN))
        connection.executemany(
            "INSERT INTO items (run_id, item_id, batch_id, task, item, planned_at, max_requests, calls) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows,
        )  # fmt: skip
        connection.executemany("UPDATE items SET state = ?, attempts = 1, requests = 1, rows = 30, started_at = ?, "
                               "finished_at = ? WHERE item_id = ?", done)  # fmt: skip
        connection.executemany(
            "INSERT INTO task_runs (run_id, batch_id, attempt, task, item, state, started_at, finished_at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)", tries,
        )  # fmt: skip
        connection.executemany("INSERT INTO events (at, level, event, run_id, batch_id, message, fields, task, item, "
                               "attempt) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", said)  # fmt: skip
        connection.executemany(
            "INSERT INTO requests (at, bucket, endpoint, run_id, status) VALUES (?, ?, ?, ?, ?)", asked
        )


def _state(number: int) -> str:
    return "failed" if number % 97 == 0 else "succeeded"


class _Writer(threading.Thread):
    """Goes on with the run: items begin, and every line says its number."""

    def __init__(self, ledger: Ledger, items: int) -> None:
        super().__init__(daemon=True)
        self._ledger, self._next, self.over = ledger, items * 9 // 10, threading.Event()

    def run(self) -> None:
        """Twenty items a second."""
        while not self.over.wait(1 / ITEMS_PER_S):
            name = f"discover-{self._next:05d}"
            self._ledger.begin_task(RUN, name, 1, "discover", f"artist number {self._next}")
            self._next += 1

    def wish_cancel(self, *, wanted: bool) -> float:
        """Ask the run to stop, or take that back; when that was."""
        if wanted:
            self._ledger.request_cancel(RUN)
        else:
            with self._ledger.write() as connection:
                connection.execute("UPDATE runs SET cancel_requested = 0 WHERE run_id = ?", (RUN,))
        return time.monotonic()

    def mark(self, number: int) -> float:
        """Log a word of its own; when that was."""
        self._ledger.add_event("INFO", "marked", f"mark{number:05d}mark")
        with self._ledger.write(durable=False) as connection:
            connection.execute("UPDATE events SET run_id = ? WHERE event = 'marked' AND run_id = ''", (RUN,))
        return time.monotonic()


def _page(port: int, loads: int, about: str, query: str = "") -> Figure:
    """Time of the page of one live run, in a session of its own each time."""
    took = []
    for _ in range(loads + 1):
        with open_session(port, "run", f"id={RUN}{query}") as session:
            took.append(session.open())
        time.sleep(0.3)  # what sessions share is asked anew
    took = took[1:]  # the first one imports
    p95 = quantiles(took, n=20)[-1]
    note = f"median {median(took) * 1000:.0f} ms, {loads} sessions one after the other; {load()}"
    return Figure(f"page of a live run, p95 ({about})", f"{p95 * 1000:.0f} ms", "< 300 ms", p95 < 0.3, note)


def _watched(port: int, process: subprocess.Popen[bytes], writer: _Writer, seconds: float) -> Iterator[Figure]:
    """CPU of the server with many sessions on the live run, and how far behind one of them is."""
    with ExitStack() as stack:
        sessions = [stack.enter_context(open_session(port, "run", f"id={RUN}")) for _ in range(SESSIONS)]
        for session in sessions:
            session.open()
        time.sleep(2)
        before, received, began = _cpu_s(process.pid), sum(each.bytes for each in sessions), time.perf_counter()
        time.sleep(seconds)
        took = time.perf_counter() - began
        share = (_cpu_s(process.pid) - before) / took
        sent = (sum(each.bytes for each in sessions) - received) / took / SESSIONS / 1000
        note = f"over {took:.0f} s; {sent:.0f} KB/s to each; {load()}"
        yield Figure(f"CPU of the server, {SESSIONS} sessions on a live run", f"{share:.0%} of a core", "< 25 %",
                     share < 0.25, note)  # fmt: skip
        yield _staleness(sessions, writer)
        yield _cancelled(sessions, writer)


def _staleness(sessions: list[Session], writer: _Writer) -> Figure:
    """From a line in the ledger to its arrival in a session, while all the others look on."""
    late = []
    for number in range(MARKS):
        watcher, word = sessions[number % len(sessions)], f"mark{number:05d}mark"
        watcher.hear(word)
        said = writer.mark(number)
        late.append(_heard(watcher, word) - said)
        time.sleep(0.37)  # not in step with the timers
    most = max(late) + FLUSH_S  # a run's own lines wait that long in memory at most
    note = f"median {median(late):.2f} s, {MARKS} lines; the largest and {FLUSH_S} s that a line may wait to be written"
    return Figure("a line of the log is on the page after at most", f"{most:.2f} s", "≤ 1.5 s", most <= 1.5, note)


def _cancelled(sessions: list[Session], writer: _Writer) -> Figure:
    """From the wish to cancel, written by another process, to the word in a session; the wish is then taken back."""
    late = []
    for number in range(CANCELS):
        watcher = sessions[number % len(sessions)]
        watcher.heard.pop(CANCELLING, None)
        watcher.hear(CANCELLING)
        said = writer.wish_cancel(wanted=True)
        late.append(_heard(watcher, CANCELLING) - said)
        writer.wish_cancel(wanted=False)
        time.sleep(1.6 + number * 0.618 % 1)  # until everybody has seen that, not in step with the timers
    note = f"median {median(late):.2f} s, {CANCELS} times"
    return Figure(
        "cancel is seen in another session after at most", f"{max(late):.2f} s", "≤ 2 s", max(late) <= 2, note
    )


def _heard(watcher: Session, word: str) -> float:
    """When a word arrived in a session; after ten seconds it is not waited for any longer."""
    deadline = time.monotonic() + 10
    while word not in watcher.heard and time.monotonic() < deadline:
        time.sleep(0.01)
    return watcher.heard.get(word, deadline)


def _cpu_s(pid: int) -> float:
    """CPU seconds of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS
