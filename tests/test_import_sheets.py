"""Spreadsheets are read as the people who keep their lists in them wrote them, and every sheet of them."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pytest

from pipeline.errors import DamagedFile, SettingsError
from pipeline.moving import import_text
from pipeline.records.ledger import Ledger
from pipeline.workspace import Workspace
from tests.receipts import BANDA, VIOLA
from tests.test_import_formats import ROW, imported, published, understood

MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
LINKS = 'xmlns="http://schemas.openxmlformats.org/package/2006/relationships"'
EPOCH = date(1899, 12, 30)  # days are numbers from here on, and the second of these styles says that they are days
STYLES = f'<styleSheet {MAIN}><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>'
LINK = f"https://open.spotify.com/artist/{VIOLA}?si=abc"

Cells = Sequence[Sequence[str | float | date | None]]


def workbook(path: Path, **sheets: Cells) -> Path:
    """A workbook as spreadsheet programs write one; None is an empty cell."""
    numbered = list(enumerate(sheets, 1))
    listed = "".join(f'<sheet name="{name}" sheetId="{at}" r:id="r{at}"/>' for at, name in numbered)
    parts = "".join(
        f'<Relationship Id="r{at}" Type="{OFFICE}/worksheet" Target="worksheets/{at}.xml"/>' for at, _ in numbered
    )
    parts += f'<Relationship Id="s" Type="{OFFICE}/styles" Target="styles.xml"/>'
    root = f'<Relationship Id="b" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/>'
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("_rels/.rels", f"<Relationships {LINKS}>{root}</Relationships>")
        archive.writestr("xl/workbook.xml", f'<workbook {MAIN} xmlns:r="{OFFICE}"><sheets>{listed}</sheets></workbook>')
        archive.writestr("xl/_rels/workbook.xml.rels", f"<Relationships {LINKS}>{parts}</Relationships>")
        archive.writestr("xl/styles.xml", STYLES)
        for at, name in numbered:
            rows = "".join(_row(number, cells) for number, cells in enumerate(sheets[name], 1))
            sheet = f"<worksheet {MAIN}><sheetData>{rows}</sheetData></worksheet>"
            archive.writestr(f"xl/worksheets/{at}.xml", sheet)
    return path


def _row(number: int, cells: Sequence[Any]) -> str:
    shown = "".join(_cell(f"{chr(65 + at)}{number}", cell) for at, cell in enumerate(cells))
    return f'<row r="{number}">{shown}</row>'


def _cell(place: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return f'<c r="{place}" t="inlineStr"><is><t>{escape(value)}</t></is></c>'
    if isinstance(value, date):
        return f'<c r="{place}" s="1"><v>{(value - EPOCH).days}</v></c>'
    return f'<c r="{place}"><v>{value}</v></c>'


def test_sheet_of_history_is_understood(workspace: Workspace, ledger: Ledger, tmp_path: Path) -> None:
    """Numbers and days are what they are in a spreadsheet, with whatever the file is called."""
    titles = ["Data", "Nome", "Link", "Seguidores", "Popularidade", "Gêneros"]
    row = [date(2024, 5, 1), "Banda Um", f"spotify:artist:{BANDA}", 70.0, 31.0, "mpb, samba"]
    other = [date(2024, 5, 1), 1975.0, VIOLA]
    found = imported(workspace, ledger, workbook(tmp_path / "what", A=[titles, row, other]))
    assert (found.files[0].name, found.files[0].format) == ("what, sheet A", "sheet")
    assert published(workspace) == [ROW, ("1975", None, None, None, date(2024, 5, 1))]


def test_list_below_a_headline_is_understood(workspace: Workspace, ledger: Ledger, tmp_path: Path) -> None:
    """A headline and empty rows may stand above the titles; rejects have their row, a sheet without ids is told."""
    rows = [[], ["Artistas do selo"], ["Nome", "Onde", "Notas"], ["Viola", LINK, "ligar\nà noite"], [], ["Ninguém"]]
    path = workbook(tmp_path / "lista.xlsx", Capa=[["Selo"], [2026.0]], Lista=rows, Vazia=[])
    report, _ = understood(workspace, ledger, path)
    assert [(each.name, each.columns) for each in report.files] == [
        ("lista.xlsx, sheet Capa", {}),
        ("lista.xlsx, sheet Lista", {"artist_id": "artist_id", "Nome": "name"}),
    ]
    unseen = "no ids or links of artists in cells of their own; a link behind a name is not seen"
    rejects = (("lista.xlsx, sheet Capa", 0, unseen), ("lista.xlsx, sheet Lista", 6, "no artist's id"))
    assert (report.to_refresh, report.rejects) == (1, rejects)


def test_headline_above_csv_is_passed_over(workspace: Workspace, ledger: Ledger, tmp_path: Path) -> None:
    """The same where that sheet was saved as CSV, and where the headline is one of our titles."""
    (tmp_path / "a.csv").write_text(f"Artista;;\n;;\nNome;Link;Notas\nViola;{LINK};\nNinguém;;\n", encoding="utf-8")
    report, _ = understood(workspace, ledger, tmp_path / "a.csv")
    assert (report.to_refresh, report.rejects) == (1, (("a.csv", 5, "no artist's id"),))


def test_column_of_links_is_a_list(workspace: Workspace, ledger: Ledger, tmp_path: Path) -> None:
    """Titles are not needed, and an empty row is nothing."""
    report, _ = understood(workspace, ledger, workbook(tmp_path / "a.xlsx", A=[[LINK], [], [BANDA]]))
    assert (report.files[0].format, report.to_refresh, report.rejected) == ("list of ids", 2, 0)


@pytest.mark.parametrize(
    ("content", "error", "told"),
    [
        (b"PK\x03\x04", DamagedFile, "cannot be unpacked"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", SettingsError, r"or an older spreadsheet \(\.xls\): save it as \.xlsx"),
    ],
)
def test_what_is_no_spreadsheet_is_refused(
    workspace: Workspace, ledger: Ledger, tmp_path: Path, content: bytes, error: type[Exception], told: str
) -> None:
    """A cut-off file, a locked or an older one is said to be so."""
    (tmp_path / "x.xlsx").write_bytes(content)
    with pytest.raises(error, match=rf"x\.xlsx .*{told}.* Nothing was imported\."):
        understood(workspace, ledger, tmp_path / "x.xlsx")


def test_other_archives_are_refused(workspace: Workspace, ledger: Ledger, tmp_path: Path) -> None:
    """Files that somebody packed are not looked for."""
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("a.csv", "id\n")
    with pytest.raises(SettingsError, match=r"x\.zip is packed and no spreadsheet: unpack it first\."):
        understood(workspace, ledger, tmp_path / "x.zip")


def test_sheet_without_ids_is_refused(workspace: Workspace, ledger: Ledger, tmp_path: Path) -> None:
    """Names alone say too little, and a link that stands behind a name is not in a cell."""
    with pytest.raises(SettingsError, match=r"has no sheet with ids .* a link behind a name is not seen"):
        understood(workspace, ledger, workbook(tmp_path / "a.xlsx", A=[["Nome"], ["Viola"]]))


@pytest.mark.parametrize("part", ["xl/worksheets/1.xml", "xl/workbook.xml"])
def test_damaged_sheet_is_told(workspace: Workspace, ledger: Ledger, tmp_path: Path, part: str) -> None:
    """What is within is not what it should be."""
    whole = workbook(tmp_path / "a.xlsx", A=[["Nome", "Link"], ["Viola", LINK]])
    with zipfile.ZipFile(whole) as archive, zipfile.ZipFile(tmp_path / "b.xlsx", "w") as damaged:
        for each in archive.infolist():
            content = archive.read(each)
            damaged.writestr(each.filename, content[: len(content) // 2] if each.filename == part else content)
    with pytest.raises(DamagedFile, match=r"b\.xlsx cannot be read .* Nothing was imported"):
        understood(workspace, ledger, tmp_path / "b.xlsx")


def test_size_counts_unpacked(
    workspace: Workspace, ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A small file that unpacks into a large one is refused before it is."""
    monkeypatch.setattr(import_text, "LARGEST_MB", 0.01)
    path = workbook(tmp_path / "a.xlsx", A=[["Nome"] * 20] * 100)
    assert path.stat().st_size < 10_000
    with pytest.raises(SettingsError, match="once it is unpacked"):
        understood(workspace, ledger, path)
