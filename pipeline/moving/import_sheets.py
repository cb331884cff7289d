"""Spreadsheets (.xlsx, .ods), sheet by sheet, as the CSV that a person would save each one as.

Source: calamine, which reads values alone: no formula, macro or link is followed. Imports `errors`, `import_parquet`,
`import_text`.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator, Sequence
from datetime import date, time
from pathlib import Path
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook

from pipeline.errors import DamagedFile, SettingsError
from pipeline.moving.import_parquet import BUNDLED
from pipeline.moving.import_text import require_fit

__all__ = ["is_workbook", "sheets"]

PACKED = b"PK\x03\x04"
OLD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # what .xls begins with, and what is locked


def is_workbook(head: bytes) -> bool:
    """Whether a file that begins so may be a spreadsheet; or an archive of another kind."""
    return head.startswith((PACKED, OLD))


def sheets(path: Path) -> Iterator[tuple[str, str]]:
    """Name and text of each sheet: one line per row from the first, cells between commas, empty rows left empty.

    Raises SettingsError for other archives, for what is locked, of an older kind (.xls) or too large to be taken at
    once; DamagedFile when it cannot be read; OSError.
    """
    _require_workbook(path)
    try:
        with CalamineWorkbook.from_path(path) as workbook:
            for name in workbook.sheet_names:
                rows = workbook.get_sheet_by_name(name).to_python(skip_empty_area=False)
                yield name, _as_csv(rows)
    except (CalamineError, ValueError) as error:
        raise DamagedFile(f"{path} cannot be read ({error}). Nothing was imported.") from None


def _require_workbook(path: Path) -> None:
    """Raise what is wrong with a file that is packed as spreadsheets are."""
    try:
        with path.open("rb") as file:
            if file.read(len(OLD)) == OLD:
                told = f"{path} is locked, or an older spreadsheet (.xls)"
                raise SettingsError(f"{told}: save it as .xlsx, without a password. Nothing was imported.")
            inside = zipfile.ZipFile(file).infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise DamagedFile(f"{path} cannot be unpacked ({error}). Nothing was imported.") from None
    if not {"xl/workbook.xml", "xl/workbook.bin", "content.xml"} & {each.filename for each in inside}:
        raise SettingsError(f"{path} is packed and no spreadsheet: unpack it first. {BUNDLED}")
    require_fit(path, sum(each.file_size for each in inside), " once it is unpacked")


def _as_csv(rows: Sequence[Sequence[Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for row in rows:
        cells = [_shown(cell) for cell in row]
        writer.writerow(cells if any(cells) else ())
    return text.getvalue()


def _shown(cell: Any) -> str:
    """A cell as text of one line: whole numbers without a point, days and instants in ISO form."""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return cell.isoformat() if isinstance(cell, (date, time)) else " ".join(str(cell).split())
