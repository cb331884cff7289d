"""Workers of other systems beside threads: what handing over a batch costs, and the wall time at the same rate.

Each system is set up by tests/integrations/run.sh in an environment of its own; one that cannot be had is named.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.figures import Figure, load, say

__all__ = ["measure_elsewhere", "tried"]

ROOT = Path(__file__).resolve().parents[2]
MOST_MS = {"dask": 10.0, "ray": 5.0, "spark": None, "lambda": 5.0, "gcf": 5.0}
RATE, QUICK_RATE = 30, 100  # a second
NEAR = 1.05
TIMEOUT_S = 900


def measure_elsewhere(*, quick: bool = False) -> Iterator[Figure]:
    """Overhead of a batch, pace against threads and refusals, system by system."""
    for name, most_ms in MOST_MS.items():
        say(f"elsewhere: {name} …")
        told, last = tried(name, QUICK_RATE if quick else RATE)
        if not told:
            yield Figure(f"{name}: nothing measured", "not run", "", None, last)
            continue
        ms = told.get("runtime_ms", told["overhead_ms"])  # of Lambda's runtime, without boto3's share in the driver
        met = None if most_ms is None else ms <= most_ms
        note = f"{told['overhead_ms']} ms with boto3; {load()}" if "runtime_ms" in told else load()
        yield Figure(f"{name}: overhead of a batch", f"{ms} ms", f"≤ {most_ms:.0f} ms" if most_ms else "", met, note)
        if "pace" in told:
            note = f"{told['there_s']} s, threads {told['here_s']} s; load {told['load']}"
            what = f"{name}: wall time ÷ that of threads, 2,000 requests at {told['rate']}/s, 100 ms"
            yield Figure(what, f"{told['pace']}", f"≤ {NEAR}", told["pace"] <= NEAR, note)
            most = f"most in any 30 s: {told['most_in_30_s']} of {told['rate'] * 30}"
            yield Figure(f"{name}: 429s", str(told["refused"]), "0", told["refused"] == 0, most)


def tried(name: str, rate: int) -> tuple[dict[str, float], str]:
    """What a system's tests told when asked to measure, `rate` being how much, and the last line that was said."""
    environment = os.environ | {"MEASURE": str(rate), "LIMIT_S": str(TIMEOUT_S)}
    command = ["bash", str(ROOT / "tests/integrations/run.sh"), name]
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=False).stdout.splitlines()
    told: dict[str, float] = {}
    for line in said:
        if line.startswith("FIGURES "):
            told |= json.loads(line.removeprefix("FIGURES "))
    return told, said[-1] if said else "nothing was said"
