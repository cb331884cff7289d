"""One mapped task: plan what is left, collect it in parallel, commit each result as it comes, until nothing is left.

Owns joblib. Workers fetch, this process writes. A failed item fails alone: its calls are planned again, a few times.
Imports `dag` and the rooms below.
"""

from __future__ import annotations

import logging
import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import dropwhile

import joblib

from pipeline import capabilities
from pipeline.calls import Batch, Call, RawBatch
from pipeline.collect import collect
from pipeline.context import Context
from pipeline.dag import DAG, Task
from pipeline.errors import AllowanceSpent, Deferred, EndpointWithdrawn, Fatal, GarimpoError, RunCancelled, Skippable
from pipeline.generations import live
from pipeline.ledger import TaskOutcome
from pipeline.normalize import Normalizer
from pipeline.planner import Item, Outlook, call_key
from pipeline.progress import TaskResult
from pipeline.store import commit_raw_batch

__all__ = ["MappedTask"]

log = logging.getLogger(__name__)

MOST_WORKERS = 64
NEVER_AGAIN = 1_000_000
LATER_SHARE = 0.3  # of what is left in a bucket, kept for later tasks that draw on it
LONGEST_MESSAGE = 2_000


Expand = Callable[[Outlook], list[Item]]
Tell = Callable[[int, int, int, str], None]


@dataclass
class _Tally:
    """Which calls of this task were tried, and what is still missing."""

    tries: dict[str, int] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

    def answered(self, call: Call) -> None:
        self.tries[call_key(call)] = NEVER_AGAIN
        self.missing.pop(call_key(call), None)

    def failed(self, call: Call, label: str, error: GarimpoError) -> None:
        key = call_key(call)
        self.tries[key] = NEVER_AGAIN if isinstance(error, Skippable) else self.tries.get(key, 0) + 1
        self.missing[key] = f"{label}: {error}"


class MappedTask:
    """Executes one mapped task of a run; `tell(done, total, rows, message)` reports each item."""

    def __init__(self, context: Context, task: Task, expand: Expand, normalizer: Normalizer, tell: Tell) -> None:
        self._context, self._task, self._expand = context, task, expand
        self._normalizer, self._tell = normalizer, tell
        self._tally = _Tally()
        self._items = self._rows = self._total = 0
        self._limit = ""
        self._deferral: Deferred | None = None
        self._fatal: Fatal | None = None

    def run(self) -> TaskResult:
        """Everything this task may ask today; raises RunCancelled, or Fatal when no further request would succeed."""
        setbacks = 0
        while not self._stopped and (items := self._plan()):
            missing_before = set(self._tally.missing)
            self._collect(items)
            if self._fatal is not None:
                raise self._fatal
            if set(self._tally.missing) - missing_before:
                setbacks += 1
                self._back_off(setbacks)
        return self._result()

    @property
    def _stopped(self) -> bool:
        return bool(self._limit) or self._deferral is not None

    def _plan(self) -> list[Item]:
        context, task = self._context, self._task
        allowance = int(context.max_requests * task.share) - context.gate.sent
        if allowance <= 0:
            self._limit = "the run's requests for this task are used up; the next run goes on"
            return []
        left = context.budget.view(task.bucket).left
        with live(context.workspace, context.ledger) as view:
            outlook = Outlook(view, context.ledger.now().date(), context.capabilities, context.genres, allowance)
            if left is not None:
                # With an empty bucket one request is planned still: its refusal, unsent, says when the rest is due.
                left = max(1, left - self._kept_for_later(replace(outlook, allowance=int(left * LATER_SHARE))))
                outlook = replace(outlook, allowance=min(allowance, left))
            return self._expand(replace(outlook, tried=self._tally.tries, max_tries=task.retry.attempts))

    def _kept_for_later(self, outlook: Outlook) -> int:
        """Requests that later tasks on the same bucket could use now, so that the first one does not starve them."""
        later = dropwhile(lambda task: task.name != self._task.name, DAG)
        heirs = [task for task in later if task.bucket == self._task.bucket and task.name != self._task.name]
        return sum(len(item.calls) for task in heirs if task.expand for item in task.expand(outlook))

    def _collect(self, items: Sequence[Item]) -> None:
        batches = {}
        for item in items:
            self._total += 1
            batch_id = f"{self._task.name}-{self._total:05d}"
            attempt = 1 + max((self._tally.tries.get(call_key(call), 0) for call in item.calls), default=0)
            batches[batch_id] = Batch(
                self._context.run_id, batch_id, self._task.name, item.label, attempt, item.calls, item.max_requests
            )
        self._tell(self._items, self._total, self._rows, "")
        for raw in self._fan_out(list(batches.values())):
            self._take(batches[raw.batch_id], raw)
        self._context.gate.pause(0.0)  # raises when the run was cancelled meanwhile

    def _fan_out(self, batches: Sequence[Batch]) -> Iterator[RawBatch]:
        context = self._context

        def attempt(batch: Batch) -> RawBatch:
            context.ledger.begin_task(batch.run_id, batch.batch_id, batch.attempt, batch.task, batch.item)
            return collect(batch, context.source)

        workers = self._workers(len(batches))
        parallel = joblib.Parallel(n_jobs=workers, backend="threading", return_as="generator_unordered", batch_size=1)
        yield from parallel(joblib.delayed(attempt)(batch) for batch in batches)

    def _workers(self, batches: int) -> int:
        """Little's law: requests under way = permitted rate × latency, and a third more so that no slot goes unused."""
        budget = self._context.budget
        wanted = math.ceil(budget.rate() * budget.latency_s() * 1.33) + 1
        return max(1, min(wanted, batches, MOST_WORKERS))

    def _take(self, batch: Batch, raw: RawBatch) -> None:
        """Commit what came, note what did not."""
        context = self._context
        state, message = self._judge(batch, raw)
        rows = 0
        if raw.payload:
            rows = commit_raw_batch(context.workspace, context.ledger, self._normalizer, batch, raw, state, message)
        else:
            context.ledger.finish_task(
                TaskOutcome(batch.run_id, batch.batch_id, batch.attempt, state, raw.requests, message=message)
            )
        seen = capabilities.observe(context.ledger, raw.capabilities, context.ledger.now())
        if isinstance(raw.error, EndpointWithdrawn) and seen in (None, context.capabilities):
            self._fatal = raw.error  # withdrawn, and no other endpoint stands in for it
        context.capabilities = seen or context.capabilities
        self._items, self._rows = self._items + 1, self._rows + rows
        self._tell(self._items, self._total, self._rows, f"{batch.item}: {state}")
        log.info(
            "item_finished run=%s task=%s item=%r state=%s rows=%d requests=%d %s",
            batch.run_id, batch.task, batch.item, state, rows, raw.requests, message,
        )  # fmt: skip

    def _judge(self, batch: Batch, raw: RawBatch) -> tuple[str, str]:
        """State and message of an attempt; remembers what is missing and whether the task may go on."""
        self._count(batch, raw)
        error, failures = raw.error, [failure for _, failure in raw.failures]
        if error is None:
            retryable = any(not isinstance(failure, Skippable) for failure in failures)
            return "failed" if retryable else "succeeded", "; ".join(map(str, failures))[:LONGEST_MESSAGE]
        match error:
            case RunCancelled():
                return "cancelled", "cancelled before it was done"
            case AllowanceSpent():
                self._limit = error.reason
            case Deferred() if self._deferral is None or error.due_at > self._deferral.due_at:
                self._deferral = error
            case EndpointWithdrawn():
                pass  # planned again, with the endpoint that stands in for it, if there is one
            case Fatal():
                self._fatal = error
        return "deferred" if isinstance(error, Deferred) else "failed", str(error)[:LONGEST_MESSAGE]

    def _count(self, batch: Batch, raw: RawBatch) -> None:
        """Which of the batch's calls were answered, which failed; calls only put off are neither."""
        failed, left = {call_key(call) for call, _ in raw.failures}, {call_key(call) for call in raw.left}
        for call in batch.calls:
            if call_key(call) not in failed | left:
                self._tally.answered(call)
        for call, failure in raw.failures:
            self._tally.failed(call, batch.item, failure)
        if raw.error is not None and not isinstance(raw.error, (Deferred, EndpointWithdrawn, RunCancelled)):
            for call in raw.left:
                self._tally.failed(call, batch.item, raw.error)

    def _back_off(self, setbacks: int) -> None:
        retry = self._task.retry
        longest = min(retry.cap_s, retry.first_wait_s * 2 ** (setbacks - 1))
        self._context.gate.pause(random.uniform(longest / 2, longest))

    def _result(self) -> TaskResult:
        missing, message, due_at = self._tally.missing, self._limit, None
        state = "succeeded"
        if missing:
            state = "partial" if self._rows else "failed"
            message = f"{len(missing)} not collected, first: {next(iter(missing.values()))}"
        if self._deferral is not None:
            state, message, due_at = "deferred", str(self._deferral), self._deferral.due_at
        return TaskResult(self._task.name, state, self._items, self._rows, len(missing), message, due_at)
