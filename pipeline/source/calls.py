"""What travels between planner, workers and driver: calls, batches, answers; and the two protocols a worker needs.

Plain data, small, picklable and writable as JSON. Imports `errors` and `sightings`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from pipeline.errors import GarimpoError
from pipeline.source.sightings import Sightings

__all__ = [
    "SAFE_LIMIT",
    "Answer",
    "Batch",
    "Call",
    "Gate",
    "Meter",
    "RawBatch",
    "SentRequest",
    "Source",
    "bucket_of",
    "label",
]

# Which share of the quota an endpoint draws on (grouping inferred; checked 2026-11-22).
_BUCKET_OF = {
    "search": "search",
    "artist": "artist",
    "artists": "artist",
    "artist_albums": "albums",
    "album": "albums",
    "albums": "albums",
    "album_tracks": "tracks",
}
SAFE_LIMIT = 10  # the most on a page of artists or releases that every profile answers (checked 2026-11-22)


@dataclass(frozen=True)
class Call:
    """One request as we think of it.

    `params` by endpoint: search: genre, offset, limit, sweep_on (YYYY-MM-DD) · artist: id · artists: ids (50 at most) ·
    artist_albums: artist_id, group, offset, limit · album: id · albums: ids (20 at most) ·
    album_tracks: album_id, offset, limit. `follow` and `known_total`: see `paging`.
    """

    endpoint: str
    params: Mapping[str, Any]

    def moved(self, **params: Any) -> Call:
        """The same call with some parameters replaced."""
        return Call(self.endpoint, {**self.params, **params})


@dataclass(frozen=True)
class Batch:
    """Calls for one worker; `batch_id` is unique in the run and safe as a file name."""

    run_id: str
    batch_id: str
    task: str
    item: str
    attempt: int
    calls: tuple[Call, ...]
    max_requests: int

    def to_dict(self) -> dict[str, Any]:
        """As JSON values, for workers that are no Python process of ours."""
        calls = [{"endpoint": call.endpoint, "params": dict(call.params)} for call in self.calls]
        return {**{name: getattr(self, name) for name in _BATCH_FIELDS}, "calls": calls}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Batch:
        """The batch that `to_dict` described."""
        calls = tuple(Call(call["endpoint"], dict(call["params"])) for call in values["calls"])
        return cls(**{name: values[name] for name in _BATCH_FIELDS}, calls=calls)


_BATCH_FIELDS = ("run_id", "batch_id", "task", "item", "attempt", "max_requests")


@dataclass(frozen=True)
class SentRequest:
    """One request that a worker far from the ledger sent, `at_s` seconds after its batch began; status 0: no answer."""

    bucket: str
    endpoint: str
    at_s: float
    status: int
    retry_after_s: float | None = None
    reason: str = ""
    duration_ms: float = 0.0
    size: int = 0


@dataclass(frozen=True)
class RawBatch:
    """What a worker brings back.

    `payload`: zstd-compressed JSON lines, one per answer, empty when nothing came. `requests`: really sent, retries
    included. `failures`: calls the batch went on without (Skippable, or SourceUnavailable after the last attempt).
    `error`: why it stopped before its end, and `left`: the calls to be made another time, the refused one first.
    `left` without `error`: `max_requests` was reached, or more came than a worker should hold. `sightings`: what the
    answers showed. `sent`: the requests that were, for the ledger's books, where the worker does not write them itself.
    """

    batch_id: str
    payload: bytes = field(repr=False)
    lines: int
    requests: int
    failures: tuple[tuple[Call, GarimpoError], ...] = ()
    error: GarimpoError | None = None
    left: tuple[Call, ...] = ()
    sightings: Sightings = Sightings()  # noqa: RUF009  frozen and empty
    sent: tuple[SentRequest, ...] = ()


@dataclass(frozen=True)
class Answer:
    """A body as received, its JSON value, and the instant (workspace clock, UTC) at which it was there."""

    body: bytes
    data: Any
    fetched_at: datetime


@dataclass
class Meter:
    """What one batch may send and has sent; `unparsed` keeps the bodies that were no JSON, with their instant."""

    limit: int = 1_000_000
    sent: int = 0
    unparsed: list[tuple[datetime, str]] = field(default_factory=list)

    @property
    def spent(self) -> bool:
        """Whether no further request may be sent."""
        return self.sent >= self.limit


class Gate(Protocol):
    """Where every request passes before it is sent and after it was answered."""

    def now(self) -> datetime:
        """The workspace's clock, UTC."""
        ...

    def acquire(self, bucket: str, endpoint: str) -> int:
        """A ticket for one request, when its turn has come; raises BudgetSpent or RunCancelled."""
        ...

    def refuse(self, bucket: str) -> None:
        """Raises BudgetSpent where `acquire` would rather than wait; takes nothing."""
        ...

    def settle(
        self,
        ticket: int,
        status: int,
        *,
        retry_after_s: float | None = None,
        reason: str = "",
        duration_ms: float = 0.0,
        size: int = 0,
    ) -> None:
        """Record how the request ended; status 0: no answer came."""
        ...

    def pause(self, seconds: float) -> None:
        """Wait before another attempt; raises RunCancelled at once when the run is cancelled."""
        ...


class Source(Protocol):
    """Anything that answers a call."""

    def fetch(self, call: Call, meter: Meter | None = None) -> Answer:
        """The answer to one call, its own retries included; raises classes of `errors` only."""
        ...


def bucket_of(endpoint: str) -> str:
    """The bucket of the quota that an endpoint draws on."""
    return _BUCKET_OF.get(endpoint, "other")


def label(call: Call) -> str:
    """A call in a few words for messages: never an address, never longer than a line."""
    params = call.params
    if call.endpoint in ("artists", "albums"):
        ids = params.get("ids")
        return f"{call.endpoint} ({len(ids) if isinstance(ids, list | tuple) else 0} ids)"
    subject = next((params[name] for name in ("genre", "artist_id", "album_id", "id") if name in params), "")
    words = [call.endpoint, _short(subject), str(params.get("group", ""))]
    if "offset" in params:
        words.append(f"offset {_short(params['offset'])}")
    return " ".join(word for word in words if word)


def _short(value: object) -> str:
    text = value if isinstance(value, str) and value.isalnum() and value.isascii() else ascii(value)
    return text if len(text) <= 60 else f"{text[:60]}… ({len(text)} characters)"
