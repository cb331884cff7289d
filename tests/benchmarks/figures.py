"""What a benchmark says: a figure beside its goal, and on which machine, at which load, it was measured."""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Figure", "load", "machine", "say", "table", "timed"]


@dataclass(frozen=True)
class Figure:
    """One measured value; `met` is None where there is no goal, or where it could not be measured."""

    what: str
    value: str
    goal: str = ""
    met: bool | None = None
    note: str = ""

    @property
    def verdict(self) -> str:
        """The word of the last column."""
        if self.met is None:
            return ""
        return "met" if self.met else "MISSED"


def say(text: str = "") -> None:
    """Print a line at once: some benchmarks take minutes."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def table(figures: Sequence[Figure]) -> str:
    """The figures as a Markdown table."""
    rows = [f"| {f.what} | {f.value} | {f.goal} | {f.verdict} | {f.note} |" for f in figures]
    return "\n".join(["| what | figure | goal | | beside it |", "| --- | --- | --- | --- | --- |", *rows])


def timed(done: Callable[[], object]) -> tuple[float, float]:
    """Seconds that something takes, of the clock and of the processor."""
    wall, cpu = time.perf_counter(), time.process_time()
    done()
    return time.perf_counter() - wall, time.process_time() - cpu


def machine() -> str:
    """Processor, cores, system and Python, in a line."""
    return (
        f"{_processor()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}, "
        f"{platform.python_implementation()} {platform.python_version()}"
    )


def load() -> str:
    """Processes that wanted a core in the last minute; more than there are cores: others disturb the figures."""
    return f"load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "load unknown"


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    names = path.read_text(encoding="utf-8").split("model name") if path.is_file() else []
    return names[1].splitlines()[0].strip("\t: ") if len(names) > 1 else platform.processor() or platform.machine()
