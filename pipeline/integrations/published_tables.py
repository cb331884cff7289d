"""What is published, for systems that show tables as assets: the rows of each, and what the checks last found.

Imports `checks`, `generations` and what opens a workspace.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from pipeline.integrations.steps import settings_of
from pipeline.published.checks import CHECKS, Check, latest_results
from pipeline.published.generations import open_generation
from pipeline.records.opening import opened_ledger
from pipeline.schema import PUBLISHED, VIEWS
from pipeline.workspace import open_workspace

__all__ = ["check_results", "checked_table", "table_rows"]

_SHOWN = {stored: name for name, stored in VIEWS.items()}


def checked_table(check: Check) -> str:
    """The table whose page a check belongs on: the one it is named after or reads first; `artists` for all of them."""
    named = [name for name in PUBLISHED if check.name.startswith(f"{name}_")]
    read: list[str] = [_SHOWN.get(name, name) for name in re.findall(r"\b(?:FROM|JOIN)\s+(\w+)", check.query)]
    return next(name for name in [*named, *read, "artists"] if name in PUBLISHED)


def table_rows(folder: Path = Path()) -> dict[str, dict[str, int]]:
    """Rows, and the generation they are in, of each published table; raises StorageError while there is none."""
    generation = open_generation(open_workspace(settings_of(folder)))
    counted = ", ".join(f"(SELECT count(*) FROM {name})" for name in PUBLISHED)
    rows = generation.rows(f"SELECT {counted}")[0]
    return {name: {"rows": count, "generation": generation.number} for name, count in zip(PUBLISHED, rows, strict=True)}


def check_results(folder: Path = Path()) -> dict[str, dict[str, Any]]:
    """What each check last found, by its name: violations, details, severity, generation, promise, at (UTC).

    One that was never made has -1 violations.
    """
    never = {check.name: {"violations": -1, "severity": check.severity, "promise": check.promise} for check in CHECKS}
    with opened_ledger(settings_of(folder)) as (_, ledger):
        return never | {row["name"]: row for row in latest_results(ledger)}
