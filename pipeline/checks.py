"""Data-quality checks as data: a name, a promise, and a query that counts what breaks it. Imports `publish`."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.generations import Generation
from pipeline.schema import PUBLISHED

__all__ = ["CHECKS", "Check", "CheckResult", "run_checks"]


@dataclass(frozen=True)
class Check:
    """One promise about the published tables; `query` gives the number of rows that break it."""

    name: str
    promise: str
    query: str


@dataclass(frozen=True)
class CheckResult:
    """How many rows break the promise: 0 is good."""

    name: str
    violations: int


def _unique(table: str, key: tuple[str, ...]) -> Check:
    columns = ", ".join(key)
    query = f"SELECT count(*) - count(DISTINCT ({columns})) FROM {table}"
    return Check(f"{table}_unique", f"one row per {columns} in {table}", query)


CHECKS: tuple[Check, ...] = (
    *(_unique(table.name, table.key) for table in PUBLISHED.values()),
    Check("snapshots_have_artists", "every snapshot belongs to an artist",
          "SELECT count(*) FROM artist_snapshots ANTI JOIN artists USING (artist_id)"),
    Check("credits_have_releases", "every release credit belongs to a release",
          "SELECT count(*) FROM release_artists ANTI JOIN releases USING (album_id)"),
    Check("credits_have_tracks", "every track credit belongs to a track",
          "SELECT count(*) FROM track_artists ANTI JOIN tracks USING (track_id)"),
    Check("popularity_in_range", "popularity is between 0 and 100",
          "SELECT count(*) FROM artist_snapshots WHERE popularity NOT BETWEEN 0 AND 100 OR followers < 0"),
)  # fmt: skip


def run_checks(generation: Generation) -> list[CheckResult]:
    """Every check, in order."""
    return [CheckResult(check.name, int(generation.rows(check.query)[0][0])) for check in CHECKS]
