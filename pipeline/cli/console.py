"""What the command line prints: what was asked for on standard output, progress, logs and errors on standard error.

Owns rich. With `as_json`, standard output carries JSON alone. Imports rooms for what they return.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar
from rich.table import Column, Table

from pipeline.runs.preview import PlannedTask, sum_costs
from pipeline.runs.progress import Progress, RunResult
from pipeline.watching.freshness import GenreFreshness
from pipeline.watching.status import plain_value
from pipeline.workspace import first_step

__all__ = [
    "answers",
    "log_to_people",
    "people",
    "print_json",
    "show",
    "show_doctor",
    "show_error",
    "show_events",
    "show_freshness",
    "show_left",
    "show_nothing_left",
    "show_plan",
    "show_result",
    "show_schedules",
    "show_status",
    "shown_progress",
    "tell",
]

T = TypeVar("T")
WIDE = 250  # columns of a table in a file or pipe, so that a line of it stays one
answers = Console(highlight=False, soft_wrap=True)
answers.width = answers.width if answers.is_terminal else WIDE
people = Console(stderr=True, highlight=False, soft_wrap=True)
COLOURS = {"succeeded": "green", "deferred": "yellow"}


def print_json(value: object, *, line: bool = False) -> None:
    """One JSON value on standard output; `line`: on a line of its own."""
    print(json.dumps(value, ensure_ascii=False, indent=None if line else 2, default=plain_value), flush=line)


def tell(said: object, told: str, *, as_json: bool) -> None:
    """What a command did, on standard output: `said` as JSON, or `told` as it is."""
    if as_json:
        print_json(said)
    else:
        answers.print(told, markup=False)


def show(found: T, show_people: Callable[[T], None], *, as_json: bool) -> None:
    """What was found, as JSON or as one of the functions below shows it to people."""
    if as_json:
        print_json(found)
    else:
        show_people(found)


def log_to_people(level: str) -> None:
    """Log lines to standard error: all of them in a file or pipe, warnings only beside a progress bar."""
    logging.basicConfig(stream=sys.stderr, level="WARNING", format="%(asctime)s %(levelname)s %(name)s %(message)s")
    shown = "WARNING" if people.is_terminal else level
    for handler in logging.getLogger().handlers:
        handler.setLevel(shown)
    logging.getLogger("pipeline").setLevel(shown)


@contextmanager
def shown_progress() -> Iterator[Callable[[Progress], None]]:
    """A bar on a terminal; elsewhere the log lines tell."""
    if not people.is_terminal:
        yield lambda _: None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[told]}"),
        TimeElapsedColumn(),
    )
    with Bar(*columns, console=people, transient=True) as bar:
        row = bar.add_task("starting", total=None, told="")

        def report(progress: Progress) -> None:
            told = f"{progress.requests:,} requests, {progress.rows:,} rows {escape(progress.message)}"
            bar.update(row, description=progress.task, completed=progress.done, total=progress.total or None, told=told)

        yield report


def show_plan(rows: Sequence[PlannedTask], *, as_json: bool) -> None:
    """What a run would ask, task by task, and what it costs."""
    certain, at_most = sum_costs(rows)
    if as_json:
        print_json({"dry_run": True, "requests": certain, "at_most": at_most, "tasks": rows})
        return
    for row in rows:
        left = "no quota known" if row.left is None else f"{row.left:,} left in bucket {row.bucket}"
        left += f", locked until {row.locked_until:%Y-%m-%d %H:%M} UTC" if row.locked_until else ""
        labels = escape(", ".join(row.items[:5]) + (" …" if len(row.items) > 5 else ""))
        items, cost = f"{len(row.items):>4} item{'s' * (len(row.items) != 1)}", _span(row.requests, row.at_most)
        answers.print(f"{row.task:<17} {items}, {cost} ({left}) {labels}")
    waiting = sum(row.requests for row in rows if row.waits)
    told = f", and {waiting} that wait until their quota permits" if waiting else ""
    answers.print(f"Together {_span(certain, at_most)}{told}. Nothing was sent.")


def _span(least: int, most: int) -> str:
    return f"{least} request{'s' * (least != 1)}" if least == most else f"{least} to {most} requests"


def show_left(run_id: str, rows: Sequence[PlannedTask]) -> None:
    """How much is asked again, and what of it a quota keeps waiting."""
    told = f"run {run_id} left {sum(row.requests for row in rows)} requests to be asked again"
    locks = {row.bucket: row.locked_until for row in rows if row.requests and row.waits}
    for bucket, end in locks.items():
        told += f"; {bucket} is locked until {end:%Y-%m-%d %H:%M} UTC" if end else f"; {bucket} has used up its 24 h"
    people.print(told)


def show_nothing_left(run_id: str, *, as_json: bool) -> None:
    """That there is nothing to ask again."""
    message = f"run {run_id} left nothing to be asked again; nothing was started"
    if as_json:
        print_json({"retry_of": run_id, "requests": 0, "message": message})
        return
    people.print(message)


def show_result(result: RunResult) -> None:
    """How a run ended."""
    told = f"{result.requests:,} requests, {result.rows:,} rows in {result.duration_s:.1f} s"
    people.print(f"[{COLOURS.get(result.state, 'red')}]{result.state}[/] run {result.run_id}: {told}")
    if result.message:
        people.print(result.message, markup=False)


def show_error(error: Exception, exit_code: int, *, as_json: bool) -> None:
    """What went wrong, what state things are in, what to do."""
    if as_json:
        print_json({"error": type(error).__name__, "message": str(error), "exit_code": exit_code})
    people.print(f"[red]{type(error).__name__}[/] {escape(str(error))}")


def show_status(found: Mapping[str, Any]) -> None:
    """Workspace, rows by table, budget by bucket, the last run."""
    profile = found["profile"] or "not probed yet"
    answers.print(f"workspace [bold]{found['workspace']}[/] in {found['data']}, profile {profile}, "
                 f"generation {found['generation'] or 'none yet'}")  # fmt: skip
    for table, rows in found["rows"].items():
        answers.print(f"  {table:<18} {rows:>12,} rows")
    for bucket, view in found["budget"].items():
        left = "no quota known" if view["left"] is None else f"{view['left']:,} left"
        until = f", locked until {view['locked_until']:%Y-%m-%d %H:%M} UTC" if view["locked_until"] else ""
        answers.print(f"  bucket {bucket:<11} {view['used']:>12,} used in 24 h, {left}{until}")
    last = found["last_run"]
    mark = "wrong" if found["status"] == "failing" else "to look at"
    for problem in found["problems"]:
        answers.print(f"{mark}: {problem}", markup=False)
    if found["note"]:
        answers.print(found["note"], markup=False)
    if last:
        is_told = any(last["message"] in problem for problem in found["problems"])
        told = f": {last['message']}" if last["message"] and not is_told else ""
        answers.print(f"last run {last['run_id']}: {last['state']}{told}", markup=False)
    elif found["status"] not in ("failing", "idle"):
        answers.print(f"no run yet. To begin: {first_step(found['workspace'])}", markup=False)


def show_doctor(found: Mapping[str, Any]) -> None:
    """Each setting with its origin, then each check with its verdict."""
    table = Table(*(Column(name, overflow="fold") for name in ("setting", "variable", "value", "origin")), box=None)
    for row in found["settings"]:
        table.add_row(row["name"], row["variable"], escape(row["value"] or "not set"), row["origin"])
    answers.print(table)
    for name, row in found["capabilities"].items():
        if name == "probe":  # only whether everything was seen
            continue
        gone = f", withdrawn since {row['withdrawn_since']:%Y-%m-%d}" if row["withdrawn_since"] else ""
        answers.print(f"seen {name}: {row['value']} on {row['checked_at']:%Y-%m-%d}{gone}", highlight=False)
    for check in found["checks"]:
        verdict = "[green]well[/]" if check["ok"] else "[red]wrong[/]"
        answers.print(f"{verdict} {check['name']}: {escape(check['detail'])}")


def show_schedules(rows: Sequence[Mapping[str, Any]], *, has_genres: bool) -> None:
    """Each schedule with what it asks (`has_genres`: the settings name some) and its next fire times."""
    for row in rows:
        zone = ZoneInfo(row["timezone"])
        coming = ", ".join(f"{each.astimezone(zone):%a %Y-%m-%d %H:%M}" for each in row["next"]) or "never again"
        asked = ", ".join(row["genres"]) or ("all genres" if has_genres else "the artists of your list")
        most = f", at most {row['max_requests']} requests" if row["max_requests"] else ""
        most += f", priority {row['priority']}" if row["priority"] else ""
        most += f", dropped when {row['grace_s']:,.0f} s late" if row["grace_s"] is not None else ""
        when = "paused" if row["paused"] else coming
        print(f"{row['name']}: {row['kind']} {row['spec']} ({row['timezone']}), {asked}{most}: {when}")
    if not rows:
        people.print("no schedule: python -m pipeline schedule add NAME --cron '0 6 * * *'")


def show_freshness(rows: Sequence[GenreFreshness], own: Collection[str]) -> None:
    """Each genre with the day it was read and its target, which is that of the setting or its own."""
    for row in rows:
        age = "today" if not row.age_days else f"{_days(row.age_days)} ago"
        read = "never read" if row.read_on is None else f"read on {row.read_on} ({age})"
        whose = "its own" if row.genre in own else "by the setting"
        print(f"{row.genre}: {row.state}, {read}, target {_days(row.target_days)}, {whose}")


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"


def show_events(rows: Iterable[Mapping[str, Any]], *, as_json: bool) -> None:
    """Events one a line, on standard output: they are what was asked for."""
    for row in rows:
        if as_json:
            print_json(row, line=True)
            continue
        whose = "/".join(part for part in (row["task"], row["item"]) if part)
        attempt = f"#{row['attempt']}" if row["attempt"] > 1 else ""
        words = (f"{row['at']:%Y-%m-%d %H:%M:%S}", f"{row['level']:<7}", whose + attempt, row["event"], row["message"])
        print(" ".join(word for word in words if word), flush=True)
