"""Batches collected by workers of another system: an allowance goes with each, and whatever happens there ends here.

Owns joblib's backend over anything with `submit(call) -> Future`. A lost worker or result is a failed attempt like any
other; a system that is gone ends the task. Imports `allowance`, `grants`, `context`, `budget`, `events`, `calls`,
`collect`, `deadline`, `spotify`.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, wait
from dataclasses import replace
from datetime import timedelta
from typing import Any

from joblib.parallel import ThreadingBackend

from pipeline.clock import system_now
from pipeline.errors import BudgetSpent, Fatal, GarimpoError, SourceUnavailable
from pipeline.records.budget import CATCH_UP_S
from pipeline.records.events import note
from pipeline.runs.context import Context
from pipeline.source.allowance import Allowance, NotTaken, collect_with_allowance
from pipeline.source.calls import Batch, RawBatch, bucket_of
from pipeline.source.collect import collect
from pipeline.source.deadline import TimedSource
from pipeline.source.grants import Grant, Grants
from pipeline.source.spotify import Access

__all__ = ["Elsewhere", "SubmitBackend"]

log = logging.getLogger(__name__)

POLL_S = 0.2  # how soon a cancel is noticed while a batch is away
LOOK_EVERY = 10  # polls: whether the system is still there
GRACE_S = 30.0  # beyond a task's time-out, for the way there and back
AWAITED_S = 30.0  # this process collects in the place of workers that have not come: who names some wants to hear of it
LATEST_S = 20.0  # what is made up for of the time that workers took to come
HEADROOM = 1.25  # requests above one per call that a first batch is granted


class SubmitBackend(ThreadingBackend):  # type: ignore[misc]  # joblib has no types
    """A joblib backend that hands every call to `perform(function, *arguments)`, in a thread that waits for it."""

    def __init__(self, perform: Callable[..., Any], **options: Any) -> None:
        super().__init__(**options)
        self._perform = perform

    def configure(self, n_jobs: int = 1, parallel: Any = None, **_: Any) -> int:
        """One thread per call under way, one included: joblib's own would then run the call here."""
        self.parallel, self._n_jobs = parallel, max(1, n_jobs)
        return self._n_jobs

    def submit(self, func: Any, callback: Any = None) -> Any:
        """Hand over joblib's packet of calls."""
        return super().submit(
            lambda: [self._perform(function, *args, **options) for function, args, options in func.items], callback
        )


class Elsewhere:
    """One mapped task's way to the workers of its run."""

    def __init__(self, context: Context, timeout_s: float) -> None:
        if context.workers is None:
            raise TypeError("this run collects in its own process")
        self._context, self._workers, self._timeout_s = context, context.workers, timeout_s
        self._grants = Grants(context.ledger, context.budget.limits)
        self._access = Access.from_settings(context.settings)
        self._calls = self._requests = 0
        self._end: Fatal | None = None  # the system is gone
        if self._is_awaited() and not context.told_awaited:
            context.told_awaited = True
            told = f"batches are collected by this process until its workers have come, for {AWAITED_S:.0f} s at most"
            note(log, "workers_awaited", backend=context.settings.backend, message=told)

    @property
    def slots(self) -> int:
        """Batches that may be away at once."""
        return self._workers.slots

    def pacemakers(self) -> int:
        """Batches under way that together keep the permitted rate, as threads do."""
        return max(1, min(math.ceil(self._context.budget.pacemakers()) + 1, self.slots))

    def collect(self, batch: Batch, here: TimedSource) -> RawBatch:
        """What a worker brings for a batch, or this process until they have come; errors come back in it."""
        if self._is_awaited():
            raw = collect(batch, here)
            self._learn(batch, raw)
            return raw
        try:
            grant = self._granted(batch)
            raw = self._brought(batch, grant)
        except GarimpoError as error:
            return RawBatch(batch.batch_id, b"", 0, 0, error=error, left=batch.calls)
        began = self._context.ledger.now() - timedelta(seconds=_lasted(raw))
        self._grants.settle_batch(grant, raw.sent, began.timestamp())
        self._context.gate.give_back(len(grant.tickets) - len(raw.sent))
        self._learn(batch, raw)
        return replace(raw, sent=())

    def _is_awaited(self) -> bool:
        return not self._workers.has_come() and time.monotonic() < self._context.opened_s + AWAITED_S

    def _learn(self, batch: Batch, raw: RawBatch) -> None:
        self._calls, self._requests = self._calls + len(batch.calls) - len(raw.left), self._requests + raw.requests

    def _granted(self, batch: Batch) -> Grant:
        """Requests for a batch, when its turn has come."""
        gate, bucket = self._context.gate, bucket_of(batch.calls[0].endpoint)
        while True:
            gate.pause(0.0)
            if self._end:  # no turn is waited for, nor any request of the budget taken, for what nobody would collect
                raise self._end
            taken = gate.take(bucket, self._needed(batch))
            self._grants.catch_up_s = CATCH_UP_S + (self._context.came_s or 0.0)
            try:
                grant = self._grants.grant(batch, taken, self._likely(batch), self.pacemakers())
            except BudgetSpent as refusal:
                gate.give_back(taken)
                gate.wait_out(refusal)
                continue
            gate.give_back(taken - len(grant.tickets))
            try:
                gate.pause(grant.wait_s)
            except GarimpoError:
                self._release(grant)
                raise
            if grant.tickets:
                return grant

    def _needed(self, batch: Batch) -> int:
        """Requests to reserve for a batch with its following pages: a tenth more, and one more, than is likely."""
        if not self._calls and batch.max_requests <= 20:
            return batch.max_requests
        headroom = 1.1 if self._calls else HEADROOM
        return min(batch.max_requests, math.ceil(self._likely(batch) * headroom) + 1)

    def _likely(self, batch: Batch) -> int:
        """Requests a batch takes with its following pages if its task's batches so far are like it."""
        each = self._requests / self._calls if self._calls else 1.0
        return math.ceil(len(batch.calls) * max(1.0, each))

    def _brought(self, batch: Batch, grant: Grant) -> RawBatch:
        """What a worker brought; else the grant is free where nothing was sent, and counted where nobody knows."""
        ahead_s = (self._context.ledger.now() - system_now()).total_seconds()
        allowance = Allowance(
            len(grant.tickets), grant.per_second, self._timeout_s, self._workers.most_bytes,
            ahead_s if abs(ahead_s) > 1.0 else 0.0,
        )  # fmt: skip
        limited = replace(batch, max_requests=len(grant.tickets))
        submitted = self._context.ledger.now()
        try:
            future = self._workers.submit(collect_with_allowance, limited, self._access, allowance)
        except Exception as error:  # noqa: BLE001  whatever a system raises when it does not take a call
            self._release(grant)
            raise self._gone(batch, error) from None
        try:
            raw = self._awaited(future)
        except GarimpoError:
            future.cancel()
            self._grants.lose(grant)
            raise
        except NotTaken as error:
            self._release(grant)
            raise self._gone(batch, error) from None
        except (Exception, CancelledError) as error:  # noqa: BLE001  whatever became of the batch
            self._grants.lose(grant)
            raise self._gone(batch, error) from None
        if self._context.came_s is None:
            on_the_way_s = (self._context.ledger.now() - submitted).total_seconds() - _lasted(raw)
            self._context.came_s = min(max(0.0, on_the_way_s), LATEST_S)
        return raw

    def _awaited(self, future: Future[RawBatch]) -> RawBatch:
        for number in range(math.ceil((self._timeout_s + GRACE_S) / POLL_S)):
            if wait([future], POLL_S).done:
                return future.result()
            self._context.gate.pause(0.0)
            if number % LOOK_EVERY == LOOK_EVERY - 1 and not self._workers.is_alive():
                raise ConnectionError("it is gone, and its workers with it")
        raise TimeoutError(f"no result within {self._timeout_s + GRACE_S:.0f} s")

    def _gone(self, batch: Batch, error: BaseException) -> GarimpoError:
        """What an accident on the way means: another attempt, or the end where the whole system does not answer."""
        told = f"{type(error).__name__}: {' '.join(str(error).split())[:200] or 'no message'}"
        name = self._context.settings.backend
        note(log, "worker_lost", level=logging.WARNING, item=batch.item, backend=name, message=told)
        if not self._workers.is_alive():
            self._end = Fatal(
                f"{name} does not answer any more ({told}). What was committed is kept; start it again, or set "
                "GARIMPO_BACKEND=threads, and the next run goes on."
            )
            return self._end
        lost = f"lost the batch ({told}). Nothing of it was stored; ask again."
        not_taken = f"did not take the batch ({told}). Nothing of it was stored; ask again."
        return SourceUnavailable(f"{batch.item}: {name} {not_taken if isinstance(error, NotTaken) else lost}")

    def _release(self, grant: Grant) -> None:
        """Take back a grant of which nothing was sent."""
        self._grants.settle_batch(grant, (), 0.0)
        self._context.gate.give_back(len(grant.tickets))


def _lasted(raw: RawBatch) -> float:
    """Seconds from a batch's beginning to its last answer."""
    return max((sent.at_s + sent.duration_ms / 1000 for sent in raw.sent), default=0.0)
