"""The gate of one run: no request is sent before the budget has written it down and its slot has come.

Counts what a run sends against its own limit, and waits as long as waiting is sensible. Imports `errors`, `budget`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from threading import Lock
from typing import Any

from pipeline.errors import AllowanceSpent, BudgetSpent, RunCancelled
from pipeline.records.budget import PATIENCE_S, Budget

__all__ = ["LedgerGate"]


class LedgerGate:
    """The gate of one run: every worker thread of this process sends through it."""

    def __init__(
        self,
        budget: Budget,
        run_id: str,
        *,
        allowance: int | None = None,
        wait: Callable[[float], bool] = lambda _: False,
    ) -> None:
        """`wait(seconds)` sleeps and returns True once the run is cancelled; `allowance`: the run's own limit."""
        self._budget, self._run_id, self._wait = budget, run_id, wait
        self._allowance, self._guard = allowance, Lock()
        self.sent = 0

    def now(self) -> datetime:
        """The instant of the workspace's clock."""
        return self._budget.ledger.now()

    @property
    def is_cancelled(self) -> bool:
        """Whether the run is to stop."""
        return self._wait(0.0)

    def acquire(self, bucket: str, endpoint: str) -> int:
        """A ticket for one request, when its slot has come; raises BudgetSpent, AllowanceSpent or RunCancelled."""
        while True:
            self.pause(0.0)
            self.take(bucket)
            try:
                ticket, wait_s = self._budget.reserve(bucket, endpoint, self._run_id)
            except BudgetSpent as refusal:
                self.give_back()
                self.wait_out(refusal)
                continue
            try:
                self.pause(wait_s)
            except RunCancelled:
                self._budget.release(ticket)
                self.give_back()
                raise
            return ticket

    def refuse(self, bucket: str) -> None:
        """Raises BudgetSpent where `acquire` would rather than wait; takes nothing."""
        try:
            self._budget.refuse(bucket)
        except BudgetSpent as refusal:
            if self._far(refusal):
                raise

    def _far(self, refusal: BudgetSpent) -> bool:
        return (refusal.due_at - self.now()).total_seconds() > PATIENCE_S

    def wait_out(self, refusal: BudgetSpent) -> None:
        """Wait until the budget is open again; raises the refusal where that takes longer than is sensible."""
        if self._far(refusal):
            raise refusal
        self.pause(max(0.05, (refusal.due_at - self.now()).total_seconds()))

    def take(self, bucket: str, many: int = 1) -> int:
        """So many requests of the run's own limit, or what is left of it; raises AllowanceSpent when nothing is."""
        with self._guard:
            if self._allowance is not None and self.sent >= self._allowance:
                raise AllowanceSpent(bucket, self.now(), f"the run's limit of {self._allowance} requests is reached")
            many = many if self._allowance is None else min(many, self._allowance - self.sent)
            self.sent += many
            return many

    def give_back(self, many: int = 1) -> None:
        """Requests taken and not sent."""
        with self._guard:
            self.sent -= many

    def settle(self, ticket: int, status: int, **ending: Any) -> None:
        """Record how the request ended: see `Budget.settle`."""
        self._budget.settle(ticket, status, **ending)

    def pause(self, seconds: float) -> None:
        """Wait; raises RunCancelled as soon as the run is cancelled."""
        if self._wait(seconds):
            raise RunCancelled("The run was cancelled; everything committed is kept.")
