"""Damaged volumes, for the day on which no ledger says what they should be: their names do.

Imports `findings`, `files`, `truth`, `volumes`, `ledger`.
"""

from __future__ import annotations

from pathlib import Path

from pipeline.keeping.exchange import ASIDE
from pipeline.keeping.findings import Finding, put_aside
from pipeline.lake.files import is_hidden, place_files, write_hidden
from pipeline.lake.truth import remove_truth, truth_files
from pipeline.lake.volumes import has_its_name, is_volume, unlisted_volumes
from pipeline.records.ledger import Ledger
from pipeline.workspace import Workspace

__all__ = ["bring_volumes", "put_volumes_aside", "volumes_aside"]


def bring_volumes(workspace: Workspace, backup: Path) -> list[Finding]:
    """Put volumes that are damaged, or were put aside for that, back from a backup that has them whole."""
    there = [path for path in truth_files(workspace) if is_volume(path) and path.is_file() and not is_hidden(path)]
    damaged = [path for path in there if not has_its_name(path)]
    found = list[Finding]()
    for path in [*damaged, *volumes_aside(workspace)]:
        name = path.relative_to(workspace.root)
        if has_its_name(backup / name):
            write_hidden(path, (backup / name).read_bytes())
            place_files([path])
            found.append(Finding(name.as_posix(), "is not what its name says", "brought back from the backup"))
    return found


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
