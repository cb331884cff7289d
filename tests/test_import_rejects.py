"""What an import did not take is told afterwards, too: by the log of its run, by `imports`, on its page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pages._run_words import told
from pages._text import Text
from pipeline.cli.commands import main
from pipeline.keeping.imported import list_imports, purge_import
from pipeline.moving.importing import MOST_NOTED, import_history
from pipeline.records.events import REJECTED, EventFilter, read_events, read_rejects
from pipeline.records.ledger import Ledger
from pipeline.records.lock import hold_run_lock
from pipeline.workspace import Workspace
from tests.screens import install_service, open_screen

BANDA, VIOLA = "0Banda00000000000000AA", "0Viola00000000000000AA"
CSV = f"id,data,seguidores\n{BANDA},2024-05-01,7\n{VIOLA},2024-05-01,muitos\nViola,2024-05-01,9\n"
FOUND = [
    {"file": "old.csv", "line": 3, "reason": "seguidores: 'muitos' is no number"},
    {"file": "old.csv", "line": 4, "reason": "'Viola' is no artist's id or link"},
]


def written(folder: Path, text: str = CSV) -> Path:
    """A file of old history."""
    (folder / "old.csv").write_text(text, encoding="utf-8")
    return folder / "old.csv"


def test_log_says_why(workspace: Workspace, ledger: Ledger, tmp_path: Path) -> None:
    """Each reject is a warning of the run, with file, line and reason; the run's message counts values apart."""
    import_history(workspace, ledger, written(tmp_path), "run-1")
    lines = read_events(ledger, EventFilter("run-1", level="WARNING"))
    assert [(line["event"], line["message"]) for line in lines] == [
        (REJECTED, "old.csv line 3: seguidores: 'muitos' is no number"),
        (REJECTED, "old.csv line 4: 'Viola' is no artist's id or link"),
    ]
    assert read_rejects(ledger, "run-1") == (FOUND, 0)
    assert ledger.runs()[0]["message"] == "imported old.csv: 3 entries read, 1 rejected, 1 single values dropped"


def test_log_stays_short(workspace: Workspace, ledger: Ledger, tmp_path: Path) -> None:
    """Of thousands of rejects the first are kept, and how many more there were."""
    lines = "".join(f"nobody {number},2024-05-01,1\n" for number in range(3_000))
    import_history(workspace, ledger, written(tmp_path, CSV + lines), "run-1")
    rows, more = read_rejects(ledger, "run-1")
    assert (len(rows), more) == (MOST_NOTED, 3_002 - MOST_NOTED)
    assert read_events(ledger, EventFilter("run-1"))[-1]["message"] == f"{more} more"
    assert list_imports(ledger)[0].rejected == 3_002


def test_rejects_go_with_their_import(workspace: Workspace, ledger: Ledger, tmp_path: Path) -> None:
    """An import that is taken back leaves nothing of what it did not take."""
    import_history(workspace, ledger, written(tmp_path), "run-1")
    with hold_run_lock(workspace, "purge", "purge", ledger.now()):
        purge_import(workspace, ledger, "run-1")
    assert read_rejects(ledger, "run-1") == ([], 0)


def test_all_rejected_is_kept(at_hand: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An import of which every entry is rejected stays with its rejects like any other, and can be taken back."""
    path = written(tmp_path, "id,data,seguidores\n" + "".join(f"nobody {n},2024-05-01,1\n" for n in range(30)))
    assert main(["import", str(path)]) == 1
    run_id = capsys.readouterr().out.rpartition("--import ")[2].strip()
    assert main(["imports", "--json"]) == 0
    [told] = json.loads(capsys.readouterr().out)
    assert (told["run_id"], told["file"], told["rows"], told["rejected"]) == (run_id, str(path), 0, 30)
    assert main(["purge", "--import", run_id, "--yes"]) == 0
    capsys.readouterr()
    assert main(["imports"]) == 0
    assert capsys.readouterr().out == "nothing was imported\n"


def test_files_without_artists_are_told(workspace: Workspace, ledger: Ledger, tmp_path: Path) -> None:
    """Of a folder with nothing that can be imported each file is told, and why; it is kept as rejected."""
    folder = tmp_path / "old"
    folder.mkdir()
    (folder / "notes.txt").write_text("nothing here\n", encoding="utf-8")
    report = import_history(workspace, ledger, folder, "run-1")
    [(name, _, why)] = report.rejects
    assert (name, why.partition(":")[0]) == ("notes.txt", f"{folder}/notes.txt is nothing that can be imported")
    assert told(why, Text("pt_BR")).endswith("SQLite, planilhas e listas de ids ou links.")
    assert [each.rejects for each in list_imports(ledger)] == [report.rejects]


@pytest.mark.parametrize(
    ("reason", "motivo"),
    [
        ("its numbers carry no date, nor does the file's name: say one with --on", "seus números não trazem data"),
        ("no ids or links of artists in cells of their own; a link behind a name is not seen", "sem ids ou links"),
    ],
)
def test_reasons_are_in_portuguese(reason: str, motivo: str) -> None:
    """Why nothing was taken of a line or a sheet is in the reader's language."""
    assert told(reason, Text("pt_BR")).startswith(motivo)


def test_commands_tell_rejects(at_hand: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`imports` tells the first rejects of each import and where more are; `logs` tells them, too."""
    assert main(["import", str(written(tmp_path, CSV + "a,2024-05-01,1\n" * 2))]) == 0
    run_id = capsys.readouterr().out.rpartition("--import ")[2].strip()
    assert main(["imports"]) == 0
    assert capsys.readouterr().out.splitlines()[1:] == [
        "  rejected old.csv line 3: seguidores: 'muitos' is no number",
        "  rejected old.csv line 4: 'Viola' is no artist's id or link",
        "  rejected old.csv line 5: 'a' is no artist's id or link",
        f"  rejected 1 more: python -m pipeline logs {run_id}",
    ]
    assert main(["imports", "--json"]) == 0
    [told] = json.loads(capsys.readouterr().out)
    assert (told["rejected"], told["rejects"][0]) == (4, list(FOUND[0].values()))
    assert main(["logs", run_id]) == 0
    assert "old.csv line 6: 'a' is no artist's id or link" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", ("Rejected", "seguidores: 'muitos' is no number", "and 2 more", "1 single values dropped")),
        ("pt", ("Recusados", "seguidores: 'muitos' não é um número", "e mais 2", "valores isolados descartados 1")),
    ],
)
def test_page_tells_rejects(tmp_path: Path, language: str, said: tuple[str, ...]) -> None:
    """The page of an import says what was not taken, line by line, in the reader's language."""
    service = install_service(tmp_path / "data", workspace="archive")
    path = written(tmp_path, CSV + "a,2024-05-01,1\n" * MOST_NOTED)
    import_history(service.workspace, service.ledger, path, "run-1")
    words = open_screen("run.py", language, id="run-1").words
    assert [each for each in said if each not in words] == []
