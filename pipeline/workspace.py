"""Where one workspace's files are; the only module that knows the folder layout. Imports `errors` and `settings`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import DiskFull, SettingsError
from pipeline.settings import Settings

__all__ = ["Workspace", "open_workspace"]


@dataclass(frozen=True)
class Workspace:
    """Paths of one workspace: `name` is its folder below the data folder."""

    root: Path

    @property
    def name(self) -> str:
        """Folder name: demo, spotify, simulator or the owner's choice."""
        return self.root.name

    @property
    def raw(self) -> Path:
        """Responses as received."""
        return self.root / "raw"

    @property
    def lake(self) -> Path:
        """Parquet parts: the truth."""
        return self.root / "lake"

    @property
    def db(self) -> Path:
        """Published generations: a cache."""
        return self.root / "db"

    @property
    def ledger(self) -> Path:
        """The operational SQLite file: the commit point."""
        return self.root / "ledger.sqlite"

    @property
    def run_lock(self) -> Path:
        """Held by the one process that runs the pipeline here."""
        return self.root / "run.lock"

    @property
    def simulated(self) -> bool:
        """Whether the data are synthetic: only the demo is for certain."""
        return self.name == "demo"


def open_workspace(settings: Settings) -> Workspace:
    """The workspace of these settings, its folders made; SettingsError when the data folder cannot be written."""
    workspace = Workspace((settings.data / settings.workspace_name).absolute())
    try:
        for folder in (workspace.raw, workspace.lake, workspace.db):
            folder.mkdir(parents=True, exist_ok=True)
        if not os.access(workspace.root, os.W_OK):
            raise PermissionError(13, "Permission denied")
    except OSError as error:
        if error.errno == 28:
            raise DiskFull(
                f"No space left for {workspace.root}. Free some space and start again; nothing was started."
            ) from None
        raise SettingsError(
            f"The data folder {settings.data} cannot be written ({error.strerror}). Make it writable or name another "
            "in GARIMPO_DATA; nothing was started."
        ) from None
    return workspace
