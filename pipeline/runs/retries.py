"""What is left of an earlier run, as items to plan: its unanswered calls by item name, then tasks it never reached.

Of a run that went on with another, what that one left counts, too. What anybody was answered since is left out, so
that nothing is asked twice. Imports `items`, `planner`, `dag`, `live`, `ledger`, `calls`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from pipeline.errors import GarimpoError, RunInProgress, SettingsError
from pipeline.published.live import live
from pipeline.records.database import Row
from pipeline.records.ledger import Ledger
from pipeline.runs.dag import DAG, Task
from pipeline.runs.items import LeftItem, left_items, run_tasks
from pipeline.runs.planner import Item, Outlook, call_key
from pipeline.settings import Settings
from pipeline.source.calls import Call
from pipeline.workspace import Workspace

__all__ = ["Leftovers", "Rest", "asked_of", "find_leftovers", "find_rest"]

WHOLE = ("succeeded", "deferred")  # runs that reached every task
REACHED = ("succeeded", "partial", "deferred", "failed")  # tasks that planned all they could


@dataclass(frozen=True)
class Leftovers:
    """What a run left: items with calls, and names of mapped tasks to be planned as in any run."""

    run_id: str
    items: tuple[LeftItem, ...]
    unreached: frozenset[str]

    def expansion(self, task: Task) -> Callable[[Outlook], list[Item]]:
        """How a task of the run that retries is planned."""
        mine = [item for item in self.items if item.task == task.name]

        def expand(outlook: Outlook) -> list[Item]:
            items = _plan_again(mine, outlook)
            if not items and task.expand is not None and task.name in self.unreached:
                return task.expand(outlook)
            return items

        return expand


def find_leftovers(ledger: Ledger, run_id: str, names: Sequence[str] = ()) -> Leftovers:
    """What a run left; with names those items alone.

    Raises RunInProgress for a run that has not ended, SettingsError for a run or an item that is not there.
    """
    run = ledger.read("SELECT state FROM runs WHERE run_id = ?", (run_id,))
    if not run:
        what = "is not a run of this workspace; `python -m pipeline status` shows the last one"
        raise SettingsError(f"{run_id} {what}. Nothing was started.")
    if run[0]["state"] == "running":
        what = "is still running: wait for its end (--wait), or cancel it"
        raise RunInProgress(f"{run_id} {what}. Nothing was started.")
    left = left_items(ledger, _chain(ledger, run_id, names))
    if unknown := sorted(set(names) - {item.item for item in left}):
        raise SettingsError(f"{', '.join(unknown)}: run {run_id} left nothing of that name. Nothing was started.")
    unreached = {row["task"] for row in run_tasks(ledger, run_id) if row["state"] not in REACHED}
    return Leftovers(run_id, tuple(left), frozenset() if names else frozenset(_by_nobody(ledger, run_id, unreached)))


@dataclass(frozen=True)
class Rest:
    """What is still to be asked of what a run left: items with the calls nobody was answered since.

    `lacks_tasks`: neither it nor a run that went on with all of it came as far as the last task.
    """

    items: tuple[LeftItem, ...]
    lacks_tasks: bool

    @property
    def calls(self) -> int:
        """How many calls these are."""
        return sum(len(item.calls) for item in self.items)

    @property
    def names(self) -> list[str]:
        """Names of the items, each once, in the order they were planned."""
        return list(dict.fromkeys(item.item for item in self.items))


def find_rest(workspace: Workspace, ledger: Ledger, run_id: str) -> Rest:
    """What is still left of a run that has ended, whoever asked it since; all of it where answers cannot be read."""
    left = left_items(ledger, _chain(ledger, run_id))
    with suppress(GarimpoError):
        if left:
            with live(workspace, ledger) as view:
                left = _Answers(view, [call for item in left for call in item.calls]).open_items(left)
    return Rest(tuple(left), lacks_tasks=bool(_unreached(ledger, run_id)))


def _chain(ledger: Ledger, run_id: str, names: Collection[str] = ()) -> dict[str, frozenset[str]]:
    """A run and those that it went on with, back to the first, each with the names of items that count alone.

    What a retry's allowance left out is no item of it: only the run before knows of that.
    """
    found, wanted = dict[str, frozenset[str]](), frozenset(names)
    while run_id and run_id not in found:
        found[run_id] = wanted
        rows = ledger.read("SELECT params FROM runs WHERE run_id = ?", (run_id,))
        params = json.loads(rows[0]["params"]) if rows else {}
        run_id, mine = params.get("retry_of", ""), frozenset(params.get("items", ()))
        if mine and wanted and not mine & wanted:
            break
        wanted = mine & wanted if mine and wanted else mine | wanted
    return found


def _unreached(ledger: Ledger, run_id: str) -> set[str]:
    """Tasks that neither a run reached nor those that went on with all of it, nor those with these."""
    if ledger.read("SELECT 1 FROM runs WHERE run_id = ? AND state IN (?, ?)", (run_id, *WHOLE)):
        return set()
    return _by_nobody(ledger, run_id, {task.name for task in DAG} - _reached(ledger, run_id))


def _reached(ledger: Ledger, run_id: str) -> set[str]:
    return {row["task"] for row in run_tasks(ledger, run_id) if row["state"] in REACHED}


def _by_nobody(ledger: Ledger, run_id: str, missing: set[str]) -> set[str]:
    """Tasks, of those that a run did not reach, that none reached which went on with all of it, nor with such a one."""
    heirs: dict[str, list[Row]] = {}
    for row in ledger.read(_GOING_ON) if missing else ():
        heirs.setdefault(row["retry_of"], []).append(row)
    waiting = heirs.pop(run_id, [])
    while waiting and missing:  # who retries the last run each hour makes a long chain
        heir = waiting.pop()
        missing = set() if heir["state"] in WHOLE else missing - _reached(ledger, heir["run_id"])
        waiting += heirs.pop(heir["run_id"], [])
    return missing


_GOING_ON = (
    "SELECT run_id, state, json_extract(params, '$.retry_of') AS retry_of FROM runs "
    "WHERE json_extract(params, '$.retry_of') <> '' AND coalesce(json_extract(params, '$.items'), '[]') = '[]'"
)


def asked_of(settings: Settings, ledger: Ledger, run_id: str) -> tuple[tuple[str, ...], int]:
    """Genres and request limit that an earlier run was given; the settings' where it is not known."""
    rows = ledger.read("SELECT params FROM runs WHERE run_id = ?", (run_id,))
    params = json.loads(rows[0]["params"]) if rows else {}
    return tuple(params.get("genres") or settings.genres), int(params.get("max_requests") or settings.max_requests)


def _plan_again(left: Sequence[LeftItem], outlook: Outlook) -> list[Item]:
    """The calls nobody was answered since, within the allowance; what is spare of it is for following pages."""
    answers = _Answers(outlook.view, [call for item in left for call in item.calls])
    planned, allowance = list[tuple[str, tuple[Call, ...]]](), outlook.allowance
    for item in answers.open_items(left):
        calls = outlook.fresh(item.calls)[:allowance]
        if calls:
            planned.append((item.item, calls))
            allowance -= len(calls)
    spare = allowance // max(1, len(planned))
    return [Item(name, calls, len(calls) + spare) for name, calls in planned]


class _Answers:
    """What is known of the subjects of some calls, read in a few queries."""

    def __init__(self, view: Any, calls: Sequence[Call]) -> None:
        self._view = view
        genres = _named(calls, "search", "genre")
        artists = [*_named(calls, "artist", "id"), *_many(calls, "artists")]
        listed = _named(calls, "artist_albums", "artist_id")
        albums = [*_named(calls, "album", "id"), *_many(calls, "albums"), *_named(calls, "album_tracks", "album_id")]
        self._searches = self._read("genre, sweep_on, page_offset FROM live_search_pages", "genre", genres)
        self._sweeps = {(genre, sweep_on) for genre, sweep_on, _ in self._searches}
        self._seen = dict(
            self._read("artist_id, max(observed_on) FROM live_artist_snapshots", "artist_id", artists, "GROUP BY 1")
        )
        self._lists: dict[tuple[str, str], list[tuple[int, date]]] = {}
        pages = "artist_id, album_group, page_offset, observed_on FROM live_release_pages"
        for artist_id, group, offset, day in self._read(pages, "artist_id", listed):
            self._lists.setdefault((artist_id, group), []).append((offset, day))
        self._tracks = self._read("album_id, page_offset FROM live_album_pages", "album_id", albums)

    def open_items(self, left: Iterable[LeftItem]) -> list[LeftItem]:
        """Items with those of their calls that were not answered on or after the day they were planned, each once."""
        asked = set[str]()
        found = [replace(item, calls=tuple(self._open_calls(item, asked))) for item in left]
        return [item for item in found if item.calls]

    def _open_calls(self, item: LeftItem, asked: set[str]) -> Iterator[Call]:
        for call in item.calls:
            part = self._open_part(call, item.planned_at.date())
            if part is not None and call_key(part) not in asked:
                asked.add(call_key(part))
                yield part

    def _open_part(self, call: Call, planned_on: date) -> Call | None:
        """The call without what was answered on or after the day it was planned; None when nothing is left of it."""
        params = call.params
        match call.endpoint:
            case "artists":
                return _without(call, [each for each in params["ids"] if self._is_seen(each, planned_on)])
            case "albums":
                return _without(call, [each for each in params["ids"] if (each, 0) in self._tracks])
            case "artist":
                answered = self._is_seen(params["id"], planned_on)
            case "album":
                answered = (params["id"], 0) in self._tracks
            case "album_tracks":
                answered = (params["album_id"], params["offset"]) in self._tracks
            case "search":
                answered = self._is_searched(params["genre"], date.fromisoformat(params["sweep_on"]), params["offset"])
            case _:
                answered = self._is_listed(params["artist_id"], params["group"], params["offset"], planned_on)
        return None if answered else call

    def _is_seen(self, artist_id: str, planned_on: date) -> bool:
        return artist_id in self._seen and self._seen[artist_id] >= planned_on

    def _is_listed(self, artist_id: str, group: str, offset: int, planned_on: date) -> bool:
        """Read that day, or begun anew on a later one."""
        return any(
            day > planned_on or (day == planned_on and page == offset)
            for page, day in self._lists.get((artist_id, group), ())
        )

    def _is_searched(self, genre: str, sweep_on: date, offset: int) -> bool:
        """Read in that sweep, or the genre is being swept anew."""
        newer = any(known == genre and day > sweep_on for known, day in self._sweeps)
        return newer or (genre, sweep_on, offset) in self._searches

    def _read(self, select: str, key: str, values: Sequence[str], more: str = "") -> set[tuple[Any, ...]]:
        if not values:
            return set()
        query = f"SELECT {select} WHERE list_contains(?, {key}) {more}"
        return set(self._view.sql(query, params=[list(values)]).fetchall())


def _named(calls: Iterable[Call], endpoint: str, name: str) -> list[str]:
    return [call.params[name] for call in calls if call.endpoint == endpoint]


def _many(calls: Iterable[Call], endpoint: str) -> list[str]:
    return [each for call in calls if call.endpoint == endpoint for each in call.params["ids"]]


def _without(call: Call, answered: Sequence[str]) -> Call | None:
    ids = [each for each in call.params["ids"] if each not in answered]
    return call.moved(ids=ids) if ids else None
