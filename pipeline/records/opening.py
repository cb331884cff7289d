"""The workspace that settings name and its ledger, open for as long as a block takes. Imports `clock`, `ledger`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

from pipeline.clock import workspace_clock
from pipeline.records.ledger import Ledger
from pipeline.settings import Settings
from pipeline.workspace import Workspace, open_workspace

__all__ = ["opened_ledger"]


@contextmanager
def opened_ledger(settings: Settings, *, to_read: bool = False) -> Iterator[tuple[Workspace, Ledger]]:
    """Both, by the workspace's clock; `to_read` and what is raised: see `open_workspace`."""
    workspace = open_workspace(settings, to_read=to_read)
    with closing(Ledger(workspace.ledger, workspace_clock(settings))) as ledger:
        yield workspace, ledger
