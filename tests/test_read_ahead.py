"""Parts are announced to the system before they are read, and read as ever where it cannot be told."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipeline.errors import DamagedFile
from pipeline.lake.files import read_ahead, sha256_of
from pipeline.published import staging


def some_parts(folder: Path, count: int) -> list[dict[str, str]]:
    """Files, as rows of the ledger."""
    for number in range(count):
        (folder / f"{number}.parquet").write_text(f"part {number}")
    return [{"path": f"{n}.parquet", "sha256": sha256_of(folder / f"{n}.parquet")} for n in range(count)]


def test_every_part_is_announced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each once, also those behind the first that are announced together."""
    announced: list[int] = []

    def note(descriptor: int, *_: int) -> None:
        announced.append(os.fstat(descriptor).st_ino)

    monkeypatch.setattr(os, "posix_fadvise", note, raising=False)
    monkeypatch.setattr(os, "POSIX_FADV_WILLNEED", 3, raising=False)
    monkeypatch.setattr(staging, "AHEAD", 2)
    parts = some_parts(tmp_path, 5)
    staging.check_parts(tmp_path, parts)
    assert announced == [(tmp_path / part["path"]).stat().st_ino for part in parts]


def test_lost_parts_are_named_by_readers(tmp_path: Path) -> None:
    """To announce a file that is gone is no error; to read it is, and names it."""
    parts = some_parts(tmp_path, 2)
    (tmp_path / "1.parquet").unlink()
    read_ahead(tmp_path / part["path"] for part in parts)
    with pytest.raises(DamagedFile, match=r"1\.parquet cannot be read"):
        staging.check_parts(tmp_path, parts)


def test_some_systems_are_not_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no such call, as on Windows, parts are read without."""
    monkeypatch.delattr(os, "posix_fadvise", raising=False)
    staging.check_parts(tmp_path, some_parts(tmp_path, 1))
