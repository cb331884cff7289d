"""What was not well: told, and put where nobody takes it for whole. Imports `exchange`, `files`, `workspace`."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pipeline.keeping.exchange import ASIDE
from pipeline.lake.files import explained
from pipeline.workspace import Workspace

__all__ = ["Finding", "put_aside"]


@dataclass(frozen=True)
class Finding:
    """Something that was not well: where, what was wrong, what was done; `mended`: no committed row is missing."""

    where: str
    what: str
    done: str
    mended: bool = True


def put_aside(workspace: Workspace, path: Path, clock: Callable[[], datetime]) -> Path:
    """Keep a copy of a damaged file where nobody takes it for a whole one; where that is."""
    folder = workspace.root / ASIDE / f"{clock():%Y%m%dT%H%M%S}"
    target = folder / path.relative_to(workspace.root)
    with explained(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        for end in ("", "-wal"):
            beside = path.with_name(f"{path.name}{end}")
            if beside.exists():
                shutil.copyfile(beside, target.with_name(f"{target.name}{end}"))
    return target
