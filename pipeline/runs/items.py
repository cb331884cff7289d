"""The graph and the mapped items of a run as rows of the ledger: planned, under way, waiting to be retried, ended.

An item keeps the calls it still has to make, so that what is left of a run can be asked again by name, later, by
whatever process. Imports `calls`, `ledger`, `planner`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pipeline.errors import ArtistNotFound, GarimpoError
from pipeline.records.database import Row
from pipeline.records.ledger import Ledger, with_times
from pipeline.runs.planner import Item
from pipeline.source.calls import Call

__all__ = [
    "ItemFilter",
    "LeftItem",
    "attempt_bins",
    "attempt_id",
    "attempts_of",
    "begin_run_task",
    "calls_of",
    "count_attempts",
    "count_items",
    "end_run_task",
    "find_items",
    "keep_left",
    "left_items",
    "plan_items",
    "plan_run_tasks",
    "run_attempts",
    "run_tasks",
    "set_retrying",
    "unknown_in",
]

URGENCY = ("running", "retrying", "failed", "crashed", "deferred", "cancelled", "pending")  # then those that ended well


@dataclass(frozen=True)
class LeftItem:
    """An item with calls that were never answered; `planned_at` UTC."""

    task: str
    item: str
    state: str
    planned_at: datetime
    calls: tuple[Call, ...]


@dataclass(frozen=True)
class ItemFilter:
    """Which items of a run: empty fields mean any; `text` is contained in the name, whatever the case."""

    task: str = ""
    state: str = ""
    text: str = ""


# ---- tasks of the graph


def plan_run_tasks(ledger: Ledger, run_id: str, names: Iterable[str]) -> None:
    """Record the graph of a run, every task pending."""
    with ledger.write(durable=False) as connection:
        connection.executemany(
            "INSERT INTO run_tasks (run_id, position, task) VALUES (?, ?, ?)",
            [(run_id, position, name) for position, name in enumerate(names)],
        )


def begin_run_task(ledger: Ledger, run_id: str, task: str) -> None:
    """Record a task as running."""
    with ledger.write(durable=False) as connection:
        connection.execute(
            "UPDATE run_tasks SET state = 'running', started_at = ? WHERE run_id = ? AND task = ?",
            (ledger.now().timestamp(), run_id, task),
        )


def end_run_task(ledger: Ledger, run_id: str, result: Mapping[str, Any]) -> None:
    """Record how a task ended; `result` has the fields of `progress.TaskResult`."""
    due_at: datetime | None = result["due_at"]
    with ledger.write(durable=False) as connection:
        connection.execute(
            "UPDATE run_tasks SET state = ?, finished_at = ?, due_at = ?, items = ?, missing = ?, message = ? "
            "WHERE run_id = ? AND task = ?",
            (result["state"], ledger.now().timestamp(), due_at and due_at.timestamp(), result["items"],
             result["missing"], result["message"], run_id, result["name"]),
        )  # fmt: skip


def run_tasks(ledger: Ledger, run_id: str) -> list[Row]:
    """The graph of a run in order: task, state, started_at, finished_at, due_at, items, missing, message."""
    return [
        with_times(row) for row in ledger.read("SELECT * FROM run_tasks WHERE run_id = ? ORDER BY position", (run_id,))
    ]


# ---- mapped items


def plan_items(ledger: Ledger, run_id: str, task: str, planned: Mapping[str, Item]) -> None:
    """Record items as pending, by id; the first attempt's batch has the id of its item."""
    now = ledger.now().timestamp()
    rows = [
        (run_id, item_id, item_id, task, item.label, now, item.max_requests, _as_json(item.calls))
        for item_id, item in planned.items()
    ]
    with ledger.write(durable=False) as connection:
        connection.executemany(
            "INSERT INTO items (run_id, item_id, batch_id, task, item, planned_at, max_requests, calls) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            rows,
        )


def set_retrying(
    ledger: Ledger, run_id: str, item_id: str, batch_id: str, calls: Sequence[Call], *, wait_s: float
) -> None:
    """Record that these calls of an item are asked again, as `batch_id`, after a wait."""
    with ledger.write(durable=False) as connection:
        connection.execute(
            "UPDATE items SET state = 'retrying', batch_id = ?, calls = ?, next_try_at = ?, finished_at = NULL "
            "WHERE run_id = ? AND item_id = ?",
            (batch_id, _as_json(calls), (ledger.now() + timedelta(seconds=wait_s)).timestamp(), run_id, item_id),
        )


def keep_left(ledger: Ledger, run_id: str, item_id: str, state: str, calls: Sequence[Call]) -> None:
    """Record what an item that ended has not been answered."""
    with ledger.write(durable=False) as connection:
        connection.execute(
            "UPDATE items SET state = ?, calls = ?, next_try_at = NULL, finished_at = ? "
            "WHERE run_id = ? AND item_id = ?",
            (state, _as_json(calls), ledger.now().timestamp(), run_id, item_id),
        )


def left_items(ledger: Ledger, runs: Mapping[str, Collection[str]]) -> list[LeftItem]:
    """Items of some runs with calls never answered: the first run's first, in the order they were planned.

    By run the names that count alone, where there are any. What a later run left just as an earlier one stands once.
    """
    rows = ledger.read(
        "SELECT run_id, task, item, state, planned_at, calls FROM items "
        "WHERE run_id IN (SELECT value FROM json_each(?)) AND calls <> '[]' ORDER BY rowid",
        (json.dumps(list(runs)),),
    )
    order, found = list(runs), dict[tuple[str, ...], Row]()
    for row in sorted(rows, key=lambda row: order.index(row["run_id"])):
        if not runs[row["run_id"]] or row["item"] in runs[row["run_id"]]:
            found.setdefault((row["task"], row["item"], row["calls"]), row)
    return [
        LeftItem(row["task"], row["item"], row["state"], _instant(row["planned_at"]), calls_of(row["calls"]))
        for row in found.values()
    ]


def find_items(
    ledger: Ledger,
    run_id: str,
    wanted: ItemFilter = ItemFilter(),
    limit: int = 50,
    offset: int = 0,
    *,
    urgent_first: bool = False,
) -> list[Row]:
    """Items of a run as planned, or those under way and in trouble first; one row each; times as UTC datetimes.

    Columns: item_id, task, item, state, attempts, requests, rows, planned_at, started_at, finished_at, next_try_at,
    message.
    """
    where, params = _where(wanted)
    ranks = " ".join(f"WHEN '{state}' THEN {rank}" for rank, state in enumerate(URGENCY))
    order = f"CASE state {ranks} ELSE {len(URGENCY)} END, rowid" if urgent_first else "rowid"
    rows = ledger.read(
        "SELECT item_id, task, item, state, attempts, requests, rows, planned_at, started_at, finished_at, "
        f"next_try_at, message FROM items WHERE run_id = ? {where} ORDER BY {order} LIMIT ? OFFSET ?",
        (run_id, *params, limit, offset),
    )
    return [with_times(row) for row in rows]


def count_items(ledger: Ledger, run_id: str, wanted: ItemFilter = ItemFilter()) -> dict[str, dict[str, int]]:
    """How many items of each task are in each state."""
    where, params = _where(wanted)
    found: dict[str, dict[str, int]] = {}
    for row in ledger.read(
        f"SELECT task, state, count(*) AS n FROM items WHERE run_id = ? {where} GROUP BY task, state",
        (run_id, *params),
    ):
        found.setdefault(row["task"], {})[row["state"]] = row["n"]
    return found


def attempts_of(ledger: Ledger, run_id: str, items: Iterable[Row]) -> dict[str, list[Row]]:
    """Attempts at these rows of `find_items`, by item_id, first to last."""
    ids = {attempt_id(row["item_id"], n): row["item_id"] for row in items for n in range(1, row["attempts"] + 1)}
    query = (
        "SELECT * FROM task_runs WHERE run_id = ? AND batch_id IN (SELECT value FROM json_each(?)) "
        "ORDER BY batch_id, attempt"
    )
    found: dict[str, list[Row]] = {}
    for row in ledger.read(query, (run_id, json.dumps(list(ids)))):
        found.setdefault(ids[row["batch_id"]], []).append(with_times(row))
    return {item_id: sorted(rows, key=lambda row: int(row["attempt"])) for item_id, rows in found.items()}


def count_attempts(ledger: Ledger, run_id: str) -> dict[str, int]:
    """How many attempts each task of a run has begun."""
    rows = ledger.read("SELECT task, count(*) AS n FROM task_runs WHERE run_id = ? GROUP BY task", (run_id,))
    return {row["task"]: row["n"] for row in rows}


def run_attempts(ledger: Ledger, run_id: str, tasks: Sequence[str]) -> list[Row]:
    """Attempts at these tasks and their items in the order they began."""
    rows = ledger.read(
        "SELECT * FROM task_runs WHERE run_id = ? AND task IN (SELECT value FROM json_each(?)) "
        "ORDER BY started_at, batch_id, attempt",
        (run_id, json.dumps(list(tasks))),
    )
    return [with_times(row) for row in rows]


def attempt_bins(ledger: Ledger, run_id: str, since: datetime, bin_s: float) -> list[Row]:
    """Attempts counted by the span of time in which they began: task, bin (from 0), state, attempts."""
    return ledger.read(
        "SELECT task, CAST((started_at - ?) / ? AS INTEGER) AS bin, state, count(*) AS attempts FROM task_runs "
        "WHERE run_id = ? GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
        (since.timestamp(), bin_s, run_id),
    )


def attempt_id(name: str, attempt: int) -> str:
    """The batch of an attempt at an item or an unmapped task: the first is called as that is."""
    return name if attempt == 1 else f"{name}-{attempt}"


def _where(wanted: ItemFilter) -> tuple[str, list[object]]:
    parts, params = [], list[object]()
    for name in ("task", "state"):
        if value := getattr(wanted, name):
            parts.append(f"AND {name} = ?")
            params.append(value)
    if wanted.text:
        parts.append("AND instr(lower(item), lower(?)) > 0")
        params.append(wanted.text)
    return " ".join(parts), params


def _as_json(calls: Iterable[Call]) -> str:
    return json.dumps([[call.endpoint, dict(call.params)] for call in calls], ensure_ascii=False)


def calls_of(text: str) -> tuple[Call, ...]:
    """The calls that the text in an item's column `calls` says."""
    return tuple(Call(endpoint, params) for endpoint, params in json.loads(text))


def _instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def unknown_in(failed: Iterable[tuple[Call, GarimpoError]]) -> set[str]:
    """Artists by whose id the source knows nobody, as these calls and their errors tell."""
    of_artists = ((call, said) for call, said in failed if call.endpoint in ("artist", "artist_albums"))
    return {
        str(call.params.get("artist_id") or call.params["id"])
        for call, said in of_artists
        if isinstance(said, ArtistNotFound)
    }
