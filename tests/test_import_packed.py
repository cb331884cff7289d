"""Text that gzip packed is imported as the file in it would be; what cannot be unpacked is named."""

from __future__ import annotations

import gzip
import json
from datetime import date
from pathlib import Path

import pytest

from pipeline.errors import DamagedFile, SettingsError
from pipeline.records.ledger import Ledger
from pipeline.workspace import Workspace
from tests.receipts import BANDA
from tests.test_import_formats import CSV, imported


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("artists_2024-05-01.json.gz", json.dumps([{"id": BANDA, "followers": 70}]), "JSON, packed"),
        ("artists_2024-05-01.jsonl.gz", f'{{"id": "{BANDA}", "followers": 70}}\n' * 2, "JSON, packed"),
        ("2024-05-01", f"id;seguidores\n{BANDA};70\n", "CSV with ';', packed"),
    ],
)
def test_packed_text_is_read(
    workspace: Workspace, ledger: Ledger, tmp_path: Path, name: str, text: str, told: str
) -> None:
    """What gzip packed is read as the file in it would be, whatever its name, its day from the name included."""
    (tmp_path / name).write_bytes(gzip.compress(text.encode()))
    report = imported(workspace, ledger, tmp_path / name)
    assert (report.observations, report.first_day, report.files[0].format) == (1, date(2024, 5, 1), told)


@pytest.mark.parametrize("harm", ["cut", "spoilt", "more behind it"])
def test_packed_text_comes_whole(workspace: Workspace, ledger: Ledger, tmp_path: Path, harm: str) -> None:
    """A packed file that cannot be unpacked to its end is named, and nothing of it imported."""
    packed = bytearray(gzip.compress(CSV.encode(), mtime=0))
    packed[-6] ^= harm == "spoilt"
    (tmp_path / "2024-05-01.csv.gz").write_bytes(packed[:-9] if harm == "cut" else packed + b"x" * (harm[0] == "m"))
    with pytest.raises(DamagedFile, match=r"2024-05-01\.csv\.gz cannot be unpacked to its end"):
        imported(workspace, ledger, tmp_path / "2024-05-01.csv.gz")


def test_packed_text_has_a_limit(
    workspace: Workspace, ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A small file of which more comes than can be taken at once is refused when that is seen."""
    monkeypatch.setattr("pipeline.moving.import_text.LARGEST_MB", 2)
    (tmp_path / "2024-05-01.json.gz").write_bytes(gzip.compress(b" " * 3_000_000))
    with pytest.raises(SettingsError, match=r"has more than 2 MB once it is unpacked, of text 2 at most"):
        imported(workspace, ledger, tmp_path / "2024-05-01.json.gz")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "is nothing that can be imported"),
        (b"SQLite format 3\0", "another kind of file. Unpack it and import what was in it"),
        (b"a.json".ljust(257, b"\0") + b"ustar\0", "another kind of file. Unpack it"),
    ],
)
def test_other_packed_files_are_refused(
    workspace: Workspace, ledger: Ledger, tmp_path: Path, content: bytes, said: str
) -> None:
    """What is no text, once it is unpacked, is refused with what to do."""
    (tmp_path / "x").write_bytes(gzip.compress(content))
    with pytest.raises(SettingsError, match=said):
        imported(workspace, ledger, tmp_path / "x")
