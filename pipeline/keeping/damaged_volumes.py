"""Damaged volumes: what their names say where no ledger tells of them, what a backup from before they were bound has.

Imports `findings`, `files`, `truth`, `volumes`, `ledger`, `exchange`, `sqlite_file`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from pipeline.keeping.exchange import ASIDE, Exchange
from pipeline.keeping.findings import Finding, put_aside
from pipeline.lake.files import is_hidden, place_files, write_hidden
from pipeline.lake.truth import remove_truth, truth_files
from pipeline.lake.volumes import has_its_name, is_volume, unlisted_volumes
from pipeline.records.database import Row
from pipeline.records.ledger import Ledger
from pipeline.records.sqlite_file import DAMAGES, read_only
from pipeline.workspace import Workspace

__all__ = ["bring_part", "bring_volumes", "put_volumes_aside", "volumes_aside"]


def bring_volumes(workspace: Workspace, backup: Path | None) -> list[Finding]:
    """Put volumes that are damaged, or were put aside for that, back from the store or a backup that has them whole."""
    there = [path for path in truth_files(workspace) if is_volume(path) and path.is_file() and not is_hidden(path)]
    damaged = [path for path in there if not has_its_name(path)]
    found = list[Finding]()
    for path in [*damaged, *volumes_aside(workspace)]:
        name = path.relative_to(workspace.root).as_posix()
        for place, content in _copies(workspace, name, backup):
            if hashlib.sha256(content).hexdigest().startswith(path.stem):
                write_hidden(path, content)
                place_files([path])
                found.append(Finding(name, "is not what its name says", f"brought back from the {place}"))
                break
    return found


def _copies(workspace: Workspace, name: str, backup: Path | None) -> Iterator[tuple[str, bytes]]:
    """What other places have of a file."""
    if workspace.store is not None and (stored := workspace.store.get(name)):
        yield "store", stored[0]
    if backup is not None and (backup / name).is_file():
        yield "backup", (backup / name).read_bytes()


def bring_part(workspace: Workspace, ledger: Ledger, kept: Path, part: Row) -> bool:
    """Have a part of a lost volume in a file of its own again, as a backup has it from before it was bound.

    `kept`: the backup's ledger. False where it has no such file, or one with other rows than the part has now: an
    artist may have been purged since.
    """
    same = "run_id = ? AND batch_id = ? AND table_name = ? AND rows = ?"
    own = f"SELECT path, sha256, schema_version FROM parts WHERE {same}"
    key = tuple(part[name] for name in ("run_id", "batch_id", "table_name", "rows"))
    try:
        with closing(read_only(kept)) as connection:
            found = connection.execute(own, key).fetchone()
        content = (kept.parent / found[0]).read_bytes() if found and not is_volume(found[0]) else b""
    except (OSError, *DAMAGES):
        return False
    if not content or hashlib.sha256(content).hexdigest() != found[1]:
        return False
    exchange = Exchange(workspace, ledger)
    exchange.replace_part(part, content, part["rows"], found[2])
    exchange.carry_out()
    return True


def volumes_aside(workspace: Workspace) -> list[Path]:
    """Where volumes were that were put aside, and are not back."""
    aside = {path.relative_to(workspace.root).parts[2:] for path in workspace.root.glob(f"{ASIDE}/*/lake/*/month=*/*")}
    return sorted(path for parts in aside if not (path := workspace.root.joinpath(*parts)).exists())


def put_volumes_aside(workspace: Workspace, ledger: Ledger) -> list[Finding]:
    """Put volumes aside that are damaged, and of which the ledger does not know whose parts they hold."""
    found = list[Finding]()
    for path in unlisted_volumes(workspace, ledger, truth_files(workspace)):
        if path.is_file() and not has_its_name(path):
            put_aside(workspace, path, ledger.now)
            remove_truth(workspace, [path])
            name = path.relative_to(workspace.root).as_posix()
            done = (
                f"put aside in {ASIDE}; its rows may be lost. Run `recover --backup FOLDER` with a backup that has it"
            )
            found.append(Finding(name, "is not what its name says", done, mended=False))
    return found
