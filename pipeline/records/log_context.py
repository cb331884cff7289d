"""What the present thread works for: run, task, item and attempt, so that each log line and event says it by itself.

Imports nothing of ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace

__all__ = ["LogContext", "current_context", "working_for"]


@dataclass(frozen=True)
class LogContext:
    """Whom a line belongs to; empty fields: nobody."""

    run_id: str = ""
    task: str = ""
    item: str = ""
    batch_id: str = ""
    attempt: int = 0


_context: ContextVar[LogContext] = ContextVar("garimpo_log_context", default=LogContext())  # noqa: B039  frozen


def current_context() -> LogContext:
    """What this thread works for."""
    return _context.get()


@contextmanager
def working_for(**fields: str | int) -> Iterator[None]:
    """Have this thread work for these, beside what it works for already, until the end of the block."""
    token = _context.set(replace(_context.get(), **fields))  # type: ignore[arg-type]
    try:
        yield
    finally:
        _context.reset(token)
