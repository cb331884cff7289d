"""One mapped task: plan what is left, collect it in parallel, commit each result as it comes, until nothing is left.

Owns joblib. Workers fetch, this process writes. A failed item fails alone: what it was not answered is asked again as
the item's next attempt, after a wait. Imports `dag`, `items` and the rooms below.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from queue import SimpleQueue

import joblib

from pipeline.lake.normalize import Normalizer
from pipeline.lake.store import commit_raw_batch
from pipeline.published.live import live
from pipeline.records.events import note, unknown_artists
from pipeline.records.ledger import TaskOutcome
from pipeline.records.log_context import working_for
from pipeline.runs.context import Context
from pipeline.runs.dag import Task
from pipeline.runs.elsewhere import Elsewhere, SubmitBackend
from pipeline.runs.items import attempt_id, keep_left, plan_items, set_retrying
from pipeline.runs.planner import Item, Outlook
from pipeline.runs.progress import TaskResult
from pipeline.runs.reckoning import AttemptVerdict, Reckoning
from pipeline.source import capabilities
from pipeline.source.allowance import collect_with_allowance
from pipeline.source.calls import Batch, Call, RawBatch
from pipeline.source.collect import collect, gathered
from pipeline.source.deadline import TimedSource

__all__ = ["MappedTask", "Work"]

log = logging.getLogger(__name__)

MOST_WORKERS = 64
MOST_TOGETHER = 16  # batches kept in one go
LEAST_ITEM_S = 0.5  # of requests one after the other: a shorter item would cost more to keep than it saves
LATER_SHARE = 0.3  # of what is left in a bucket, kept for later tasks that draw on it

Expand = Callable[[Outlook], list[Item]]
Tell = Callable[[int, int, int, str], None]


@dataclass(frozen=True)
class Work:
    """One attempt at an item."""

    item_id: str
    batch: Batch
    wait_s: float = 0.0


class MappedTask:
    """Executes one mapped task of a run; `tell(done, total, rows, message)` reports each item.

    `heirs` are later tasks that draw on the same bucket: some of it is left for them.
    """

    def __init__(
        self, context: Context, task: Task, normalizer: Normalizer, tell: Tell, heirs: Sequence[Task] = ()
    ) -> None:
        self._context, self._task, self._heirs = context, task, heirs
        self._elsewhere = Elsewhere(context, task.timeout_s) if context.workers else None
        self._normalizer, self._tell = normalizer, tell
        self._reckoning = Reckoning(context.ledger, task.retry.attempts)
        self._waiting: list[Work] = []
        self._items = self._rows = self._total = 0
        self._kept: int | None = None

    def run(self, expand: Expand) -> TaskResult:
        """Everything this task may ask today; raises RunCancelled, or Fatal when no further request would succeed."""
        while not self._reckoning.is_over and (items := self._plan(expand)):
            self._collect(self._enlist(items))
            while self._waiting and not self._reckoning.is_over:
                works, self._waiting = self._waiting, []
                self._context.gate.pause(max(work.wait_s for work in works))
                self._collect(works)
        for work in self._waiting:
            keep_left(self._context.ledger, work.batch.run_id, work.item_id, "deferred", work.batch.calls)
        return self._result()

    def _plan(self, expand: Expand) -> list[Item]:
        context, task, today = self._context, self._task, self._context.ledger.now().date()
        allowance = int(context.max_requests * task.share) - context.gate.sent
        if allowance <= 0:
            self._reckoning.limit = "the run's requests for this task are used up; the next run goes on"
            return []
        left = context.budget.view(task.bucket).soon  # the gate waits for it: a run at yesterday's time finds all spent
        with live(context.workspace, context.ledger) as view:
            outlook = Outlook(
                view, today, context.capabilities, context.genres, allowance, followed=context.followed,
                unknown=unknown_artists(context.ledger), workers=self._workers(),
                least_calls=math.ceil(LEAST_ITEM_S / context.budget.latency_s()))  # fmt: skip
            if left is not None:
                if self._kept is None:
                    self._kept = self._kept_for_later(replace(outlook, allowance=int(left * LATER_SHARE)))
                if 0 < left <= self._kept:
                    self._reckoning.limit = "what is left of the quota is kept for the tasks after this one"
                    return []
                # With an empty bucket one request is planned still: its refusal, unsent, says when the rest is due.
                outlook = replace(outlook, allowance=min(allowance, max(1, left - self._kept)))
            return expand(replace(outlook, settled=self._reckoning.settled))

    def _kept_for_later(self, outlook: Outlook) -> int:
        """Requests that later tasks on the same bucket could use now, so that the first one does not starve them."""
        heirs = [task for task in self._heirs if task.bucket == self._task.bucket]
        return sum(len(item.calls) for task in heirs if task.expand for item in task.expand(outlook))

    def _enlist(self, items: Sequence[Item]) -> list[Work]:
        """First attempts at newly planned items, which everybody sees as pending from here on."""
        context, name = self._context, self._task.name
        planned = {f"{name}-{self._total + number:05d}": item for number, item in enumerate(items, start=1)}
        self._total += len(planned)
        plan_items(context.ledger, context.run_id, name, planned)
        return [
            Work(item_id, Batch(context.run_id, item_id, name, item.label, 1, item.calls, item.max_requests))
            for item_id, item in planned.items()
        ]

    def _collect(self, works: Sequence[Work]) -> None:
        """One attempt at each; raises what ends the task."""
        by_batch = {work.batch.batch_id: work for work in works}
        self._tell(self._items, self._total, self._rows, "")
        for raws in self._fan_out(works):
            # Far workers may deliver twice: a batch is kept once, in whatever commit it was.
            self._take([(work, raw) for raw in raws if (work := by_batch.pop(raw.batch_id, None))])
        self._context.gate.pause(0.0)  # raises when the run was cancelled meanwhile
        if self._reckoning.fatal is not None:
            raise self._reckoning.fatal

    def _fan_out(self, works: Sequence[Work]) -> Iterator[list[RawBatch]]:
        """What workers brought while the last was being kept, again and again until nothing is under way."""
        context, timeout_s, elsewhere = self._context, self._task.timeout_s, self._elsewhere
        arrived: SimpleQueue[RawBatch] = SimpleQueue()

        def attempt(_: Callable[..., RawBatch], work: Work) -> None:
            batch = work.batch
            with _working_for(batch):
                context.ledger.begin_task(
                    batch.run_id, batch.batch_id, batch.attempt, batch.task, batch.item, work.wait_s
                )
                here = TimedSource(context.source, timeout_s, batch.item)
                arrived.put(elsewhere.collect(batch, here) if elsewhere else collect(batch, here))

        # With one job joblib passes its backend by, and calls the function here.
        workers, backend = max(2, min(self._workers(), len(works))), SubmitBackend(attempt)
        parallel = joblib.Parallel(n_jobs=workers, backend=backend, return_as="generator_unordered", batch_size=1)
        todo = (joblib.delayed(collect_with_allowance)(work) for work in works if not context.gate.is_cancelled)
        for _ in parallel(todo):  # once the run is to stop no item begins any more: it keeps its calls
            if raws := [arrived.get() for _ in range(min(arrived.qsize(), MOST_TOGETHER))]:
                yield raws

    def _workers(self) -> int:
        """Threads that together keep the permitted rate."""
        if self._elsewhere:  # half as many more: a batch away is not always under way
            return min(math.ceil(1.5 * self._elsewhere.pacemakers()) + 1, self._elsewhere.slots, MOST_WORKERS)
        return min(math.ceil(self._context.budget.pacemakers()) + 1, MOST_WORKERS)

    def _take(self, brought: Sequence[tuple[Work, RawBatch]]) -> None:
        """Keep what came together, in the files of the first that brought anything; note what did not come."""
        taken = [(work, raw, self._reckoning.judge(work.batch, raw)) for work, raw in brought]
        full = [raw for _, raw in brought if raw.payload]
        for work, raw, verdict in taken:
            if not raw.payload:
                self._finish(work, raw, verdict)
            elif raw is full[0]:
                self._finish(work, gathered(full), verdict)
        for work, raw, verdict in taken:
            if raw.payload and raw is not full[0]:
                message = "; ".join(filter(None, (verdict.message, f"its rows are in {full[0].batch_id}")))
                self._finish(work, replace(raw, payload=b""), replace(verdict, message=message))

    def _finish(self, work: Work, raw: RawBatch, verdict: AttemptVerdict) -> None:
        batch, context = work.batch, self._context
        with _working_for(batch):
            rows = self._commit(batch, raw, verdict)
            seen = capabilities.observe(context.ledger, raw.sightings, context.ledger.now())
            context.capabilities = seen or context.capabilities
            note(
                log, "item_finished", level=logging.WARNING if verdict.state == "failed" else logging.INFO,
                item=batch.item, state=verdict.state, attempt=batch.attempt, rows=rows, requests=raw.requests,
                message=verdict.message,
            )  # fmt: skip
            if verdict.retry:
                self._try_again(work, verdict.unanswered)
            elif verdict.unanswered:
                keep_left(context.ledger, batch.run_id, work.item_id, verdict.state, verdict.unanswered)
        self._items, self._rows = self._items + (not verdict.retry), self._rows + rows
        self._tell(self._items, self._total, self._rows, f"{batch.item}: {verdict.state}")

    def _commit(self, batch: Batch, raw: RawBatch, verdict: AttemptVerdict) -> int:
        context, state, message = self._context, verdict.state, verdict.message
        if raw.payload:
            return commit_raw_batch(context.workspace, context.ledger, self._normalizer, batch, raw, state, message)
        outcome = TaskOutcome(batch.run_id, batch.batch_id, batch.attempt, state, raw.requests, message=message)
        context.ledger.finish_task(outcome)
        return 0

    def _try_again(self, work: Work, calls: tuple[Call, ...]) -> None:
        """Queue the item's next attempt."""
        attempt, wait_s = work.batch.attempt + 1, self._task.retry.wait_s(work.batch.attempt)
        batch = replace(work.batch, batch_id=attempt_id(work.item_id, attempt), attempt=attempt, calls=calls)
        set_retrying(self._context.ledger, batch.run_id, work.item_id, batch.batch_id, calls, wait_s=wait_s)
        note(log, "item_retry", item=batch.item, attempt=attempt, calls=len(calls), wait_s=wait_s)
        self._waiting.append(Work(work.item_id, batch, wait_s))

    def _result(self) -> TaskResult:
        return self._reckoning.result(self._task.name, self._total, self._rows)


def _working_for(it: Batch) -> AbstractContextManager[None]:
    return working_for(run_id=it.run_id, task=it.task, item=it.item, batch_id=it.batch_id, attempt=it.attempt)
