"""Measures, and compares with goals: `python -m tests.benchmarks [NAME …] [--quick]`; see docs/benchmarks.md."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime

from tests.benchmarks.beside import measure_beside
from tests.benchmarks.bound import measure_bound
from tests.benchmarks.elsewhere import measure_elsewhere
from tests.benchmarks.engine import measure_engine
from tests.benchmarks.figures import Figure, load, machine, say, table
from tests.benchmarks.formats import measure_formats
from tests.benchmarks.ledger import measure_ledger
from tests.benchmarks.memory import measure_memory
from tests.benchmarks.minimum import measure_minimum
from tests.benchmarks.pace import measure_pace
from tests.benchmarks.runs import measure_runs
from tests.benchmarks.store import measure_store
from tests.benchmarks.warehouses import measure_warehouses

BENCHMARKS: dict[str, Callable[..., Iterator[Figure]]] = {
    "pace": measure_pace,
    "minimum": measure_minimum,
    "ledger": measure_ledger,
    "memory": measure_memory,
    "beside": measure_beside,
    "runs": measure_runs,
    "engine": measure_engine,
    "elsewhere": measure_elsewhere,
    "warehouses": measure_warehouses,
    "formats": measure_formats,
    "bound": measure_bound,
    "keeping": measure_store,
}
GROUPS = {
    "collector": ("pace", "minimum", "ledger", "memory", "beside"),
    "orchestration": ("runs", "engine"),
    "beyond": ("elsewhere", "warehouses"),
    "store": ("formats", "bound", "keeping"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the named benchmarks, or all; 0 when every goal was met."""
    names = [*GROUPS, *BENCHMARKS]
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description="Measure, and compare with goals.")
    parser.add_argument("benchmarks", nargs="*", metavar="NAME", help=f"some of: {', '.join(names)}; none means all")
    parser.add_argument("--quick", action="store_true", help="smaller amounts: a look, not a measurement")
    asked = parser.parse_args(arguments)
    if unknown := [name for name in asked.benchmarks if name not in names]:
        parser.error(f"no such benchmark: {', '.join(unknown)} (there are {', '.join(names)})")
    logging.disable(logging.INFO)
    say(f"{machine()}; {datetime.now(UTC):%Y-%m-%d %H:%M} UTC; {load()}")
    chosen = dict.fromkeys(each for name in asked.benchmarks or GROUPS for each in GROUPS.get(name, (name,)))
    figures = []
    for name in chosen:
        for figure in BENCHMARKS[name](quick=asked.quick):
            say(f"  {figure.what}: {figure.value} (goal {figure.goal or 'none'}) {figure.verdict} {figure.note}")
            figures.append(figure)
    say(f"\n{table(figures)}")
    return 1 if any(figure.met is False for figure in figures) else 0


if __name__ == "__main__":
    sys.exit(main())
