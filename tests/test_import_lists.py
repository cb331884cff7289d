"""Lists of artists to follow need neither titles nor days: names and links as people write them down or paste them."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.moving.import_files import read_list
from pipeline.records.followed import followed_ids
from pipeline.records.ledger import Ledger
from pipeline.workspace import Workspace
from tests.receipts import BANDA, VIOLA
from tests.test_import_formats import imported, understood


def test_named_links_are_followed(workspace: Workspace, ledger: Ledger, tmp_path: Path) -> None:
    """A table of names and links needs no day: they are artists to ask about, as links alone are."""
    (tmp_path / "x.csv").write_text(f"Artista;Link\nBanda Um;https://open.spotify.com/artist/{BANDA}\n", "utf-8")
    report = imported(workspace, ledger, tmp_path / "x.csv")
    assert (report.to_refresh, report.new_artists, report.observations, report.rejected) == (1, 1, 0, 0)


@pytest.mark.parametrize(
    "line",
    [
        "{id},Banda Um",
        "Banda Um;https://open.spotify.com/artist/{id}?si=1",
        "{id}\tBanda Um",
        "Banda Um\t{id}\t\tligar",
    ],
)
def test_names_beside_links_need_no_titles(workspace: Workspace, ledger: Ledger, tmp_path: Path, line: str) -> None:
    """Names and links without a line of titles are a list, too; a number beside an id is not taken for a name."""
    (tmp_path / "x.txt").write_text(f"{line.format(id=BANDA)}\n{VIOLA},31\n{VIOLA}\n", "utf-8")
    report, _ = understood(workspace, ledger, tmp_path / "x.txt")
    assert (report.to_refresh, report.observations, report.rejected) == (2, 0, 1)


def test_list_beside_history_is_followed(workspace: Workspace, ledger: Ledger, tmp_path: Path) -> None:
    """Whom a list names is followed, also where another file of the import has history of it."""
    folder = tmp_path / "old"
    folder.mkdir()
    (folder / "history.csv").write_text(f"id,data,seguidores\n{BANDA},2024-05-01,7\n{VIOLA},2024-05-01,9\n", "utf-8")
    (folder / "whom.txt").write_text(f"{BANDA}\n", "utf-8")
    report = imported(workspace, ledger, folder)
    assert (report.to_follow, report.observations, report.to_refresh) == (1, 2, 0)
    assert followed_ids(ledger) == (BANDA,)


@pytest.mark.parametrize(
    ("text", "named", "nobody"),
    [
        (f"{BANDA}\n\nspotify:artist:{VIOLA}", {BANDA: "", VIOLA: ""}, []),
        (f"Nome;Link\nBanda;{BANDA}\nSem link;\n", {BANDA: "Banda"}, [3]),
        (f"Banda\t{BANDA}\tsamba\n{BANDA}\nspotify:album:{VIOLA}\n", {BANDA: "Banda"}, [3]),
        ("Banda\nViola", {}, [1, 2]),
        ("Banda\tsamba\n\nViola\tlink\n", {}, [1, 3]),
        ("", {}, []),
    ],
)
def test_pasted_list_names_artists(text: str, named: dict[str, str], nobody: list[int]) -> None:
    """Whom it names by link has the last name beside one, and lines that name nobody are told by number."""
    assert read_list(text) == (named, nobody)
