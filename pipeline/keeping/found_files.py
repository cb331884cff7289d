"""Files of the truth by what their names say, for the day on which no ledger does.

Knows the names that `store` and `exchange` give. Imports `files`, `schema`, `workspace`, `truth`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from pipeline.lake.files import is_hidden
from pipeline.lake.truth import truth_files
from pipeline.schema import LAKE
from pipeline.workspace import Workspace

__all__ = ["FoundFile", "find_files"]

_RUN = re.compile(r"(\d{8}T\d{6}-[0-9a-f]{6})-(.+)")
_PART = re.compile(r"(?P<batch>.+)-(?P<attempt>\d+)(?:\.[0-9a-f]{8})?\.parquet")
_RAW = re.compile(r"(?P<batch>.+?)(?:\.[0-9a-f]{8})?\.jsonl\.zst")


@dataclass(frozen=True)
class FoundFile:
    """A file of the truth: whose it is by its name; `layer` is raw or a lake table, `written_ns` 0 when not here."""

    layer: str
    run_id: str
    batch_id: str
    day: str
    path: str
    written_ns: int


def find_files(workspace: Workspace, known_runs: set[str]) -> list[FoundFile]:
    """Raw files and parts, here and in a store, in the order they were written; of several for one batch the last.

    Volumes are none: whose parts they hold their footers say.
    """
    found: dict[tuple[str, str, str], FoundFile] = {}
    for path in sorted(truth_files(workspace), key=lambda each: (_written_ns(each), each)):
        file = _told(workspace, path, known_runs)
        if file is not None:
            found.pop(key := (file.layer, file.run_id, file.batch_id), None)
            found[key] = file
    return list(found.values())


def _told(workspace: Workspace, path: Path, known_runs: set[str]) -> FoundFile | None:
    """What a file's name says; None for one that is not of the truth."""
    parts = path.relative_to(workspace.root).parts
    day = next((part.removeprefix("day=") for part in parts if part.startswith("day=")), "")
    form = _RAW if parts[0] == "raw" else _PART
    named = form.fullmatch(path.name)
    if is_hidden(path) or not day or named is None:
        return None
    if parts[0] == "raw":
        layer, run_id, batch_id = "raw", path.parent.name, named["batch"]
    else:
        layer, (run_id, batch_id) = parts[1], _split(named["batch"], known_runs)
    if layer not in LAKE and layer != "raw":
        return None
    return FoundFile(layer, run_id, batch_id, day, "/".join(parts), _written_ns(path))


def _written_ns(path: Path) -> int:
    return path.stat().st_mtime_ns if path.exists() else 0


def _split(text: str, known_runs: set[str]) -> tuple[str, str]:
    """Run and batch of a part's name."""
    for run in sorted(known_runs, key=len, reverse=True):
        if text.startswith(f"{run}-"):
            return run, text[len(run) + 1 :]
    form = _RUN.fullmatch(text)
    return (form[1], form[2]) if form else (text, text)
