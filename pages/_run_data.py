"""What pages show of runs, live from the ledger, asked once for everybody who looks.

All sessions that watch the same thing share one answer, and the HTML made of it, for a third of a second; what can no
longer change is kept longer. Whoever changes something here says so with `forget`.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, TypeVar

from pipeline.records import events
from pipeline.records.events import EventFilter
from pipeline.runs import items
from pipeline.runs.items import ItemFilter
from pipeline.runs.progress import Progress, Status
from pipeline.service.scheduler import service
from pipeline.watching import history
from pipeline.watching.history import RunFilter

__all__ = ["Look", "current_status", "forget", "is_busy", "look_at", "phase", "shared"]

Row = dict[str, Any]
T = TypeVar("T")
LIVE_S, ENDED_S = 0.3, 20.0  # with a second between two questions and 0.2 s in which lines are gathered: 1.5 s behind
COSTLY_S = 0.5  # attempts of large runs, counts for the frame of every page
COUNT_S = 2.0  # how many pages there are may be known a little later than what stands on them
MOST_KEPT = 400
MOST_BARS = 160  # attempts of a task drawn one by one; more are counted by spans of time
BINS = 60
REST_S = 3.0  # it is looked for among what was answered
MOST_NAMES = 500  # of what is left, to choose from

_kept: dict[Hashable, tuple[float, Any]] = {}
_guard = threading.RLock()
_serials = itertools.count()


def shared(key: Hashable, make: Callable[[], T], keep_s: float = LIVE_S) -> T:
    """What `make` returns, from the last call with this key if that was less than `keep_s` ago."""
    whole = (str(service().ledger.place), key)
    with _guard:
        found = _kept.get(whole)
        if found is None or found[0] < time.monotonic():
            if len(_kept) > MOST_KEPT:
                _kept.clear()
            found = (time.monotonic() + keep_s, make())
            _kept[whole] = found
        answer: T = found[1]
        return answer


def forget() -> None:
    """Ask anew from here on: something was changed."""
    with _guard:
        _kept.clear()


# ---- what goes on


def is_busy(status: Status) -> bool:
    """Whether a run goes on, or the demo's history."""
    return status.active is not None or status.demo is not None


def current_status() -> Status:
    """What goes on, here or in another process that collects into the same workspace."""
    return shared("status", _status)


def _status() -> Status:
    found = service().status()
    if found.active is not None or found.demo is not None:
        return found
    run = history.running_run(service().ledger)
    if run is None:
        return found
    return replace(found, active=shared(("progress", run["run_id"]), lambda: _progress(run), COSTLY_S))


def _progress(run: Row) -> Progress:
    """Where a run of another process is, read from the ledger."""
    ledger, run_id = service().ledger, run["run_id"]
    tasks = [row for row in items.run_tasks(ledger, run_id) if row["state"] == "running"]
    task = tasks[-1]["task"] if tasks else ""
    states = items.count_items(ledger, run_id).get(task, {})
    done = sum(count for state, count in states.items() if state not in ("pending", "running", "retrying"))
    whole = history.run_of(ledger, run_id) or {"requests": 0, "rows": 0}
    return Progress(
        run_id, run["trigger"], run["started_at"], task, done, sum(states.values()), whole["requests"], whole["rows"]
    )


# ---- one run


@dataclass(frozen=True)
class Look:
    """A run at one instant. `now`: the latest instant known of it; `bars`: attempts one by one; `bins`: the others."""

    run: Row
    now: datetime
    is_slow: bool
    graph: tuple[Row, ...]
    counts: dict[str, dict[str, int]]
    bars: tuple[Row, ...]
    bins: tuple[Row, ...]
    bin_s: float
    requests: dict[str, int]
    serial: int  # of its own: tells looks apart

    @property
    def is_live(self) -> bool:
        """Whether it still goes on."""
        return bool(self.run["state"] == "running")

    def let_go(self, task: Mapping[str, Any]) -> int:
        """How many items of a task, all answered, are not kept any more."""
        return max(0, int(task["items"]) - sum(self.counts.get(task["task"], {}).values()))


def look_at(run_id: str) -> Look | None:
    """The run as it is; None when no run has that id."""
    found = shared(("look", run_id), lambda: _look(run_id))
    if found is not None and not found.is_live:  # it will not change any more
        return shared(("ended", run_id), lambda: found, ENDED_S)
    return found


def phase(look: Look | None) -> str:
    """What decides which buttons a run's page has: not begun, going on, or how it ended."""
    return look.run["state"] if look else ""


def _look(run_id: str) -> Look | None:
    ledger = service().ledger
    run = history.run_of(ledger, run_id)
    if run is None:
        return None
    now = run["finished_at"] or _latest(run)
    known = {row["task"]: row for row in items.run_tasks(ledger, run_id)}
    graph = tuple({**row, **known.get(row["task"], _UNKNOWN)} for row in service().graph())
    bars, bins, bin_s = shared(("attempts", run_id, run["state"]), lambda: _attempts(run, now), COSTLY_S)
    is_slow = shared(("slow", run_id, run["state"]), lambda: history.is_slow(ledger, run_id, now), COUNT_S)
    sent = shared(("sent", run_id, run["state"]), lambda: history.requests_of(ledger, run_id), 1.0)
    return Look(
        run,
        now,
        is_slow,
        graph,
        items.count_items(ledger, run_id),
        bars,
        bins,
        bin_s,
        sent,
        next(_serials),
    )


def _attempts(run: Row, now: datetime) -> tuple[tuple[Row, ...], tuple[Row, ...], float]:
    """Attempts at tasks that have few, the others by spans of time, and how long such a span is."""
    ledger, run_id = service().ledger, run["run_id"]
    attempts = items.count_attempts(ledger, run_id)
    few = [task for task, count in attempts.items() if count <= MOST_BARS]
    bin_s = max((now - run["started_at"]).total_seconds() / BINS, 0.001)
    binned = items.attempt_bins(ledger, run_id, run["started_at"], bin_s) if len(few) < len(attempts) else []
    bars = tuple(items.run_attempts(ledger, run_id, few))
    return bars, tuple(row for row in binned if row["task"] not in few), bin_s


_UNKNOWN = {"state": "pending", "started_at": None, "finished_at": None, "items": 0, "missing": 0, "message": ""}


def _latest(run: Row) -> datetime:
    """The present; in a simulated workspace, whose days are its own, when the run last said something."""
    if not service().workspace.simulated:
        return service().ledger.now()
    said = events.read_events(service().ledger, EventFilter(run["run_id"]), limit=1, newest=True)
    began: datetime = run["started_at"]
    return max(began, said[0]["at"]) if said else began


# ---- its items, its lines, its rest


def count_items(look: Look, wanted: ItemFilter) -> int:
    """How many items of a run there are."""
    if wanted == ItemFilter():
        return sum(sum(states.values()) for states in look.counts.values())
    run_id = look.run["run_id"]

    def make() -> int:
        return sum(sum(states.values()) for states in items.count_items(service().ledger, run_id, wanted).values())

    return shared(("count", run_id, wanted, look.is_live), make, COUNT_S)


def find_items(run_id: str, wanted: ItemFilter, limit: int, offset: int, *, live: bool) -> list[Row]:
    """A page of items, those under way and in trouble first, each with its `tries`, where it took several."""

    def make() -> list[Row]:
        ledger = service().ledger
        rows = items.find_items(ledger, run_id, wanted, limit, offset, urgent_first=True)
        tried = items.attempts_of(ledger, run_id, [row for row in rows if row["attempts"] > 1])
        return [{**row, "tries": tried.get(row["item_id"], [])} for row in rows]

    return shared(("items", run_id, wanted, limit, offset, live), make, _age(live))


def count_lines(wanted: EventFilter, *, live: bool) -> int:
    """How many lines of the log there are."""
    age = COUNT_S if live else ENDED_S
    return shared(("lines", wanted, live), lambda: events.count_events(service().ledger, wanted), age)


def newest_lines(wanted: EventFilter, limit: int, offset: int, *, live: bool) -> list[Row]:
    """A page of lines, the newest first."""

    def make() -> list[Row]:
        return events.read_events(service().ledger, wanted, limit=limit, offset=offset, newest=True)[::-1]

    return shared(("log", wanted, limit, offset, live), make, _age(live))


def whole_log(wanted: EventFilter) -> bytes:
    """Every line as text, oldest first, times in UTC; for a file."""
    rows = events.read_events(service().ledger, wanted, limit=events.MOST_EVENTS)
    lines = (
        " ".join(filter(None, (f"{row['at']:%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z", row["level"], row["task"],
                               f"[{row['item']}]" if row["item"] else "", row["event"], row["message"])))
        for row in rows
    )  # fmt: skip
    return "".join(f"{line}\n" for line in lines).encode()


def rejects_of(run_id: str) -> tuple[list[Row], int]:
    """What an import did not take: the first rows, and how many more."""
    return shared(("rejects", run_id), lambda: events.read_rejects(service().ledger, run_id), ENDED_S)


def rest_of(run_id: str) -> Any:
    """What nobody was answered since, of what a run that has ended left."""
    return shared(("rest", run_id), lambda: service().rest_of(run_id), REST_S)


def names_left(run_id: str) -> list[str]:
    """Names of its items, the first 500."""
    names: list[str] = rest_of(run_id).names
    return names[:MOST_NAMES]


def retries_of(run_id: str) -> list[str]:
    """Runs that asked again what this one left."""
    return shared(("retries", run_id), lambda: history.retries_of(service().ledger, run_id), 1.0)


# ---- all runs


def count_runs(wanted: RunFilter) -> int:
    """How many runs there are."""
    return shared(("count", wanted), lambda: history.count_runs(service().ledger, wanted))


def find_runs(wanted: RunFilter, limit: int, offset: int) -> list[Row]:
    """A page of runs, newest first."""
    return shared(("runs", wanted, limit, offset), lambda: history.find_runs(service().ledger, wanted, limit, offset))


def genres() -> list[str]:
    """Genres of the settings and of earlier runs."""
    return shared("genres", lambda: sorted({*service().settings.genres, *history.run_genres(service().ledger)}), 5.0)


def durations() -> list[Row]:
    """Durations of the last thirty runs."""
    return shared("durations", lambda: history.run_durations(service().ledger, 30), 1.0)


def days_since(first_on: date) -> list[Row]:
    """Outcomes by day."""
    return shared(("days", first_on), lambda: history.run_days(service().ledger, first_on), 1.0)


def _age(live: bool) -> float:  # noqa: FBT001  read beside its name
    return LIVE_S if live else ENDED_S
