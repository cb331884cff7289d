"""Collect a batch: fetch its calls one after the other, follow pages, return compressed lines.

Runs unchanged on a thread or on a remote worker: it owns no disk and no database, and its source decides when a request
may be sent. The only place that makes raw lines. Imports `calls`, `paging`, `refusals`, `sightings`, `errors`.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import zstandard

from pipeline.errors import BadRequest, EndpointWithdrawn, GarimpoError, Skippable, SourceUnavailable
from pipeline.source.calls import SAFE_LIMIT, Batch, Call, Meter, RawBatch, Source
from pipeline.source.paging import following
from pipeline.source.refusals import NO_MESSAGE
from pipeline.source.sightings import Watcher

__all__ = ["MOST_BYTES", "collect", "gathered"]

ATTEMPTS_AT_A_DEAD_SOURCE = 2  # calls in a row, each after its own retries
MOST_BYTES = 64 * 1024 * 1024  # lines held before compression: a batch that grows beyond hands the rest back
LONGEST_UNPARSED = 1024 * 1024


def collect(batch: Batch, source: Source, most_bytes: int = MOST_BYTES) -> RawBatch:
    """Everything the batch's calls brought; an error ends it early and is returned, with the calls left."""
    return _Collection(batch, source, most_bytes).run()


def gathered(raws: Sequence[RawBatch]) -> RawBatch:
    """The first of several batches with the lines of all: kept in one go, they cost little more than one alone."""
    if len(raws) == 1:
        return raws[0]
    reader = zstandard.ZstdDecompressor()
    text = b"".join(reader.decompress(raw.payload) for raw in raws)
    return replace(raws[0], payload=_packed(text), lines=sum(raw.lines for raw in raws))


def _packed(text: bytes) -> bytes:
    return zstandard.ZstdCompressor(level=3).compress(text) if text else b""


class _Collection:
    """One batch under way."""

    def __init__(self, batch: Batch, source: Source, most_bytes: int) -> None:
        self.batch, self.source, self.most_bytes = batch, source, most_bytes
        self.queue, self.meter, self.watcher = deque(batch.calls), Meter(batch.max_requests), Watcher()
        self.failures: list[tuple[Call, GarimpoError]] = []
        self.lines: list[bytes] = []
        self.size = self.unavailable = 0
        self.safe_limits: set[str] = set()

    def run(self) -> RawBatch:
        error = None
        while self.queue and error is None and not self.meter.spent and self.size < self.most_bytes:
            error = self._take(self.queue.popleft())
        text = b"".join(self.lines)
        return RawBatch(
            self.batch.batch_id,
            _packed(text),
            len(self.lines),
            self.meter.sent,
            tuple(self.failures),
            error,
            tuple(self.queue),
            self.watcher.sightings(),
        )

    def _take(self, call: Call) -> GarimpoError | None:
        if call.endpoint in self.safe_limits and _above_safe(call):
            call = call.moved(limit=SAFE_LIMIT)
        try:
            answer = self.source.fetch(call, self.meter)
        except GarimpoError as error:
            return self._refused(call, error)
        finally:
            for fetched_at, text in self.meter.unparsed:
                self._keep(call, fetched_at, "unparsed", json.dumps(text[:LONGEST_UNPARSED]).encode())
            self.meter.unparsed.clear()
        self.unavailable = 0
        # A line break can stand only between the tokens of valid JSON, where a space means the same.
        self._keep(call, answer.fetched_at, call.endpoint, answer.body.translate(_ONE_LINE))
        self.watcher.look(call.endpoint, answer.data)
        self.queue.extendleft(reversed(following(call, answer.data)))
        return None

    def _refused(self, call: Call, error: GarimpoError) -> GarimpoError | None:
        """None when the batch goes on, the error when it stops."""
        if isinstance(error, EndpointWithdrawn):
            self.watcher.withdrawn(call.endpoint)
        self.unavailable = self.unavailable + 1 if isinstance(error, SourceUnavailable) else 0
        if isinstance(error, BadRequest) and _limit_refused(call, error):
            self.watcher.refused_limit(call.endpoint, call.params["limit"])
            self.safe_limits.add(call.endpoint)
            self.queue.appendleft(call)  # asked again with the safe limit
            return None
        if isinstance(error, Skippable) or 0 < self.unavailable < ATTEMPTS_AT_A_DEAD_SOURCE:
            self.failures.append((call, error))
            return None
        self.queue.appendleft(call)
        return error

    def _keep(self, call: Call, fetched_at: datetime, shape: str, body: bytes) -> None:
        stamp = fetched_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        head = json.dumps(
            {"fetched_at": stamp, "endpoint": call.endpoint, "request": dict(call.params)}, separators=(",", ":")
        )
        line = b'%s,"%s":%s}\n' % (head[:-1].encode(), shape.encode(), body)
        self.lines.append(line)
        self.size += len(line)


_ONE_LINE = bytes.maketrans(b"\r\n", b"  ")


def _limit_refused(call: Call, error: BadRequest) -> bool:
    """Whether a 400 is about the page limit: it says so, or says nothing at all (seen once for a limit too large)."""
    text = str(error).lower()
    return _above_safe(call) and ("invalid limit" in text or NO_MESSAGE in text)


def _above_safe(call: Call) -> bool:
    limit = call.params.get("limit")
    return isinstance(limit, int) and limit > SAFE_LIMIT
