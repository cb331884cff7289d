"""A list of genres and artists as batches, an invocation of a function each, side by side, and what came of each.

For whoever has no driver running: the budget is divided in advance, and what the functions brought goes where the
caller of each function sends it. A run with a ledger (`GARIMPO_BACKEND`) shares its budget better.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from pipeline.integrations.wire import question
from pipeline.source.allowance import Allowance
from pipeline.source.calls import Batch, Call

__all__ = ["Invoke", "batches", "results"]

Invoke = Callable[[dict[str, Any]], dict[str, Any]]
PAGE = 10  # of a search and of a list of releases: what every profile answers
REQUESTS_EACH = 20
SIDE_BY_SIDE = 16


def batches(event: Mapping[str, Any]) -> Iterator[Batch]:
    """One batch per genre, with its search pages, and one per artist id, with its releases."""
    run_id, on = str(event["run_id"]), str(event["on"])
    most = int(event.get("requests_each", REQUESTS_EACH))
    for number, genre in enumerate(event.get("genres", ()), start=1):
        call = Call("search", {"genre": genre, "offset": 0, "limit": PAGE, "sweep_on": on, "follow": True})
        yield Batch(run_id, f"discover-{number:05d}", "discover", genre, 1, (call,), most)
    for number, artist_id in enumerate(event.get("artists", ()), start=1):
        calls = tuple(
            Call("artist_albums", {"artist_id": artist_id, "group": group, "offset": 0, "limit": PAGE})
            for group in ("single", "album,compilation")
        )
        yield Batch(run_id, f"refresh_releases-{number:05d}", "refresh_releases", artist_id, 1, calls, most)


def results(event: Mapping[str, Any], invoke: Invoke) -> dict[str, Any]:
    """The raw batches by id, and what failed by item; `per_second` of the event is the pace of all together."""
    asked = list(batches(event))
    pace = float(event.get("per_second", 3.0)) / max(1, min(len(asked), SIDE_BY_SIDE))

    def one(batch: Batch) -> tuple[Batch, dict[str, Any]]:
        try:
            return batch, invoke(question(batch, Allowance(batch.max_requests, pace, most_bytes=4_000_000)))
        except Exception as error:  # noqa: BLE001  one invocation's failure is that item's alone
            return batch, {"error": {"class": type(error).__name__, "args": []}}

    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        ended = list(pool.map(one, asked))
    failed = {batch.item: found["error"]["class"] for batch, found in ended if found["error"]}
    return {"batches": [found for _, found in ended if "batch_id" in found], "failed": failed}
