"""The graph of one run, declared once: the runner executes it, the command line prints it, the runs page draws it.

    probe ─► plan ─► discover ─► refresh_artists ─► refresh_releases ─► refresh_tracks ─► publish ─► check ─► send

Imports `tasks`, `planner`, `context`. To add a task: one row here and one function there.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pipeline.runs import planner, tasks
from pipeline.runs.context import Context
from pipeline.runs.planner import Item, Outlook

__all__ = ["DAG", "Retry", "Task", "dag_rows", "heirs", "render_mermaid", "render_text"]


@dataclass(frozen=True)
class Retry:
    """How often a task or a mapped item is tried, and the wait between: exponential, capped, jittered."""

    attempts: int = 3
    first_wait_s: float = 1.0
    cap_s: float = 30.0

    def wait_s(self, failed: int, rng: Callable[[float, float], float] = random.uniform) -> float:
        """Seconds to wait after so many failed attempts: between half and the whole of what has doubled each time."""
        longest = min(self.cap_s, self.first_wait_s * 2 ** (failed - 1))
        return round(rng(longest / 2, longest), 3)


@dataclass(frozen=True)
class Task:
    """One node: either `run` once, or `expand` at run time into items that are collected in parallel."""

    name: str
    doc: str
    after: tuple[str, ...] = ()
    run: Callable[[Context], tasks.Facts] | None = None
    expand: Callable[[Outlook], list[Item]] | None = None
    mapped_over: str = ""
    bucket: str = ""
    share: float = 1.0  # of the run's requests that may be spent when this task ends
    retry: Retry = Retry()
    timeout_s: float = 600.0  # of one attempt: no request is sent after it; local work is not cut short


DAG: tuple[Task, ...] = (
    Task("probe", "see what the source offers this app: endpoints, fields, page limits", run=tasks.probe,
         timeout_s=tasks.PROBE_S),
    Task("plan", "publish what is committed, count what is left of the budget", ("probe",), run=tasks.plan),
    Task("discover", "search pages of each genre, from the kept offset", ("plan",), expand=planner.plan_discovery,
         mapped_over="genre × page range", bucket="search", share=0.4),
    Task("refresh_artists", "numbers of known artists not seen today", ("discover",), expand=planner.plan_artists,
         mapped_over="artists", bucket="artist", share=0.5),
    Task("refresh_releases", "singles and albums of artists: followed ones weekly, then the longest unread",
         ("refresh_artists",), expand=planner.plan_releases, mapped_over="artists", bucket="albums", share=0.8),
    Task("refresh_tracks", "tracks of releases not yet read, newest first", ("refresh_releases",),
         expand=planner.plan_albums, mapped_over="releases", bucket="albums", share=1.0),
    Task("publish", "bring what pages read up to date if blocking checks hold", ("refresh_tracks",), run=tasks.publish),
    Task("check", "look for what is odd in what was published, and warn", ("publish",), run=tasks.check),
    Task("send", "send what is new to the warehouses that are named, and warn of one that fails", ("check",),
         run=tasks.send),
)  # fmt: skip


def heirs(task: Task) -> tuple[Task, ...]:
    """The tasks that come later."""
    names = [each.name for each in DAG]
    return DAG[names.index(task.name) + 1 :]


def dag_rows() -> list[dict[str, Any]]:
    """The graph as one row per task, for programs."""
    return [
        {
            "task": task.name, "doc": task.doc, "after": list(task.after), "mapped_over": task.mapped_over,
            "bucket": task.bucket, "share": task.share, "attempts": task.retry.attempts,
            "first_wait_s": task.retry.first_wait_s, "cap_s": task.retry.cap_s, "timeout_s": task.timeout_s,
        }
        for task in DAG
    ]  # fmt: skip


def render_text() -> str:
    """The graph as lines of text: name, predecessors, what it is mapped over, what it does."""
    width = max(len(task.name) for task in DAG)
    lines = []
    for task in DAG:
        after = f" after {', '.join(task.after)}" if task.after else ""
        mapped = f" [one per {task.mapped_over}]" if task.mapped_over else ""
        lines.append(f"{task.name:<{width}}  {task.doc}{mapped}{after}")
    return "\n".join(lines)


def render_mermaid() -> str:
    """The graph in mermaid's notation, mapped tasks as stacked shapes."""
    nodes = [f"    {task.name}{'[[' if task.expand else '['}{task.name}{']]' if task.expand else ']'}" for task in DAG]
    edges = [f"    {name} --> {task.name}" for task in DAG for name in task.after]
    return "\n".join(["flowchart LR", *nodes, *edges])
