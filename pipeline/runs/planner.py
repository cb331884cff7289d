"""What to ask next, from what is known: pure functions of the committed rows, so that a killed run is simply continued.

Each `plan_…` answers "what is still to be asked today" as items, longest unasked first, within an allowance. It
remembers nothing: progress is the pages already committed (`search_pages`, `release_pages`, `album_pages`).
Imports `calls`, `paging` and `capabilities`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from pipeline.source.calls import Call
from pipeline.source.capabilities import Capabilities
from pipeline.source.paging import SEARCH_CAP

__all__ = ["Item", "Outlook", "call_key", "plan_albums", "plan_artists", "plan_discovery", "plan_releases"]

PAGES_PER_ITEM = 10  # a commit unit: small enough to lose little, large enough to cost little
ARTISTS_PER_ITEM = 10  # whose releases are read in one unit
CALLS_PER_ITEM = 20  # of one artist or album each
BATCH_CALLS_PER_ITEM = 5  # of fifty artists or twenty albums each
RELEASE_GROUPS = ("single", "album,compilation")  # asked apart: albums would hide new singles
STALE_ATTRIBUTES = timedelta(days=30)  # without numbers to refresh, names and images may age this long
STALE_PAGES = timedelta(days=7)  # a list half read longer ago is begun again
FOLLOWED_AGE = timedelta(days=7)  # releases of those whom somebody follows are looked for before anybody else's by then


@dataclass(frozen=True)
class Item:
    """One mapped item: a label people read, its calls, and the most requests it may take with following pages."""

    label: str
    calls: tuple[Call, ...]
    max_requests: int


@dataclass(frozen=True)
class Outlook:
    """All that planning looks at: `view` is a live connection, `allowance` the requests this task may plan.

    `settled`: keys of calls that the run was answered, or asked in vain. `workers` keep the permitted rate, and an item
    of `least_calls` is worth a commit: the last items are smaller, down to that, so that the workers end together.
    `followed`: artists whom somebody follows, by id, with the name that the list has, or none; `unknown`: those whom
    the source did not know lately, who would else be asked of first, again and again.
    """

    view: Any
    today: date
    capabilities: Capabilities
    genres: tuple[str, ...]
    allowance: int
    settled: AbstractSet[str] = frozenset()
    workers: int = 1
    least_calls: int = 1_000_000
    followed: Mapping[str, str] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()

    def rows(self, query: str, *params: object) -> list[tuple[Any, ...]]:
        """Rows of a query over the live view."""
        result: list[tuple[Any, ...]] = self.view.sql(query, params=list(params)).fetchall()
        return result

    def name(self, artist_id: str, known: str | None) -> str:
        """What people know an artist by: its name, else that of the list, else the id."""
        return known or self.followed.get(artist_id) or artist_id

    def fresh(self, calls: Iterable[Call]) -> tuple[Call, ...]:
        """The calls that this run has neither been answered nor asked in vain."""
        return tuple(call for call in calls if call_key(call) not in self.settled)


def call_key(call: Call) -> str:
    """A name for a call by which a run remembers its failures."""
    asked = {key: value for key, value in call.params.items() if key not in ("follow", "known_total")}
    return json.dumps([call.endpoint, asked], sort_keys=True, default=str)


def plan_discovery(outlook: Outlook) -> list[Item]:
    """Search pages still to be read: one sweep per genre and day from its kept offset, longest unasked first."""
    pages: dict[str, dict[date, dict[int, tuple[int, bool, int]]]] = {}
    query = """
        SELECT genre, sweep_on, page_offset, page_limit, last_page, total FROM live_search_pages
        WHERE list_contains(?, genre)
    """
    for genre, sweep_on, offset, limit, last, total in outlook.rows(query, list(outlook.genres)):
        pages.setdefault(genre, {}).setdefault(sweep_on, {})[offset] = (limit, last, total)
    waiting: list[tuple[date, str, list[Call]]] = []
    for genre in outlook.genres:
        sweeps = pages.get(genre, {})
        newest = max(sweeps, default=date.min)
        calls = list(_missing_pages(genre, newest, sweeps[newest], outlook)) if sweeps else []
        if not calls and newest < outlook.today:
            calls = [_search(genre, outlook.today, 0, outlook, follow=True)]
        if calls := list(outlook.fresh(calls)):
            waiting.append((newest, genre, calls))
    return _within(_search_items(waiting), outlook.allowance)


def _missing_pages(
    genre: str, sweep_on: date, pages: Mapping[int, tuple[int, bool, int]], outlook: Outlook
) -> Iterator[Call]:
    position = 0
    while position in pages:
        limit, last, _ = pages[position]
        if last or position + limit >= SEARCH_CAP:
            return
        position += limit
    total = min(max((page[2] or 0 for page in pages.values()), default=0), SEARCH_CAP)
    while position < total - outlook.capabilities.search_limit:
        if position not in pages:
            yield _search(genre, sweep_on, position, outlook, follow=False)
        position += pages[position][0] if position in pages else outlook.capabilities.search_limit
    if position not in pages:
        yield _search(genre, sweep_on, position, outlook, follow=True)


def _search(genre: str, sweep_on: date, offset: int, outlook: Outlook, *, follow: bool) -> Call:
    limit = min(outlook.capabilities.search_limit, SEARCH_CAP - offset)
    return Call(
        "search", {"genre": genre, "offset": offset, "limit": limit, "sweep_on": sweep_on.isoformat(), "follow": follow}
    )


def _search_items(waiting: Sequence[tuple[date, str, list[Call]]]) -> Iterator[Item]:
    for _, genre, calls in sorted(waiting, key=lambda row: row[0]):
        for chunk in _chunks(calls, PAGES_PER_ITEM):
            yield Item(genre, chunk, PAGES_PER_ITEM if chunk[-1].params["follow"] else len(chunk))


def plan_artists(outlook: Outlook) -> list[Item]:
    """Artists known by id alone, then those not seen today, longest unseen first; without numbers, for a month.

    Of those unseen for equally long the followed come first; of one of them perhaps only the list knows so far.
    """
    numbers = outlook.capabilities.has_numbers
    before = outlook.today if numbers else outlook.today - STALE_ATTRIBUTES
    query = """
        SELECT artist_id, any_value(a.name), max(s.observed_on) AS seen_on
        FROM live_artists a FULL JOIN (SELECT unnest(?::VARCHAR[]) AS artist_id, true AS followed) f USING (artist_id)
            LEFT JOIN live_artist_snapshots s USING (artist_id)
        WHERE artist_id NOT IN (SELECT unnest(?::VARCHAR[]))
        GROUP BY artist_id HAVING seen_on IS NULL OR seen_on < ? OR max(a.name) IS NULL
        ORDER BY max(a.name) IS NOT NULL, seen_on NULLS FIRST, any_value(f.followed) NULLS LAST, artist_id LIMIT ?
    """
    size = outlook.capabilities.artists_per_call
    known = outlook.rows(query, list(outlook.followed), list(outlook.unknown), before, outlook.allowance * size)
    if size > 1:
        calls = [Call("artists", {"ids": [row[0] for row in chunk]}) for chunk in _chunks(known, size)]
        firsts = [chunk[0] for chunk in _chunks(known, size)]
    else:
        calls, firsts = [Call("artist", {"id": row[0]}) for row in known], known
    named = {call_key(call): outlook.name(*row[:2]) for call, row in zip(calls, firsts, strict=True)}
    return _within(
        _labelled(outlook, outlook.fresh(calls), named, size),
        outlook.allowance,
    )


def plan_releases(outlook: Outlook) -> list[Item]:
    """Artists whose releases were not read today, longest unread first; half-read lists go on where they stopped.

    Those who are followed and were not read for a week come before all; of others unread for equally long, too.
    """
    query = """
        WITH pages AS (
            SELECT artist_id, album_group, observed_on, max(page_offset + greatest(returned, 1)) AS reached,
                   bool_or(last_page) AS done, max(total) AS total
            FROM live_release_pages GROUP BY ALL
        ), newest AS (
            SELECT artist_id, album_group, arg_max(struct_pack(reached, done, total, observed_on), observed_on) AS page
            FROM pages GROUP BY ALL
        ), state AS (
            SELECT artist_id, map_from_entries(list((album_group, page))) AS groups,
                   min(page.observed_on) FILTER (page.done) AS read_on,
                   count(*) FILTER (page.done AND page.observed_on >= $today) AS done_today
            FROM newest GROUP BY artist_id
        ), mine AS (SELECT unnest($followed::VARCHAR[]) AS artist_id, true AS followed)
        SELECT artist_id, any_value(name), any_value(groups)
        FROM live_artists LEFT JOIN state USING (artist_id) LEFT JOIN mine USING (artist_id)
        WHERE artist_id NOT IN (SELECT unnest($unknown::VARCHAR[]))
        GROUP BY artist_id HAVING coalesce(any_value(done_today), 0) < $groups
        ORDER BY bool_or(followed AND coalesce(read_on <= $due, true)) IS TRUE DESC,
            any_value(read_on) NULLS FIRST, any_value(followed) NULLS LAST, artist_id LIMIT $most
    """
    params = {
        "today": outlook.today, "groups": len(RELEASE_GROUPS), "most": max(1, outlook.allowance),
        "followed": list(outlook.followed), "due": outlook.today - FOLLOWED_AGE,
        "unknown": list(outlook.unknown),
    }  # fmt: skip
    known: list[tuple[Any, ...]] = outlook.view.sql(query, params=params).fetchall()
    items = []
    for chunk in _tapered(known, ARTISTS_PER_ITEM, outlook.workers, outlook.least_calls // len(RELEASE_GROUPS)):
        calls = outlook.fresh(
            call for artist_id, _, groups in chunk for call in _release_calls(artist_id, groups or {}, outlook)
        )
        if calls:
            items.append(Item(_label([outlook.name(*row[:2]) for row in chunk]), calls, len(calls) * 4))
    return _within(items, outlook.allowance)


def _release_calls(artist_id: str, groups: Mapping[str, Mapping[str, Any]], outlook: Outlook) -> Iterator[Call]:
    for group in RELEASE_GROUPS:
        page = groups.get(group)
        if page and page["done"] and page["observed_on"] >= outlook.today:
            continue
        params: dict[str, Any] = {
            "artist_id": artist_id,
            "group": group,
            "offset": 0,
            "limit": outlook.capabilities.albums_limit,
        }
        if page and page["done"]:
            params["known_total"] = page["total"]  # an unchanged total ends the reading after the first page
        elif page and page["observed_on"] > outlook.today - STALE_PAGES:
            params["offset"] = page["reached"]
        yield Call("artist_albums", params)


def plan_albums(outlook: Outlook) -> list[Item]:
    """Releases whose tracks were never read whole, newest release first; long ones go on at the next page of tracks."""
    query = """
        WITH pages AS (
            SELECT album_id, max(page_offset + greatest(returned, 1)) AS reached, bool_or(last_page) AS done
            FROM live_album_pages GROUP BY album_id
        )
        SELECT r.album_id, coalesce(any_value(r.name), r.album_id), any_value(p.reached)
        FROM live_releases r LEFT JOIN pages p USING (album_id) WHERE NOT coalesce(p.done, false)
        GROUP BY r.album_id ORDER BY max(r.release_date) DESC NULLS LAST, r.album_id LIMIT ?
    """
    size = outlook.capabilities.albums_per_call
    known = outlook.rows(query, outlook.allowance * size)
    begun = [row for row in known if row[2] is not None]
    calls = [Call("album_tracks", {"album_id": row[0], "offset": row[2], "limit": 50}) for row in begun]
    named = {call_key(call): row[1] for call, row in zip(calls, begun, strict=True)}
    for chunk in _chunks([row for row in known if row[2] is None], size):
        call = Call("albums", {"ids": [row[0] for row in chunk]}) if size > 1 else Call("album", {"id": chunk[0][0]})
        calls.append(call)
        named[call_key(call)] = chunk[0][1]
    return _within(
        _labelled(outlook, outlook.fresh(calls), named, size),
        outlook.allowance,
    )


def _labelled(outlook: Outlook, calls: Sequence[Call], named: Mapping[str, str], ids_per_call: int) -> Iterator[Item]:
    per_item = CALLS_PER_ITEM if ids_per_call == 1 else BATCH_CALLS_PER_ITEM
    for chunk in _tapered(calls, per_item, outlook.workers, outlook.least_calls):
        many = sum(len(call.params.get("ids", [0])) for call in chunk)
        label = named[call_key(chunk[0])]
        yield Item(
            f"{label} +{many - 1}" if many > 1 else label,
            chunk,
            len(chunk) * (2 if ids_per_call == 1 else 1 + ids_per_call),
        )


def _label(names: Sequence[str]) -> str:
    return f"{names[0]} +{len(names) - 1}" if len(names) > 1 else names[0]


def _within(items: Iterable[Item], allowance: int) -> list[Item]:
    """Items in order until their certain requests fill the allowance; the rest of it is shared for following pages."""
    chosen: list[Item] = []
    for item in items:
        if allowance <= 0:
            break
        chosen.append(Item(item.label, item.calls[:allowance], item.max_requests))
        allowance -= len(item.calls[:allowance])
    spare = allowance // max(1, len(chosen))
    return [Item(item.label, item.calls, min(item.max_requests, len(item.calls) + spare)) for item in chosen]


def _tapered(rows: Sequence[Any], size: int, workers: int, least: int) -> Iterator[tuple[Any, ...]]:
    """Chunks of `size`, the last ones smaller, down to `least`: a worker's share of what is then left."""
    start = 0
    while start < len(rows):
        many = min(size, max(1, least, (len(rows) - start) // workers))  # a slow source makes `least` nought
        yield tuple(rows[start : start + many])
        start += many


def _chunks(rows: Sequence[Any], size: int) -> Iterator[tuple[Any, ...]]:
    for start in range(0, len(rows), size):
        yield tuple(rows[start : start + size])
