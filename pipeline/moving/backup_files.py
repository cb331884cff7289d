"""What a backup consists of: a manifest, a copy of a ledger, and the files it names, each checked against its hash.

Imports `files`, `belonging`, `places`, `sqlite_file`, `workspace`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipeline.errors import DamagedFile, GarimpoError, SchemaMismatch
from pipeline.lake.files import place_files, remove_files, sha256_of, write_hidden
from pipeline.records.belonging import taken_back
from pipeline.records.places import LEDGER_VERSION
from pipeline.records.sqlite_file import DAMAGES, read_only
from pipeline.workspace import DEMO

__all__ = [
    "FORMAT",
    "MANIFEST",
    "STAMP",
    "VERSION",
    "Backup",
    "copy_files",
    "damaged",
    "find_backup",
    "hash_of",
    "knows_one_of",
    "ledger_name",
    "named_files",
    "read_checked",
    "runs_of",
]

FORMAT, VERSION, MANIFEST = "garimpo-backup", 1, "backup.json"
STAMP = "%Y-%m-%dT%H:%M:%SZ"
TOGETHER = 200  # files made durable at a time


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


def ledger_name(sha256: str) -> str:
    """What a backup's ledger is called: its name says whether it is whole, should the manifest be damaged."""
    return f"ledger-{sha256[:12]}.sqlite"


def find_backup(folder: Path, workspace: str) -> Backup | None:
    """The backup in a folder, None without one; where its manifest is damaged or gone, what its ledger shows.

    That is then taken for one of `workspace`, or of the demo whose runs it has. Raises DamagedFile where neither can be
    read, SchemaMismatch for a newer program's.
    """
    try:
        found = _read_manifest(folder)
    except DamagedFile:
        if found := _shown(folder, workspace):
            return found
        raise
    return found or _shown(folder, workspace)


def _shown(folder: Path, workspace: str) -> Backup | None:
    """What the newest ledger shows that is what its name says: it is placed when all that it names is there."""
    for ledger in sorted(folder.glob("ledger-*.sqlite"), key=lambda path: path.stat().st_mtime, reverse=True):
        if ledger.name == ledger_name(sha256 := hash_of(ledger)):
            if _format_of(ledger) > LEDGER_VERSION:
                raise _newer(folder)
            names = [name for name, _ in named_files(ledger)]
            size = sum(path.stat().st_size for path in map(folder.joinpath, names) if path.is_file())
            made_at = datetime.fromtimestamp(ledger.stat().st_mtime, UTC).strftime(STAMP)
            with closing(read_only(ledger)) as connection:
                is_demo = connection.execute("SELECT 1 FROM runs WHERE trigger = 'demo' LIMIT 1").fetchone()
            name = DEMO if is_demo else workspace
            return Backup(name, made_at, ledger.name, sha256, LEDGER_VERSION, len(names), size)
    return None


def _read_manifest(folder: Path) -> Backup | None:
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
        raise damaged(path, f"cannot be read ({type(error).__name__})") from None
    if newer:
        raise _explained(folder, found)
    return found


def _explained(folder: Path, said: Backup) -> GarimpoError:
    """What is wrong with a manifest by which a newer program wrote it: its ledger, where that is whole, tells more."""
    ledger = folder / said.ledger
    if ledger.name != ledger_name(hash_of(ledger)) or (own := _format_of(ledger)) > LEDGER_VERSION:
        return _newer(folder)
    if said.ledger_version != own:
        return damaged(folder / MANIFEST, f"says that its ledger has format {said.ledger_version}, which has {own}")
    return SchemaMismatch(
        f"{folder / MANIFEST} says that a newer version of this program wrote it, yet its ledger is of a format that "
        "this one knows. Update the program; where no newer one ever was, the file is damaged: move it away, and the "
        "ledger says what belongs to the backup. Nothing was changed."
    )


def _newer(folder: Path) -> SchemaMismatch:
    return SchemaMismatch(f"{folder} was written by a newer version of this program. Update it; nothing was changed.")


def _format_of(ledger: Path) -> int:
    with closing(read_only(ledger)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def runs_of(ledger: Path) -> set[str]:
    """Ids of the runs that a ledger knows; none where it cannot be read."""
    try:
        with closing(read_only(ledger)) as connection:
            rows = connection.execute("SELECT run_id FROM runs UNION SELECT run_id FROM parts").fetchall()
    except DAMAGES:
        return set()
    return {row[0] for row in rows}


def knows_one_of(runs: AbstractSet[str], ledger: Path) -> bool:
    """Whether a ledger knows one of these runs, or knew it until it was taken back."""
    if runs & runs_of(ledger):
        return True
    with closing(read_only(ledger)) as connection:
        names = {row[0] for row in connection.execute("SELECT key FROM meta")}
    return any(taken_back(run_id) in names for run_id in runs)


def named_files(ledger: Path) -> Iterator[tuple[str, str]]:
    """Every file a ledger names, in whatever table, with its hash."""
    with closing(read_only(ledger)) as connection:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            columns = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
            if {"path", "sha256"} <= columns:
                for path, sha256 in connection.execute(f"SELECT path, sha256 FROM {table}"):
                    if not path.startswith(("raw/", "lake/")) or ".." in path:
                        raise damaged(ledger, f"names a file outside of the workspace ({path[:60]!r})")
                    yield path, sha256


def copy_files(root: Path, target: Path, named: dict[str, str]) -> int:
    """Copy what is not there yet, checked against its hash; how many. Raises FileNotFoundError with a name."""
    missing = [(name, sha256) for name, sha256 in named.items() if hash_of(target / name) != sha256]
    for start in range(0, len(missing), TOGETHER):
        group = [target / name for name, _ in missing[start : start + TOGETHER]]
        try:
            for path, (name, sha256) in zip(group, missing[start : start + TOGETHER], strict=True):
                write_hidden(path, read_checked(root / name, name, sha256))
            place_files(group)
        except BaseException:
            remove_files(group)
            raise
    return len(missing)


def read_checked(path: Path, name: str, sha256: str) -> bytes:
    """The content of a file; raises FileNotFoundError with its name, DamagedFile when it has another hash."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise FileNotFoundError(name) from None
    except OSError as error:
        raise damaged(path, f"cannot be read ({error.strerror})") from None
    if hashlib.sha256(content).hexdigest() != sha256:
        raise damaged(path, "is not what was committed: its hash differs")
    return content


def hash_of(path: Path) -> str:
    """SHA-256 of a file; empty where it cannot be read."""
    try:
        return sha256_of(path)
    except OSError:
        return ""


def damaged(path: Path, what: str) -> DamagedFile:
    """The error that says what a file is, and what mends it."""
    mend = "`python -m pipeline recover` mends a workspace, `backup` into the same folder a backup"
    return DamagedFile(f"{path} {what}. Nothing was changed; {mend}.")
