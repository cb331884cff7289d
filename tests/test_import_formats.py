"""What the scripts of old left behind is understood whatever its form: JSON, JSON lines, CSV, SQLite, lists of ids."""

from __future__ import annotations

import json
import os
import sqlite3
import sys
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import DamagedFile, SettingsError
from pipeline.moving.import_findings import Findings, ImportReport
from pipeline.moving.import_text import LARGEST_MB
from pipeline.moving.importing import import_history
from pipeline.published.generations import open_generation
from pipeline.published.live import live
from pipeline.queries.tracing import trace_rows
from pipeline.records.ledger import Ledger
from pipeline.workspace import Workspace
from tests.receipts import BANDA, VIOLA

ROW = ("Banda Um", 70, 31, ["mpb", "samba"], date(2024, 5, 1))
SPOTIFY = {"id": BANDA, "name": "Banda Um", "genres": ["samba", "mpb"], "followers": {"total": 70}, "popularity": 31}
FLAT = {"artist_uri": f"spotify:artist:{BANDA}", "nome": "Banda Um", "seguidores": 70, "popularidade": "31",
        "gêneros": "mpb, samba"}  # fmt: skip
CSV = f"""artist_uri,artist_name,popularity,followers,genres
spotify:artist:{BANDA},Banda Um,31,70.0,"['mpb', 'samba']"
"""
DATED = f"data_coleta;nome;uri;seguidores;popularidade;generos\n01/05/2024;Banda Um;{BANDA};70;31;mpb|samba\n"


def imported(workspace: Workspace, ledger: Ledger, path: Path, **options: Any) -> ImportReport:
    """Import a path for good."""
    return import_history(workspace, ledger, path, "run-1", **options)


def understood(
    workspace: Workspace, ledger: Ledger, path: Path, on: date | None = None
) -> tuple[ImportReport, list[tuple[Any, ...]]]:
    """What a path is understood as, and the observations that an import would commit; none is."""
    with live(workspace, ledger) as con:
        found = Findings(con, path, ledger.now().date(), on)
        found.load()
        rows = [(row["name"], row["followers"], row["popularity"], row["genres"] and sorted(row["genres"]), day)
                for day, artists in found.batches(100) for row in artists]  # fmt: skip
        return found.report(""), rows


def published(workspace: Workspace) -> list[tuple[Any, ...]]:
    """Name, numbers, genres and day of every observation."""
    return open_generation(workspace).rows(
        "SELECT name, s.followers, s.popularity, genres, observed_on "
        "FROM artist_snapshots s JOIN artists USING (artist_id) ORDER BY artist_id, observed_on"
    )


@pytest.mark.parametrize(
    ("name", "text", "file_format"),
    [
        ("artistas_2024-05-01.json", json.dumps([SPOTIFY]), "JSON"),
        ("artistas_20240501_030000.json", json.dumps([FLAT], indent=2), "JSON"),
        ("lines-2024-05-01", json.dumps(SPOTIFY) + "\n", "JSON"),
        ("01-05-2024.json", json.dumps({"artists": {"href": "x", "items": [SPOTIFY]}}), "JSON"),
        ("x.json", json.dumps({"data_coleta": "2024-05-01T03:00:00", "artistas": [FLAT]}), "JSON"),
        ("x.json", json.dumps([{**SPOTIFY, "collected_at": "2024-04-30T23:30:00-03:00"}]), "JSON"),
        ("2024_05_01.json", json.dumps({BANDA: {**SPOTIFY, "id": None}}), "JSON"),
        ("2024_05_01.json", json.dumps({"mpb": [SPOTIFY], "rock": []}), "JSON"),
        ("artists-2024-05-01.csv", CSV, "CSV with ','"),
        ("x.txt", DATED, "CSV with ';'"),
        ("x.tsv", DATED.replace(";", "\t"), "CSV with '\\t'"),
    ],
)
def test_text_files_are_understood(
    workspace: Workspace, ledger: Ledger, tmp_path: Path, name: str, text: str, file_format: str
) -> None:
    """Objects as Spotify gives them or flat ones, in English or Portuguese, dated within or by the file's name."""
    (tmp_path / name).write_text(text, encoding="utf-8")
    report, rows = understood(workspace, ledger, tmp_path / name)
    assert (report.files[0].format, report.observations, report.rejected, rows) == (file_format, 1, 0, [ROW])


def test_day_can_be_said(workspace: Workspace, ledger: Ledger, tmp_path: Path) -> None:
    """What carries no date is of the day that is said, whatever the file's name says."""
    (tmp_path / "x_2023-01-01.json").write_text(json.dumps(SPOTIFY), encoding="utf-8")
    imported(workspace, ledger, tmp_path / "x_2023-01-01.json", on=date(2024, 5, 1))
    assert published(workspace) == [ROW]


@pytest.mark.parametrize(("encoding", "name"), [("cp1252", "Violão"), ("utf-8-sig", "Violão"), ("utf-16", "Violão 🎸")])
def test_encodings_are_told_apart(
    workspace: Workspace, ledger: Ledger, tmp_path: Path, encoding: str, name: str
) -> None:
    """Text as spreadsheets on Windows write it arrives whole."""
    (tmp_path / "x.csv").write_bytes(f"id;nome;data\n{BANDA};{name};2024-05-01\n".encode(encoding))
    _, rows = understood(workspace, ledger, tmp_path / "x.csv")
    assert rows == [(name, None, None, None, date(2024, 5, 1))]


def database(path: Path, script: str) -> Path:
    """A SQLite file."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)
    return path


def test_one_table_is_understood(workspace: Workspace, ledger: Ledger, tmp_path: Path) -> None:
    """A table with everything in its columns; tables without artists are left alone."""
    script = f"""
        CREATE TABLE artistas (id TEXT PRIMARY KEY, nome TEXT, seguidores INTEGER, popularidade INTEGER,
            generos TEXT, data_coleta TEXT);
        INSERT INTO artistas VALUES ('{BANDA}', 'Banda Um', 70, 31, '["mpb", "samba"]', '2024-05-01 03:00:00');
        CREATE TABLE logs (id INTEGER PRIMARY KEY, message TEXT);
        INSERT INTO logs VALUES (1, 'started');
    """
    report = imported(workspace, ledger, database(tmp_path / "x.db", script))
    assert [(file.name, file.columns) for file in report.files] == [
        ("x.db, table artistas", {"id": "artist_id", "nome": "name", "seguidores": "followers",
                                  "popularidade": "popularity", "generos": "genres", "data_coleta": "day"}),
    ]  # fmt: skip
    assert published(workspace) == [ROW]


def test_tables_are_put_together(workspace: Workspace, ledger: Ledger, tmp_path: Path) -> None:
    """History by the database's own numbers, genres and names in tables of their own: one artist, two days."""
    script = f"""
        CREATE TABLE artistas (id INTEGER PRIMARY KEY, spotify_id TEXT, nome TEXT);
        INSERT INTO artistas VALUES (7, '{BANDA}', 'Banda Um');
        CREATE TABLE artista_generos (artist_id TEXT, genero TEXT);
        INSERT INTO artista_generos VALUES ('{BANDA}', 'samba'), ('{BANDA}', 'mpb');
        CREATE TABLE historico (id INTEGER PRIMARY KEY, artista_id INTEGER, seguidores INTEGER, data TEXT);
        INSERT INTO historico VALUES (1, 7, 60, '2024-04-30'), (2, 7, 70, '2024-05-01'), (3, 8, 1, '2024-05-01');
    """
    report = imported(workspace, ledger, database(tmp_path / "x.db", script))
    assert published(workspace) == [
        ("Banda Um", 60, None, ["mpb", "samba"], date(2024, 4, 30)),
        ("Banda Um", 70, None, ["mpb", "samba"], date(2024, 5, 1)),
    ]
    assert report.rejects == (("x.db, table historico", 3, "3 is no artist's id or link"),)


def test_folder_is_gone_through(workspace: Workspace, ledger: Ledger, tmp_path: Path) -> None:
    """Every file below a folder is read, folders may carry the day, what is not understood is told."""
    folder = tmp_path / "processed"
    for day, followers in (("2024-05-01", 70), ("2024-05-02", 71)):
        (folder / f"dt={day}").mkdir(parents=True)
        text = json.dumps({**SPOTIFY, "followers": followers})
        (folder / f"dt={day}" / "mpb.json").write_text(text, encoding="utf-8")
    (folder / "README.md").write_text("# Old scripts", encoding="utf-8")
    (folder / ".hidden.json").write_text("[", encoding="utf-8")
    report = imported(workspace, ledger, folder)
    assert [(file.name, file.dates) for file in report.files] == [
        ("dt=2024-05-01/mpb.json", "2024-05-01"),
        ("dt=2024-05-02/mpb.json", "2024-05-02"),
    ]
    assert [(name, line) for name, line, _ in report.rejects] == [("README.md", 0)]
    assert [row[1] for row in published(workspace)] == [70, 71]


def test_rejects_have_lines_and_reasons(workspace: Workspace, ledger: Ledger, tmp_path: Path) -> None:
    """What cannot be used is told by line; a wrong value costs itself, a wrong id or date its entry."""
    lines = [
        json.dumps({"id": BANDA, "followers": -1, "popularity": "101", "name": "Banda Um", "genres": 5}),
        "{broken",
        json.dumps({"id": "short", "name": "x"}),
        json.dumps({"id": VIOLA, "name": "x", "date": "2031-01-01"}),
        json.dumps({"id": VIOLA, "name": "x", "date": "soon"}),
        json.dumps({"url": f"https://open.spotify.com/album/{VIOLA}", "name": "x"}),
        "[7]",
    ]
    (tmp_path / "x.jsonl").write_text("\n".join(lines), encoding="utf-8")
    report, rows = understood(workspace, ledger, tmp_path / "x.jsonl", date(2024, 5, 1))
    assert report.rejects == (
        ("x.jsonl", 1, "followers: -1 is not a whole number from 0 to 1099511627776"),
        ("x.jsonl", 1, "popularity: '101' is not a whole number from 0 to 100"),
        ("x.jsonl", 1, "genres: 5 is no list of genres"),
        ("x.jsonl", 2, "not JSON (Expecting property name enclosed in double quotes)"),
        ("x.jsonl", 3, "'short' is no artist's id or link"),
        ("x.jsonl", 4, "date: 2031-01-01 is in the future"),
        ("x.jsonl", 5, "date: 'soon' is no date"),
        ("x.jsonl", 6, "a link to an album, not to an artist"),
        ("x.jsonl", 7, "a int where an artist belongs"),
    )
    assert rows == [("Banda Um", None, None, None, date(2024, 5, 1))]


def test_cut_array_keeps_its_beginning(workspace: Workspace, ledger: Ledger, tmp_path: Path) -> None:
    """Of a JSON file that was cut the whole objects arrive; the line of the cut is named."""
    text = json.dumps([SPOTIFY, {**SPOTIFY, "id": VIOLA}], indent=1)
    (tmp_path / "x.json").write_text(text[:-40], encoding="utf-8")
    report = imported(workspace, ledger, tmp_path / "x.json", on=date(2024, 5, 1))
    assert [line for _, line, _ in report.rejects] == [14, 14]
    assert published(workspace) == [ROW]


@pytest.mark.parametrize("end", ["", ",", ",\n"])
def test_cut_between_objects_is_named(workspace: Workspace, ledger: Ledger, tmp_path: Path, end: str) -> None:
    """A JSON list that was cut behind a whole object lacks its end, which is told: more may have been in it."""
    (tmp_path / "2024-05-01.json").write_text(f"[{json.dumps(SPOTIFY)}{end}", encoding="utf-8")
    report, rows = understood(workspace, ledger, tmp_path / "2024-05-01.json")
    assert [reason for _, _, reason in report.rejects] == ["the list does not end here: the file seems to be cut off"]
    assert rows == [ROW]


def test_undated_entries_are_rejected(workspace: Workspace, ledger: Ledger, tmp_path: Path) -> None:
    """Without any date nothing is made up: the entries are rejected, and how to say the day is told."""
    (tmp_path / "x.json").write_text(json.dumps([SPOTIFY]), encoding="utf-8")
    report = imported(workspace, ledger, tmp_path / "x.json")
    assert report.rejects == (("x.json", 1, "it carries no date, nor does the file's name: say one with --on"),)
    assert (report.observations, report.files[0].dates, ledger.runs()[0]["rows"]) == (0, "none", 0)


def test_numbers_of_no_day_are_dropped(workspace: Workspace, ledger: Ledger, tmp_path: Path) -> None:
    """A line without a date gives its name to the last day known of the artist; its numbers would be made up there."""
    (tmp_path / "x.csv").write_text(f"id,data,nome,seguidores\n{BANDA},2024-05-01,,70\n{BANDA},,Banda Um,12\n")
    report, rows = understood(workspace, ledger, tmp_path / "x.csv")
    lacking = "its numbers carry no date, nor does the file's name: say one with --on"
    assert (report.rejects, report.rejected, report.dropped) == ((("x.csv", 3, lacking),), 1, 1)
    assert rows == [("Banda Um", 70, None, None, date(2024, 5, 1))]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"artist_name,followers\nBanda,3\n", "names no column of artist ids"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "is nothing that can be imported"),
        (b"x" * 200_000, "is nothing that can be imported"),
    ],
)
def test_other_files_are_refused(
    workspace: Workspace, ledger: Ledger, tmp_path: Path, content: bytes, said: str
) -> None:
    """A file that is none of these is refused in a sentence that says what would be."""
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(SettingsError, match=said):
        imported(workspace, ledger, tmp_path / "x")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
def test_pipe_is_refused(workspace: Workspace, ledger: Ledger, tmp_path: Path) -> None:
    """A pipe, which would be waited for without end, is refused at once; in a folder it is passed over."""
    os.mkfifo(tmp_path / "x")
    with pytest.raises(SettingsError, match=r"x is no file but a pipe or a device: write it to a file first"):
        imported(workspace, ledger, tmp_path / "x")
    (tmp_path / "ids.txt").write_text(BANDA, "utf-8")
    assert imported(workspace, ledger, tmp_path).to_refresh == 1


@pytest.mark.skipif(sys.platform != "linux", reason="file names are text here")
def test_name_of_an_older_system(workspace: Workspace, ledger: Ledger, tmp_path: Path) -> None:
    """A file's name whose accents are no UTF-8 is shown without them, in the run as in its answers."""
    path = tmp_path / os.fsdecode("histórico 2024-05-01.csv".encode("latin-1"))
    path.write_text(f"id,name\n{BANDA},Banda Um\n", "utf-8")
    assert imported(workspace, ledger, path).observations == 1
    assert ledger.runs()[0]["message"] == "imported hist\ufffdrico 2024-05-01.csv: 1 entries read, 0 rejected"
    [origin] = trace_rows(workspace, ledger, "artists", {"artist_id": BANDA}, date(2024, 5, 1))
    assert origin.lines[0].object["received"][0]["file"] == "hist\ufffdrico 2024-05-01.csv"


def test_large_cell_costs_nothing(workspace: Workspace, ledger: Ledger, tmp_path: Path) -> None:
    """A cell of more letters than Python's reader takes by itself ends neither its row nor the file."""
    (tmp_path / "2024-05-01.csv").write_text(f"{CSV}{VIOLA},Viola,1,2,{'x' * 200_000}\n", "utf-8")
    report, _ = understood(workspace, ledger, tmp_path / "2024-05-01.csv")
    assert (report.observations, report.rejected) == (2, 0)


def test_text_beyond_memory_is_refused(workspace: Workspace, ledger: Ledger, tmp_path: Path) -> None:
    """Text of more than can be taken at once is refused before it is read, with what to do."""
    path = tmp_path / "2024-05-01.json"
    with path.open("wb") as file:
        file.write(b"[")
        file.truncate(LARGEST_MB * 1_000_000 + 1_000_000)
    with pytest.raises(SettingsError, match=r"has 513 MB, of text 512 at most.*Split it into several files"):
        imported(workspace, ledger, path)


def test_damaged_database_is_named(workspace: Workspace, ledger: Ledger, tmp_path: Path) -> None:
    """A SQLite file that is cut is an error of ours."""
    path = database(tmp_path / "x.db", f"CREATE TABLE a (id TEXT); INSERT INTO a VALUES ('{BANDA}');")
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(DamagedFile, match=r"x\.db cannot be read"):
        imported(workspace, ledger, path)
    with pytest.raises(SettingsError, match="no table with artist ids"):
        imported(workspace, ledger, database(tmp_path / "y.db", "CREATE TABLE logs (id INTEGER);"))
