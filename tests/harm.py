"""What happens to files: a bit flips, an end is cut off, a folder is lost, a disk is full."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pipeline.workspace import Workspace

__all__ = ["cut", "fill", "flip", "lose", "resize", "small_disk_at", "stop"]


def flip(path: Path, place: int | None = None) -> None:
    """Turn one bit of a file, in its middle unless a place is given."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2 if place is None else place] ^= 1
    path.write_bytes(content)


def cut(path: Path) -> None:
    """Lose the second half of a file."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def lose(workspace: Workspace, *names: str) -> None:
    """Remove folders of the workspace, or files with what lies beside them, as a ledger with its log."""
    for name in names:
        for path in workspace.root.glob(f"{name}*"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


@contextmanager
def small_disk_at(folder: Path, size: int | str) -> Iterator[Path]:
    """A disk of its own at a folder; where none can be mounted the test is left out."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if sys.platform != "linux" or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("a small disk can be mounted on Linux by root alone")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def resize(disk: Path, size: str) -> None:
    """Make such a disk larger or smaller."""
    subprocess.run(["mount", "-o", f"remount,size={size}", str(disk)], check=True)


def fill(disk: Path, leave: int) -> Path:
    """Fill a disk but for some bytes; what takes up the space."""
    ballast = disk / "ballast"
    ballast.write_bytes(bytes(max(0, shutil.disk_usage(disk).free - leave)))
    return ballast


def stop(*_: Any, **__: Any) -> None:
    """What a killed process does at the step in whose place this stands: nothing any more."""
    raise KeyboardInterrupt
