"""A workspace's truth in another folder, and back: the ledger as of one instant, and exactly the files it names.

Safe while the app runs and collects: the ledger is copied in one read, and files it names are never changed. Published
generations are a cache: a restore builds them anew. Imports `files`, `truth`, `ledger`, `lock`, `publish`,
`workspace`.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pipeline.errors import DamagedFile, DiskFull, SchemaMismatch, SettingsError
from pipeline.lake.files import explained, hidden, is_hidden, place_files, remove_files, replace_file, write_hidden
from pipeline.lake.store import require_ledger
from pipeline.lake.truth import fetch_truth, fill_store
from pipeline.published.publish import publish
from pipeline.records.belonging import CLAIMED
from pipeline.records.copying import from_file, into_file, require_unused
from pipeline.records.ledger import LEDGER_VERSION, Ledger
from pipeline.records.lock import bury_dead_runs, hold_run_lock
from pipeline.workspace import LedgerPlace, ServerLedger, Workspace

__all__ = ["Backup", "back_up", "restore"]

FORMAT, VERSION, MANIFEST = "garimpo-backup", 1, "backup.json"
TOGETHER = 200  # files made durable at a time
TRIES = 20  # files may be let go of (purged, compacted) between the copy of the ledger and theirs


@dataclass(frozen=True)
class Backup:
    """What a backup holds; `copied`: files that were not there from an earlier backup in the same folder."""

    workspace: str
    made_at: str
    ledger: str
    ledger_sha256: str
    ledger_version: int
    files: int
    bytes: int
    copied: int = 0


def back_up(workspace: Workspace, target: Path, now: datetime) -> Backup:
    """Copy the ledger and every file it names into `target`, a new folder or that of an earlier backup.

    Until the last moment an earlier backup there stays whole. Raises SettingsError for a folder with something else in
    it, DamagedFile naming a file that is not what was committed or a ledger that was lost, DiskFull.
    """
    _require_own(workspace, target)
    if _is_occupied(workspace):
        with closing(Ledger(workspace.ledger)) as ledger:
            require_ledger(workspace, ledger)
    for attempt in range(1, TRIES + 1):
        aside = target / ".tmp-ledger.sqlite"
        try:
            with explained(target):
                target.mkdir(parents=True, exist_ok=True)
            _copy_ledger(workspace.ledger, aside)
            named = dict(_named_files(aside))
            fetch_truth(workspace, (each for each in named.items() if not (target / each[0]).is_file()))
            copied = _copy_files(workspace.root, target, named)
            made = _described(workspace, target, aside, named, now, copied)
            _place(aside, target / made.ledger)
            replace_file(target / MANIFEST, json.dumps({"format": FORMAT, "version": VERSION, **asdict(made)}).encode())
            break
        except FileNotFoundError as error:  # let go of meanwhile, or lost
            if attempt == TRIES or _is_named(workspace, str(error)):
                raise _damaged(workspace.root / str(error), "is missing, yet the ledger has it") from None
        finally:
            remove_files([aside])
    _remove_others(target, {made.ledger, *named})
    return made


def restore(source: Path, workspace: Workspace, now: Callable[[], datetime], *, force: bool = False) -> Backup:
    """Make a workspace hold what a backup holds, and publish it; what was there is moved aside, not deleted.

    Everything is copied and checked before anything is touched. Raises SettingsError when the workspace holds data and
    `force` was not said, RunInProgress, WriterBusy while the app has it open, DamagedFile naming what is not as backed
    up, DiskFull.
    """
    made = _manifest(source)
    if made is None:
        raise SettingsError(f"{source} is no backup: it has no {MANIFEST}. Nothing was changed.")
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
            numbers = [int(path.stem[-8:]) for path in old.glob("db/garimpo-*.duckdb")]
            ledger.set_meta("generation", str(max([int(ledger.meta("generation") or 0), *numbers])))
            publish(workspace, ledger, force=True)
    return made


def _require_own(workspace: Workspace, target: Path) -> None:
    """Raise SettingsError unless `target` is free, or holds an earlier backup of the same workspace."""
    here, there = workspace.root.resolve(), target.resolve()
    if here == there or here in there.parents or there in here.parents:
        raise SettingsError(f"{target} and {workspace.root} lie within one another. Name a folder of its own.")
    if target.exists() and not target.is_dir():
        raise SettingsError(f"{target} is a file. Name a folder; nothing was copied.")
    found = _manifest(target)
    strange = {path.name for path in target.iterdir() if not is_hidden(path)} if target.exists() else set()
    if found is None and not strange <= {"raw", "lake"}:  # those an interrupted backup leaves
        raise SettingsError(f"{target} is no backup and not empty. Name an empty folder; nothing was copied.")
    if found is not None and found.workspace != workspace.name:
        raise SettingsError(f"{target} is a backup of workspace {found.workspace}, not {workspace.name}.")


def _manifest(folder: Path) -> Backup | None:
    path = folder / MANIFEST
    try:
        said: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        newer = said["version"] > VERSION or said["ledger_version"] > LEDGER_VERSION
        found = Backup(**{name: said[name] for name in Backup.__dataclass_fields__})
        if said["format"] != FORMAT or Path(found.ledger).name != found.ledger:
            raise ValueError(found.ledger)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _damaged(path, f"cannot be read ({type(error).__name__})") from None
    if newer:
        raise SchemaMismatch(
            f"{folder} was written by a newer version of this program. Update it; nothing was changed."
        )
    return found


def _copy_ledger(source: LedgerPlace, target: Path) -> None:
    """The ledger as of one instant, in one file, whoever writes to it meanwhile."""
    if isinstance(source, ServerLedger):
        target.unlink(missing_ok=True)
        return into_file(source, target)
    if not source.exists():
        raise SettingsError(f"There is no {source}: nothing was collected here yet, nothing was copied.")
    try:
        with closing(_read_only(source)) as live, closing(sqlite3.connect(target)) as copy:
            live.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.Error as error:
        if "full" in str(error) or "disk I/O" in str(error) or "unable to open" in str(error):
            raise DiskFull(f"{target} cannot be written ({error}). Free some space and back up again.") from None
        raise _damaged(source, f"cannot be read ({error})") from None


def _read_only(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=30)


def _named_files(ledger: Path) -> Iterator[tuple[str, str]]:
    """Every file a ledger names, in whatever table, with its hash."""
    with closing(_read_only(ledger)) as connection:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            columns = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
            if {"path", "sha256"} <= columns:
                for path, sha256 in connection.execute(f"SELECT path, sha256 FROM {table}"):
                    if not path.startswith(("raw/", "lake/")) or ".." in path:
                        raise _damaged(ledger, f"names a file outside of the workspace ({path[:60]!r})")
                    yield path, sha256


def _is_named(workspace: Workspace, name: str) -> bool:
    """Whether the ledger, by now, names a file."""
    with closing(Ledger(workspace.ledger)) as ledger:
        query = "SELECT 1 FROM parts WHERE path = ? UNION ALL SELECT 1 FROM raw_files WHERE path = ?"
        return bool(ledger.read(query, (name, name)))


def _copy_files(root: Path, target: Path, named: dict[str, str]) -> int:
    """Copy what is not there yet, checked against its hash; how many. Raises FileNotFoundError with a name."""
    missing = [(name, sha256) for name, sha256 in named.items() if _sha256(target / name) != sha256]
    for start in range(0, len(missing), TOGETHER):
        group = [target / name for name, _ in missing[start : start + TOGETHER]]
        try:
            for path, (name, sha256) in zip(group, missing[start : start + TOGETHER], strict=True):
                write_hidden(path, _checked(root / name, name, sha256))
            place_files(group)
        except BaseException:
            remove_files(group)
            raise
    return len(missing)


def _checked(path: Path, name: str, sha256: str) -> bytes:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise FileNotFoundError(name) from None
    except OSError as error:
        raise _damaged(path, f"cannot be read ({error.strerror})") from None
    if hashlib.sha256(content).hexdigest() != sha256:
        raise _damaged(path, "is not what was committed: its hash differs")
    return content


def _described(
    workspace: Workspace, target: Path, ledger: Path, named: dict[str, str], now: datetime, copied: int
) -> Backup:
    digest, stamp = _sha256(ledger), now.strftime("%Y-%m-%dT%H:%M:%SZ")
    size = sum((target / name).stat().st_size for name in named)
    return Backup(
        workspace.name, stamp, f"ledger-{digest[:12]}.sqlite", digest, LEDGER_VERSION, len(named), size, copied
    )


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
        with closing(_read_only(workspace.ledger_file)) as connection:
            return bool(connection.execute("SELECT 1 FROM runs LIMIT 1").fetchone())
    except sqlite3.Error:  # none, or damaged and without a file it could name
        return False


def _fetch(source: Path, fresh: Path, made: Backup) -> None:
    """Copy a backup's files, each checked, beside the workspace's own."""
    try:
        content = _checked(source / made.ledger, made.ledger, made.ledger_sha256)
        write_hidden(fresh / "ledger.sqlite", content)
        place_files([fresh / "ledger.sqlite"])
        _copy_files(source, fresh, dict(_named_files(fresh / "ledger.sqlite")))
    except FileNotFoundError as error:
        raise _damaged(source / str(error), "is missing") from None


def _swap(workspace: Workspace, fresh: Path, now: datetime) -> Path:
    """Put the fresh files where the old ones were; where those are now. The ledger goes first and comes last."""
    old = workspace.root / f"replaced-{now:%Y%m%dT%H%M%S}"
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


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def _damaged(path: Path, what: str) -> DamagedFile:
    mend = "`python -m pipeline recover` mends a workspace, `backup` into the same folder a backup"
    return DamagedFile(f"{path} {what}. Nothing was changed; {mend}.")
