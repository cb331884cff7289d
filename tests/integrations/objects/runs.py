"""Runs with a store, by the program or by its command line, and what they leave."""

from __future__ import annotations

from pathlib import Path

from pipeline.records.ledger import Ledger
from pipeline.runs.progress import RunResult
from pipeline.settings import Settings
from pipeline.workspace import Workspace, open_workspace
from tests.integrations import far

__all__ = ["collect", "ledger_of", "variables", "workspace"]


def collect(simulated: far.World, data: Path, store: str, **changes: object) -> RunResult:
    """One run with a store, or without."""
    return far.collect(simulated, data, "threads", store=store, **changes)


def workspace(data: Path, store: str = "") -> Workspace:
    """The workspace of such a run."""
    return open_workspace(Settings(data=data, workspace="simulator", store=store))


def ledger_of(data: Path) -> Ledger:
    """Its ledger."""
    return Ledger(data / "simulator" / "ledger.sqlite")


def variables(simulated: far.World, data: Path, store: str) -> dict[str, str]:
    """What the command line finds in its environment."""
    return far.credentials(simulated) | {"GARIMPO_DATA": str(data), "GARIMPO_STORE": store}
