"""A table or a SELECT leaves as CSV, Parquet or JSON lines, streamed, with nothing that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
import json
from datetime import date, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.errors import SettingsError
from pipeline.moving.exporting import FORMATS, export_file, export_rows, export_stream
from pipeline.published.generations import Generation
from pipeline.workspace import Workspace
from tests.published import publish_rows

ROW = {
    "artist_id": "one",
    "name": "=1+1",
    "followers": 70,
    "genres": ["mpb", "samba"],
    "first_seen_on": date(2026, 11, 22),
}


@pytest.fixture
def generation(workspace: Workspace) -> Generation:
    """One artist whose name is a formula, and a run."""
    began = datetime(2026, 11, 22, 6, 0, 1)  # noqa: DTZ001  published times are UTC without a zone
    run = {"run_id": "run-1", "trigger": "cli", "started_at": began}
    return publish_rows(workspace, artists=[ROW], runs=[run])


def exported(generation: Generation, what: str, file_format: str) -> bytes:
    """What an export writes."""
    out = io.BytesIO()
    export_stream(generation, what, out, file_format)
    return out.getvalue()


def cells(generation: Generation, what: str) -> list[list[str]]:
    """The cells of a CSV, header first."""
    return list(csv.reader(io.StringIO(exported(generation, what, "csv").decode(), newline="")))


def test_table_becomes_csv(generation: Generation) -> None:
    """Dates in ISO form, lists as JSON, unknown values empty, a formula as text."""
    assert cells(generation, "artists") == [
        ["artist_id", "artist_no", "name", "followers", "popularity", "genres", "image_url", "spotify_url",
         "first_seen_on", "last_seen_on", "releases_checked_on"],
        ["one", "0", "'=1+1", "70", "", '["mpb","samba"]', "", "", "2026-11-22", "", ""],
    ]  # fmt: skip
    assert cells(generation, "SELECT started_at FROM runs")[1] == ["2026-11-22T06:00:01"]


def test_csv_for_spreadsheets_in_portuguese(generation: Generation) -> None:
    """With semicolons, decimal commas and the mark by which they know UTF-8; formulas are text as ever."""
    numbers = "0.125::DOUBLE AS half, 1.50::DECIMAL(4, 2) AS more, NULL::DOUBLE AS none"
    select = f"SELECT name, 'é; 1.5' AS said, {numbers} FROM artists"
    assert exported(generation, select, "csv-semicolon").decode() == (
        '\ufeffname;said;half;more;none\r\n\'=1+1;"é; 1.5";0,125;1,50;\r\n'
    )


def test_rows_in_memory_are_alike(generation: Generation) -> None:
    """Rows that are at hand come out as a SELECT that brings them would: in both kinds of CSV, formulas as text."""
    select = "SELECT name, 0.5::DOUBLE AS half, DATE '2026-11-22' AS day, NULL::BIGINT AS none FROM artists"
    rows = generation.frame(select).to_arrow()
    assert export_rows(rows, "csv").decode() == "name,half,day,none\r\n'=1+1,0.5,2026-11-22,\r\n"
    assert export_rows(rows, "csv-semicolon").decode() == "\ufeffname;half;day;none\r\n'=1+1;0,5;2026-11-22;\r\n"
    assert export_rows(rows, "csv-semicolon") == exported(generation, select, "csv-semicolon")


def test_table_becomes_json_lines(generation: Generation) -> None:
    """One object per row; values stay what they are, text as it is."""
    [row] = exported(generation, "SELECT * EXCLUDE (image_url, spotify_url) FROM artists", "jsonl").splitlines()
    assert json.loads(row) == {
        **ROW,
        "artist_no": 0,
        "popularity": None,
        "first_seen_on": "2026-11-22",
        "last_seen_on": None,
        "releases_checked_on": None,
    }


def test_table_becomes_parquet(generation: Generation) -> None:
    """Columns keep their types, values are untouched."""
    table = pq.read_table(io.BytesIO(exported(generation, "artists", "parquet")))
    assert table.select(list(ROW)).to_pylist() == [ROW]
    assert [str(table.schema.field(name).type) for name in ("followers", "first_seen_on")] == ["int64", "date32[day]"]


@pytest.mark.parametrize("cell", ["=A1", "+1", "-1", "@x", "\tx", "\rx", "\nx", " =A1", "＝A1", "-"])
def test_formulas_become_text(generation: Generation, cell: str) -> None:
    """Text that a spreadsheet would take for a formula gets an apostrophe in front, in a header too."""
    literal = cell.replace("'", "''")
    assert cells(generation, f"""SELECT '{literal}' AS "{cell}", ['{literal}'] AS many""") == [
        [f"'{cell}", "many"],
        [f"'{cell}", json.dumps([cell], ensure_ascii=False)],
    ]


def test_numbers_stay_numbers(generation: Generation) -> None:
    """A negative number is no formula; sums and decimals keep their value."""
    asked = "SELECT -5 AS a, -1.50::DECIMAL(4, 2) AS b, sum(-3) AS c, -0.5::DOUBLE AS d, true AS e"
    assert cells(generation, asked)[1] == ["-5", "-1.50", "-3", "-0.5", "True"]
    assert exported(generation, asked, "jsonl") == b'{"a":-5,"b":-1.5,"c":-3,"d":-0.5,"e":true}\n'


def test_no_number_becomes_null(generation: Generation) -> None:
    """JSON has no NaN and no infinity, however deep they stand."""
    asked = "SELECT 'nan'::DOUBLE AS a, [1.5, 'inf'::DOUBLE] AS b, {'c': DATE '2026-11-22'} AS d"
    assert exported(generation, asked, "jsonl") == b'{"a":null,"b":[1.5,null],"d":{"c":"2026-11-22"}}\n'


SOME_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)


@given(texts=st.lists(SOME_TEXT, min_size=1, max_size=30))
@example(texts=[""])
@settings(max_examples=8, deadline=None)
def test_any_text_survives(texts: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whatever the texts, CSV gives them back behind at most one apostrophe, and JSON lines gives them back."""
    generation = shared_generation(tmp_path_factory)
    quoted = (text.replace("'", "''") for text in texts)
    asked = "SELECT unnest(['" + "', '".join(quoted) + "']) AS a"
    _, *rows = cells(generation, asked)
    assert [cell in (text, f"'{text}") for text, [cell] in zip(texts, rows, strict=True)] == [True] * len(texts)
    assert not [cell for [cell] in rows if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    lines = exported(generation, asked, "jsonl").decode().split("\n")[:-1]
    assert [json.loads(line) for line in lines] == [{"a": text} for text in texts]


def shared_generation(factory: pytest.TempPathFactory) -> Generation:
    """An empty generation, made once."""
    if not _shared:
        workspace = Workspace(factory.mktemp("export"))
        workspace.db.mkdir()
        _shared.append(publish_rows(workspace))
    return _shared[0]


_shared: list[Generation] = []


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("SELECT 1; SELECT 2", "Only one SELECT"),
        ("INSERT INTO artists (artist_id) VALUES ('x')", "Only one SELECT"),
        ("COPY artists TO 'stolen.csv'", "Only one SELECT"),
        ("EXPLAIN ANALYZE SELECT 1", "Only one SELECT"),
        ("ATTACH 'other.duckdb'", "Only one SELECT"),
        ("-- nothing", "Only one SELECT"),
        ("", "There is no table ''"),
        ("artist", "There is no table 'artist'. Tables: artists, "),
        ("SELEC * FROM artists", "The SELECT failed: Parser Error"),
        ("SELECT nobody FROM artists", "The SELECT failed: Binder Error"),
        ("SELECT name::INTEGER FROM artists", "The SELECT failed: Conversion Error"),
        ("SELECT * FROM read_text('/etc/hosts')", "The SELECT failed: Permission Error"),
        ("SELECT * FROM glob('*')", "The SELECT failed: Permission Error"),
    ],
)
def test_one_select_and_nothing_else(generation: Generation, tmp_path: Path, what: str, said: str) -> None:
    """Anything but one SELECT over the generation alone is refused in a sentence, and leaves no file."""
    for file_format in FORMATS:
        with pytest.raises(SettingsError, match=rf"^{said.replace('*', '[*]')}"):
            export_file(generation, what, tmp_path / "out", file_format)
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_many_rows_are_streamed(generation: Generation) -> None:
    """Rows beyond one batch keep their order and count."""
    numbers = cells(generation, "SELECT range AS n FROM range(45000)")
    assert [int(number) for [number] in numbers[1:]] == list(range(45_000))


def test_file_names_its_format(generation: Generation, tmp_path: Path) -> None:
    """The format follows the ending; an unknown one is refused with those there are."""
    assert export_file(generation, "artists", tmp_path / "a.ndjson") == 1
    with pytest.raises(
        SettingsError, match=r"a\.xlsx: no format goes by this ending\. Say one: csv, csv-semicolon, parquet, jsonl"
    ):
        export_file(generation, "artists", tmp_path / "a.xlsx")
    with pytest.raises(SettingsError, match="There is no format xml"):
        export_file(generation, "artists", tmp_path / "a.xlsx", "xml")


def test_file_there_is_kept(generation: Generation, tmp_path: Path) -> None:
    """A file is replaced only by force, and by a whole one."""
    path = tmp_path / "a.csv"
    path.write_text("mine", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"is there already"):
        export_file(generation, "artists", path)
    with pytest.raises(SettingsError, match=r"^The SELECT failed"):
        export_file(generation, "SELECT error('halfway') FROM artists", path, force=True)
    assert path.read_text(encoding="utf-8") == "mine"
    export_file(generation, "artists", path, force=True)
    assert path.read_text(encoding="utf-8").startswith("artist_id,")
