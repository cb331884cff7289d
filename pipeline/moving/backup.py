"""A workspace's truth in another folder, and back: the ledger as of one instant, and exactly the files it names.

Safe while the app runs and collects: the ledger is copied in one read, and files it names are never changed. Published
generations are a cache: a restore builds them anew. Imports `backup_files`, `files`, `truth`, `ledger`, `lock`,
`publish`, `workspace`, `store`, `belonging`, `copying`, `places`, `sqlite_file`.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict
from datetime import datetime
from itertools import chain, count
from pathlib import Path

from pipeline.errors import DiskFull, SettingsError
from pipeline.lake.files import explained, hidden, is_hidden, place_files, remove_files, replace_file, write_hidden
from pipeline.lake.store import count_on, require_ledger
from pipeline.lake.truth import fetch_truth, fill_store
from pipeline.moving.backup_files import (
    FORMAT,
    MANIFEST,
    STAMP,
    VERSION,
    Backup,
    copy_files,
    damaged,
    find_backup,
    hash_of,
    knows_one_of,
    ledger_name,
    named_files,
    read_checked,
    runs_of,
)
from pipeline.published.publish import publish
from pipeline.records.belonging import CLAIMED
from pipeline.records.copying import from_file, into_file, require_unused
from pipeline.records.ledger import Ledger
from pipeline.records.lock import bury_dead_runs, hold_run_lock
from pipeline.records.places import LEDGER_VERSION
from pipeline.records.sqlite_file import DAMAGES, read_only
from pipeline.workspace import DEMO, LedgerPlace, ServerLedger, Workspace

__all__ = ["Backup", "back_up", "restore"]

TRIES = 20  # files may be let go of (purged, compacted) between the copy of the ledger and theirs


def back_up(workspace: Workspace, target: Path, now: datetime) -> Backup:
    """Copy the ledger and every file it names into `target`, a new folder or that of an earlier backup.

    Until the last moment an earlier backup there stays whole. Raises SettingsError for a folder with something else in
    it, another workspace's backup too, DamagedFile naming a file that is not what was committed or a ledger that was
    lost, DiskFull.
    """
    _require_own(workspace, target)
    if _is_occupied(workspace):
        with closing(Ledger(workspace.ledger)) as ledger:
            require_ledger(workspace, ledger)
    elif isinstance(workspace.ledger, Path) and not workspace.ledger.exists():
        raise SettingsError(f"There is no ledger in {workspace.root}: nothing was collected yet, nothing was copied.")
    for attempt in range(1, TRIES + 1):
        aside = target / ".tmp-ledger.sqlite"
        try:
            with explained(target):
                target.mkdir(parents=True, exist_ok=True)
            _copy_ledger(workspace.ledger, aside)
            _require_same(workspace, aside, target)
            named = dict(named_files(aside))
            fetch_truth(workspace, (each for each in named.items() if not (target / each[0]).is_file()))
            copied = copy_files(workspace.root, target, named)
            made = _described(workspace, target, aside, named, now, copied)
            _place(aside, target / made.ledger)
            replace_file(target / MANIFEST, json.dumps({"format": FORMAT, "version": VERSION, **asdict(made)}).encode())
            break
        except FileNotFoundError as error:  # let go of meanwhile, or lost
            if attempt == TRIES or _is_named(workspace, str(error)):
                raise damaged(workspace.root / str(error), "is missing, yet the ledger has it") from None
        finally:
            remove_files([aside])
    _remove_others(target, {made.ledger, *named})
    return made


def restore(
    source: Path, workspace: Workspace, now: Callable[[], datetime], *, force: bool = False
) -> tuple[Backup, Path | None]:
    """Make a workspace hold what a backup holds, and publish it; also the folder to which what was there was moved.

    Everything is copied and checked before anything is touched. Raises SettingsError when the workspace holds data and
    `force` was not said, or when one of the two is the demo's and the other is not, RunInProgress, WriterBusy while the
    app has it open, DamagedFile naming what is not as backed up, DiskFull.
    """
    made = find_backup(source, workspace.name)
    if made is None:
        raise SettingsError(f"{source} is no backup: it has no {MANIFEST}. Nothing was changed.")
    if made.workspace != workspace.name and DEMO in {made.workspace, workspace.name}:
        told = f"{source} is a backup of workspace {made.workspace}, and this is {workspace.name}"
        raise SettingsError(f"{told}: synthetic and real artists are never put in one place. Nothing was changed.")
    with hold_run_lock(workspace, "restore", "restore", now()):
        occupied = _is_occupied(workspace)
        if occupied and not force:
            raise SettingsError(f"{workspace.root} holds data. Use --force to move them aside; nothing was changed.")
        require_unused(workspace)
        fresh = workspace.root / "restoring"
        try:
            shutil.rmtree(fresh, ignore_errors=True)
            _fetch(source, fresh, made)
            if workspace.store is not None:
                with closing(Ledger(fresh / "ledger.sqlite", now)) as ledger:
                    fill_store(Workspace(fresh, store=workspace.store), ledger)
            old = _swap(workspace, fresh, now())
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
        if not occupied:
            shutil.rmtree(old, ignore_errors=True)
        with closing(Ledger(workspace.ledger, now)) as ledger:
            bury_dead_runs(ledger)
            if workspace.store is None and ledger.meta(CLAIMED):
                ledger.set_meta(CLAIMED, "")  # everything is here now
            count_on(ledger, old / workspace.db.name)
            _publish(workspace, ledger)
    return made, old if occupied else None


def _publish(workspace: Workspace, ledger: Ledger) -> None:
    """Publish what was put in place; DiskFull where there is no room for it, which another restore would not mend."""
    try:
        publish(workspace, ledger, force=True)
    except DiskFull as error:
        raise DiskFull(
            f"{workspace.root} holds the backup, but there is no room to publish it. Free some space and run "
            "`python -m pipeline rebuild`, not the restore again."
        ) from error


def _require_own(workspace: Workspace, target: Path) -> None:
    """Raise SettingsError unless `target` is free, or holds an earlier backup of the same workspace."""
    here, there = workspace.root.resolve(), target.resolve()
    if here == there or here in there.parents or there in here.parents:
        raise SettingsError(f"{target} and {workspace.root} lie within one another. Name another; nothing was copied.")
    if target.exists() and not target.is_dir():
        raise SettingsError(f"{target} is a file. Name a folder; nothing was copied.")
    found = find_backup(target, workspace.name)
    strange = {path.name for path in target.iterdir() if not is_hidden(path)} if target.exists() else set()
    if found is None and not strange <= {"raw", "lake"}:  # those an interrupted backup leaves
        raise SettingsError(f"{target} is no backup and not empty. Name an empty folder; nothing was copied.")
    if found is not None and found.workspace != workspace.name:
        other = f"{target} is a backup of workspace {found.workspace}, not {workspace.name}"
        raise SettingsError(f"{other}. Name another folder; nothing was copied.")


def _require_same(workspace: Workspace, ledger: Path, target: Path) -> None:
    """Raise SettingsError where an earlier backup has runs of which the ledger knows none, nor took one back.

    Workspaces have names in common: that of another machine has, and one begun anew after its disk was lost.
    """
    found = find_backup(target, workspace.name)
    if found and (before := runs_of(target / found.ledger)) and not knows_one_of(before, ledger):
        raise SettingsError(
            f"{target} is a backup with {len(before):,} runs, of which {workspace.root} knows none: another workspace "
            "of this name made it, or this one before it was lost or purged. Name another folder, or bring that back "
            "with `python -m pipeline restore`. Nothing was copied."
        )


def _copy_ledger(source: LedgerPlace, target: Path) -> None:
    """The ledger as of one instant, in one file, whoever writes to it meanwhile."""
    if isinstance(source, ServerLedger):
        target.unlink(missing_ok=True)
        return into_file(source, target)
    try:
        with closing(read_only(source)) as live, closing(sqlite3.connect(target)) as copy:
            live.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")
    except DAMAGES as error:
        if "full" in str(error) or "disk I/O" in str(error) or "unable to open" in str(error):
            raise DiskFull(f"{target} cannot be written ({error}). Free some space and back up again.") from None
        raise damaged(source, f"cannot be read ({error})") from None


def _is_named(workspace: Workspace, name: str) -> bool:
    """Whether the ledger, by now, names a file."""
    with closing(Ledger(workspace.ledger)) as ledger:
        query = "SELECT 1 FROM parts WHERE path = ? UNION ALL SELECT 1 FROM raw_files WHERE path = ?"
        return bool(ledger.read(query, (name, name)))


def _described(
    workspace: Workspace, target: Path, ledger: Path, named: dict[str, str], now: datetime, copied: int
) -> Backup:
    digest, stamp = hash_of(ledger), now.strftime(STAMP)
    size = sum((target / name).stat().st_size for name in named)
    return Backup(workspace.name, stamp, ledger_name(digest), digest, LEDGER_VERSION, len(named), size, copied)


def _place(aside: Path, path: Path) -> None:
    aside.replace(hidden(path))
    place_files([path])


def _remove_others(target: Path, kept: set[str]) -> None:
    """Let go of what earlier backups held and this one does not: what was purged must not live on here."""
    ours = [*target.glob("ledger-*.sqlite"), *target.glob("raw/**/*"), *target.glob("lake/**/*")]
    for path in [each for each in ours if each.is_file()]:
        if path.relative_to(target).as_posix() not in kept:
            remove_files([path])


def _is_occupied(workspace: Workspace) -> bool:
    if any(path.is_file() for root in (workspace.raw, workspace.lake) for path in root.rglob("*")):
        return True
    if isinstance(workspace.ledger, ServerLedger):
        with closing(Ledger(workspace.ledger)) as ledger:
            return bool(ledger.read("SELECT 1 FROM runs LIMIT 1"))
    try:
        with closing(read_only(workspace.ledger_file)) as connection:
            return bool(connection.execute("SELECT 1 FROM runs LIMIT 1").fetchone())
    except DAMAGES:  # none, or damaged and without a file it could name
        return False


def _fetch(source: Path, fresh: Path, made: Backup) -> None:
    """Copy a backup's files, each checked, beside the workspace's own."""
    try:
        content = read_checked(source / made.ledger, made.ledger, made.ledger_sha256)
        write_hidden(fresh / "ledger.sqlite", content)
        place_files([fresh / "ledger.sqlite"])
        copy_files(source, fresh, dict(named_files(fresh / "ledger.sqlite")))
    except FileNotFoundError as error:
        raise damaged(source / str(error), "is missing") from None


def _swap(workspace: Workspace, fresh: Path, now: datetime) -> Path:
    """Put the fresh files where the old ones were; where those are now. The ledger goes first and comes last."""
    name = f"replaced-{now:%Y%m%dT%H%M%S}"
    names = chain([name], (f"{name}-{more}" for more in count(2)))  # several restores within one second
    old = next(path for each in names if not (path := workspace.root / each).exists())
    with explained(workspace.root):
        old.mkdir()
        ledger = workspace.ledger_file
        if isinstance(workspace.ledger, ServerLedger):
            into_file(workspace.ledger, old / ledger.name)
        for path in (*ledger.parent.glob(f"{ledger.name}*"), workspace.raw, workspace.lake, workspace.db):
            if path.exists():
                path.replace(old / path.name)
        for path in (workspace.raw, workspace.lake, ledger):
            if (fresh / path.name).exists():
                (fresh / path.name).replace(path)
        if isinstance(workspace.ledger, ServerLedger):
            from_file(ledger, workspace.ledger)
        for folder in (workspace.raw, workspace.lake, workspace.db):
            folder.mkdir(exist_ok=True)
    return old
