"""The code of docs/integrations/reading.md and a small lake to run it on: two answers about a day, a file too many."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

from pipeline.published.publish import publish
from pipeline.records.ledger import Ledger
from pipeline.settings import Settings
from pipeline.workspace import Workspace, open_workspace
from tests.payloads import artist, commit, search_line

__all__ = ["NAME", "SNAPSHOTS", "lake", "ran"]

PAGE = Path(__file__).resolve().parents[1] / "docs" / "integrations" / "reading.md"
NAME = "Anabel"
# Artist, day, followers, popularity: of two answers on a day the later counts, as far as it knows.
SNAPSHOTS = [
    ("a1", date(2026, 11, 21), 10, 5),
    ("a1", date(2026, 11, 22), 30, 7),
    ("a2", date(2026, 11, 22), 40, 5),
]


def lake(folder: Path) -> Workspace:
    """A workspace with those snapshots in three files, published, and a fourth file that nobody committed.

    Both artists have one name.
    """
    workspace = open_workspace(Settings(data=folder, workspace="demo"))
    ledger = Ledger(workspace.ledger)
    commit(workspace, ledger, "b1", search_line(artist("a1", name=NAME), day="2026-11-21"))
    first = artist("a1", name=NAME, followers={"total": 20}, popularity=7)
    commit(workspace, ledger, "b2", search_line(first, artist("a2", name=NAME, followers={"total": 40})))
    commit(workspace, ledger, "b3", search_line(artist("a1", name=NAME, followers={"total": 30}, popularity=None)))
    publish(workspace, ledger)
    ledger.close()
    committed = next((workspace.lake / "artist_snapshots").glob("*/*.parquet"))
    committed.with_name("killed-b4-1.parquet").write_bytes(committed.read_bytes())
    return workspace


def ran(*headings: str, **given: Any) -> dict[str, Any]:
    """The names that the code under these headings leaves behind."""
    sections = re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    for heading in ("Which files count", *headings):
        (section,) = [each for each in sections if each.startswith(f"{heading}\n")]
        for code in re.findall(r"^```python\n(.*?)^```", section, flags=re.MULTILINE | re.DOTALL):
            exec(compile(code, f"{PAGE.name}: {heading}", "exec"), given)  # noqa: S102  our own documentation
    return given
