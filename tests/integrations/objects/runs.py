"""Runs with a store, by the program or by its command line, and what they leave."""

from __future__ import annotations

import os
from pathlib import Path

from pipeline.records.ledger import Ledger
from pipeline.runs.progress import RunResult
from pipeline.settings import Settings
from pipeline.workspace import Workspace, open_workspace
from tests.commands import command
from tests.integrations import far

__all__ = ["collect", "ledger_of", "program", "workspace"]


def collect(simulated: far.World, data: Path, store: str, **changes: object) -> RunResult:
    """One run with a store, or without."""
    return far.collect(simulated, data, "threads", store=store, **changes)


def workspace(data: Path, store: str = "") -> Workspace:
    """The workspace of such a run."""
    return open_workspace(Settings(data=data, workspace="simulator", store=store))


def ledger_of(data: Path) -> Ledger:
    """Its ledger."""
    return Ledger(data / "simulator" / "ledger.sqlite")


def program(simulated: far.World, data: Path, store: str, *arguments: str) -> tuple[int, str, str]:
    """The command line, as somebody would type it."""
    own = {
        "GARIMPO_DATA": str(data), "GARIMPO_STORE": store, "GARIMPO_API_URL": simulated.api_url,
        "GARIMPO_TOKEN_URL": simulated.token_url, "SPOTIPY_CLIENT_ID": "garimpo", "SPOTIPY_CLIENT_SECRET": far.SECRET,
    }  # fmt: skip
    return command(os.environ | own, data, *arguments)
