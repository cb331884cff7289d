"""A million snapshots to warehouses: first, every row again, nothing new; beside the system's own way to load a file.

Each server is set up by tests/integrations/run.sh; one that cannot be had is named.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.benchmarks.elsewhere import tried
from tests.benchmarks.figures import Figure, say

__all__ = ["measure_warehouses"]

# Seconds for a million snapshots: first, again.
MOST_S = {"postgres": (5.0, 8.0), "mariadb": (20.0, None)}
NONE_S = 1.0


def measure_warehouses(*, quick: bool = False) -> Iterator[Figure]:
    """Seconds by system; `quick` takes fewer rows and compares with no goal."""
    for name, (first_s, again_s) in MOST_S.items():
        say(f"warehouses: {name} …")
        told, last = tried(name, 10 if quick else 100)
        if not told:
            yield Figure(f"{name}: nothing measured", "not run", "", None, last)
            continue
        note = f"its own way to load a file {told['beside_s']} s; load {told['load']:.0f}"
        yield _figure(
            f"{name}: {told['rows']:,.0f} snapshots, first", told["first_s"], None if quick else first_s, note
        )
        yield _figure(f"{name}: every row again", told["again_s"], None if quick else again_s, note)
        yield _figure(
            f"{name}: no news", told["none_s"], None if quick else NONE_S, "every table but snapshots is counted"
        )
        yield _figure(f"{name}: all tables, first", told["all_s"], None, f"again {told['full_s']} s")


def _figure(what: str, took_s: float, most_s: float | None, note: str) -> Figure:
    goal, met = (f"≤ {most_s:.0f} s", took_s <= most_s) if most_s else ("", None)
    return Figure(what, f"{took_s} s", goal, met, note)
