"""Where one workspace's files are; the only module that knows the folder layout. Imports `errors` and `settings`.

Its ledger is one of them, unless the settings name a database that several machines share.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from pipeline.errors import DiskFull, SettingsError
from pipeline.settings import Settings

__all__ = ["LedgerPlace", "ServerLedger", "Workspace", "open_workspace"]


@dataclass(frozen=True)
class ServerLedger:
    """A ledger in a PostgreSQL database: its address, which may hold a password, and the workspace's schema there."""

    address: str = field(repr=False)
    schema: str

    def __str__(self) -> str:
        """The place as people may read it."""
        parts = urlsplit(self.address)
        port = f":{parts.port}" if parts.port else ""
        return f"schema {self.schema} of postgresql://{parts.hostname or ''}{port}{parts.path}"


LedgerPlace = Path | ServerLedger


@dataclass(frozen=True)
class Workspace:
    """Paths of one workspace: `name` is its folder below the data folder."""

    root: Path
    server: str = field(default="", repr=False)  # the address of a database, where the ledger is in one

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
    def sent(self) -> Path:
        """Hashes of the rows that warehouses have, with their keys: a cache."""
        return self.db / "sent"

    @property
    def ledger(self) -> LedgerPlace:
        """The commit point: the operational SQLite file, or what is in its place."""
        return ServerLedger(self.server, f"garimpo_{self.name}") if self.server else self.ledger_file

    @property
    def ledger_file(self) -> Path:
        """The operational SQLite file, where there is one."""
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
    root = (settings.data / settings.workspace_name).absolute()
    workspace = Workspace(root, settings.ledger.get_secret_value())
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
