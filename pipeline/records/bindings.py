"""What the present thread works for: run, task, item and attempt, so that each log line and event says it by itself.

Imports nothing of ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace

__all__ = ["Binding", "bound", "current_binding"]


@dataclass(frozen=True)
class Binding:
    """Whom a line belongs to; empty fields: nobody."""

    run_id: str = ""
    task: str = ""
    item: str = ""
    batch_id: str = ""
    attempt: int = 0


_binding: ContextVar[Binding] = ContextVar("garimpo_binding", default=Binding())  # noqa: B039  frozen


def current_binding() -> Binding:
    """What this thread works for."""
    return _binding.get()


@contextmanager
def bound(**fields: str | int) -> Iterator[None]:
    """Bind this thread to more of it until the end of the block."""
    token = _binding.set(replace(_binding.get(), **fields))  # type: ignore[arg-type]
    try:
        yield
    finally:
        _binding.reset(token)
