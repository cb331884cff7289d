"""Where one workspace's files are; the only module that knows the folder layout.

Its ledger is one of them, unless the settings name a database that several machines share; an object store, where one
is set, is opened here. Nothing else asks the settings for either. Of a folder that can only be read the ledger is read
in a copy. Imports `errors`, `settings` and `ledger_copy`.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from pipeline.errors import DiskFull, SettingsError
from pipeline.ledger_copy import ledger_copy
from pipeline.settings import Settings

__all__ = ["DEMO", "LedgerPlace", "ObjectStore", "ServerLedger", "Workspace", "first_step", "open_workspace"]

DEMO = "demo"  # the workspace of made-up artists


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


class ObjectStore(Protocol):
    """Files by name, kept elsewhere. Each method raises StorageError, or SettingsError where it is let in nowhere."""

    @property
    def address(self) -> str:
        """What it is called in messages and in the ledger; no credentials."""
        ...

    def put_new(self, name: str, content: bytes, written_ns: int = 0) -> bool:
        """Whether the file was put; False when there is one of that name, which stays as it is."""
        ...

    def get(self, name: str) -> tuple[bytes, int] | None:
        """Content, and the instant it was written first (0: not told); None when there is none."""
        ...

    def names(self) -> dict[str, int]:
        """Every name with its size in bytes."""
        ...

    def remove(self, names: Sequence[str]) -> None:
        """Files of these names are gone, those that were not there too."""
        ...


@dataclass(frozen=True)
class Workspace:
    """Paths of one workspace: `name` is its folder below the data folder.

    With a store, raw files and parts below `root` are copies of what that holds, and may be missing. Where nothing is
    to be written (`read_only`), ledger and run lock are those of a copy that ends with this process.
    """

    root: Path
    server: str = field(default="", repr=False)  # the address of a database, where the ledger is in one
    store: ObjectStore | None = field(default=None, compare=False)
    read_only: bool = False

    @property
    def name(self) -> str:
        """Folder name: demo, spotify, simulator or the owner's choice."""
        return self.root.name

    @property
    def ground(self) -> Path:
        """The root, or the folder above it in which it would be made: its disk is ours."""
        return _nearest(self.root)

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
        """The operational SQLite file, where there is one; with `read_only` the copy of it."""
        return ledger_copy(self.root) / "ledger.sqlite" if self.read_only else self.ledger_kept

    @property
    def ledger_kept(self) -> Path:
        """The operational SQLite file itself, whether or not a copy is read in its place."""
        return self.root / "ledger.sqlite"

    @property
    def run_lock(self) -> Path:
        """Held by the one process that runs the pipeline here."""
        return self.ledger_file.with_name("run.lock")

    @property
    def simulated(self) -> bool:
        """Whether the data are synthetic: only the demo is for certain."""
        return self.name == DEMO


def open_workspace(settings: Settings, *, to_read: bool = False) -> Workspace:
    """The workspace of these settings, its folders made; SettingsError when the data folder cannot be written.

    The same where the package of an object store is missing; whether that lets us in shows when it is asked. `to_read`:
    no folder is made; one that cannot be written, or that has no ledger yet, stays as it is: `read_only`.
    """
    root = (settings.data / settings.workspace_name).absolute()
    store = _open_store(settings.store, settings.workspace_name) if settings.store else None
    workspace = Workspace(root, settings.ledger.get_secret_value(), store)
    if to_read and (root.is_dir() or _is_nowhere(root)):
        is_used = os.access(root, os.W_OK) and (workspace.server or workspace.ledger_file.is_file())
        return workspace if is_used else replace(workspace, read_only=True)
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
        if not (in_the_way := _nearest(folder)).is_dir() and root.parent in in_the_way.parents:
            raise SettingsError(
                f"{in_the_way} is a file where a folder belongs. Move it away and start again; nothing was started."
            ) from None
        raise SettingsError(
            f"The data folder {settings.data} cannot be written ({error.strerror}). Make it writable or name another "
            "in GARIMPO_DATA; nothing was started."
        ) from None
    return workspace


def first_step(name: str) -> str:
    """What makes the first run in the workspace of that name: nothing but the app collects into the demo."""
    return "open the app, which fills the demo" if name == DEMO else "`python -m pipeline run`"


def _is_nowhere(root: Path) -> bool:
    """Whether nothing is there, and nothing in the way of a folder."""
    return not os.path.lexists(root) and _nearest(root).is_dir()


def _nearest(path: Path) -> Path:
    return next(each for each in (path, *path.parents) if each.exists())


@cache
def _open_store(address: str, name: str) -> ObjectStore:
    opened: ObjectStore = importlib.import_module("pipeline.integrations.object_store").open_store(address, name)
    return opened
