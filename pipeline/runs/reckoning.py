"""How attempts at the items of a mapped task ended, and what that means for it: what is missing, whether it goes on.

What was answered or asked in vain is not planned again by this run; what was put off is planned by the next. Imports
`events`, `items`, `planner`, `progress`, `budget`, `ledger`, `calls`.
"""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.errors import AllowanceSpent, Deferred, EndpointWithdrawn, Fatal, GarimpoError, RunCancelled, Skippable
from pipeline.records.budget import PATIENCE_S
from pipeline.records.events import has_unknown, note_unknown
from pipeline.records.ledger import Ledger
from pipeline.runs.items import unknown_in
from pipeline.runs.planner import call_key
from pipeline.runs.progress import TaskResult
from pipeline.source.calls import Batch, Call, RawBatch

__all__ = ["AttemptVerdict", "Reckoning"]

STAND_INS = ("artists", "albums")  # batch reads: the same answers come one by one from another endpoint
LONGEST_MESSAGE = 2_000


@dataclass(frozen=True)
class AttemptVerdict:
    """How an attempt ended; `unanswered`: calls to be asked again, `retry`: by this very run."""

    state: str
    message: str = ""
    unanswered: tuple[Call, ...] = ()
    retry: bool = False


class Reckoning:
    """One mapped task of a run, as the attempts at its items left it so far."""

    def __init__(self, ledger: Ledger, attempts: int) -> None:
        """`attempts`: how often an item may be tried."""
        self._ledger, self._attempts = ledger, attempts
        self.settled: set[str] = set()  # keys of calls that this run plans no more: answered, or asked in vain
        self.missing: dict[str, str] = {}  # by `call_key`, why
        self.limit = ""  # why nothing more is planned
        self.deferral: Deferred | None = None
        self.fatal: Fatal | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing more is to be asked by this task."""
        return bool(self.limit) or self.deferral is not None

    def judge(self, batch: Batch, raw: RawBatch) -> AttemptVerdict:
        """How the attempt ended; remembers what is missing and whether the task may go on."""
        lost = tuple(call for call, failure in raw.failures if not isinstance(failure, Skippable))
        self._remember(batch, raw)
        if raw.error is not None:
            # What was refused comes last the next time, so that it does not stop the others again.
            return self._stopped_by(raw.error, batch, raw.left[1:] + lost + raw.left[:1])
        told = "; ".join(str(failure) for _, failure in raw.failures)[:LONGEST_MESSAGE]
        if lost:
            return self._failed(batch, told, lost)
        return AttemptVerdict("skipped" if raw.failures and not raw.lines else "succeeded", told)

    def result(self, task: str, items: int, rows: int) -> TaskResult:
        """How the task ended, of which so many items came to be and so many rows were kept."""
        missing, state, message, due_at = self.missing, "succeeded", self.limit, None
        if missing:
            state = "partial" if rows or has_unknown(self._ledger, task) else "failed"
            message = f"{len(missing)} not collected, first: {next(iter(missing.values()))}"
        if self.deferral is not None:
            state, message, due_at = "deferred", str(self.deferral), self.deferral.due_at
        return TaskResult(task, state, items, rows, len(missing), message, due_at)

    def _stopped_by(self, error: GarimpoError, batch: Batch, rest: tuple[Call, ...]) -> AttemptVerdict:
        message, state = str(error)[:LONGEST_MESSAGE], "failed"
        match error:
            case RunCancelled():
                state, message = "cancelled", "cancelled before it was done"
            case AllowanceSpent():
                state, self.limit = "deferred", error.reason
            case Deferred() if (error.due_at - self._ledger.now()).total_seconds() <= PATIENCE_S:
                state, rest = "deferred", ()  # planned again in this run: the gate holds it until it is due
            case Deferred():
                state = "deferred"
                if self.deferral is None or error.due_at > self.deferral.due_at:
                    self.deferral = error
            case EndpointWithdrawn():  # planned again, with the endpoint that stands in for it, if there is one
                if rest[-1].endpoint not in STAND_INS:
                    self.fatal = error
                state, rest = "skipped", ()
            case Fatal():
                self.fatal = error
            case _:
                return self._failed(batch, message, rest)
        return AttemptVerdict(state, message, rest)

    def _failed(self, batch: Batch, message: str, unanswered: tuple[Call, ...]) -> AttemptVerdict:
        return AttemptVerdict("failed", message, unanswered, retry=batch.attempt < self._attempts)

    def _remember(self, batch: Batch, raw: RawBatch) -> None:
        """Which calls were answered and which are missing: planning leaves out both; calls put off are neither."""
        failed, error = list(raw.failures), raw.error
        if isinstance(error, EndpointWithdrawn):  # everything but what is gone for good is planned anew
            failed = [(call, failure) for call, failure in failed if isinstance(failure, Skippable)]
        elif error is not None and not isinstance(error, (Deferred, RunCancelled)):
            failed += [(call, error) for call in raw.left]
        open_keys = {call_key(call) for call in (*raw.left, *(call for call, _ in raw.failures))}
        done = {call_key(call) for call in batch.calls} - open_keys
        self.settled |= done.union(call_key(call) for call, _ in failed)  # what failed the item's own attempts ask
        kept = {key: told for key, told in self.missing.items() if key not in done}
        self.missing = kept | {call_key(call): f"{batch.item}: {failure}" for call, failure in failed}
        note_unknown(self._ledger, unknown_in(failed))
