"""What a run and its service tell while they go and when they have ended: rows that log, command line and pages show.

Imports nothing of ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

__all__ = ["CatchUp", "DemoProgress", "Progress", "RunResult", "Status", "TaskResult"]


@dataclass(frozen=True)
class Progress:
    """Where a run is: `done` of `total` mapped items of the current task, requests and rows of the whole run."""

    run_id: str
    trigger: str
    started_at: datetime
    task: str = ""
    done: int = 0
    total: int = 0
    requests: int = 0
    rows: int = 0
    message: str = ""


@dataclass(frozen=True)
class TaskResult:
    """How a task ended; `missing`: calls not answered, `due_at`: when a deferred rest may be asked."""

    name: str
    state: str
    items: int = 0
    rows: int = 0
    missing: int = 0
    message: str = ""
    due_at: datetime | None = None


@dataclass(frozen=True)
class RunResult:
    """How a run ended; `state` is succeeded, failed, cancelled or deferred."""

    run_id: str
    state: str
    message: str
    requests: int
    rows: int
    duration_s: float
    due_at: datetime | None = None
    exit_code: int = 0
    tasks: tuple[TaskResult, ...] = ()


@dataclass(frozen=True)
class DemoProgress:
    """The demo's history: `day` of `days` is being collected, as of `observed_on`."""

    day: int
    days: int
    observed_on: date


@dataclass(frozen=True)
class Status:
    """What the service is doing; `waiting`: ids of runs that begin one after the other when this one has ended."""

    active: Progress | None = None
    demo: DemoProgress | None = None
    waiting: tuple[str, ...] = ()
    next_run_at: datetime | None = None
    last_error: str = ""


@dataclass(frozen=True)
class CatchUp:
    """What is done about old genres: none, nobody to ask, no schedule, bucket locked or spent, done today, due."""

    verdict: Literal["fresh", "idle", "paused", "locked", "spent", "waiting", "due"]
    genres: tuple[str, ...] = ()
    until: datetime | None = None
