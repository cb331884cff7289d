"""As of a day: every question is answered with what had been observed by then."""

from __future__ import annotations

import random
import shutil
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from pipeline.published import steps
from pipeline.published.compaction import compact
from pipeline.published.generations import open_generation
from pipeline.published.publish import publish
from pipeline.records.ledger import Ledger
from pipeline.settings import Settings
from pipeline.workspace import Workspace, open_workspace
from tests.payloads import artist, commit, search_line
from tests.published import answers
from tests.test_publish_equal import some_lines

D20, D21 = date(2026, 11, 20), date(2026, 11, 21)


def collect(workspace: Workspace, ledger: Ledger, *days: str) -> None:
    """Commit a batch with one artist for each day, and publish."""
    for day in days:
        number = len(ledger.parts())
        line = search_line(artist("a1", name=f"Name of {day}", followers={"total": number}), day=day)
        commit(workspace, ledger, f"b{number:04d}", line)
    publish(workspace, ledger)


THEN = date(2026, 10, 29)
DAYS = [*(date(2026, 10, 27 + number) for number in range(5)), date(2026, 11, 1)]


@pytest.mark.parametrize("small", [steps.SMALL, -1], ids=["small", "large"])
def test_past_is_as_it_was(monkeypatch, workspace: Workspace, ledger: Ledger, tmp_path: Path, small: int):
    """What is known as of a day is what a store would hold that had only been given the lines up to that day.

    Wherever the rows lie: in tables, in history files, and in both after a batch of an earlier day that came late.
    """
    monkeypatch.setattr(steps, "SMALL", small)
    rng, then = random.Random(3), open_workspace(Settings(data=tmp_path / "then", workspace="test"))
    with closing(Ledger(then.ledger, ledger.now)) as other:

        def bring(*days: date) -> None:
            for day in days:
                lines, number = some_lines(rng, day.isoformat()), len(ledger.parts())
                commit(workspace, ledger, f"b{number}", *lines)
                if day <= THEN:
                    commit(then, other, f"b{number}", *lines)
            publish(workspace, ledger), publish(then, other)

        bring(*DAYS)
        known = answers(open_generation(then))
        assert answers(open_generation(workspace, THEN)) == known
        compact(workspace, ledger, all_months=True)
        assert answers(open_generation(workspace, THEN)) == known
        bring(date(2026, 10, 28))
        found, known = open_generation(workspace, THEN), answers(open_generation(then))
        assert (answers(found), found.number) == (known, open_generation(workspace).number)


@pytest.mark.parametrize("kept", [1, -1], ids=["as answered", "the later answer first"])
def test_later_rows_of_a_part_stay_out(workspace: Workspace, ledger: Ledger, kept: int):
    """A batch that lasted over midnight is split by the day of each answer, in whatever order they were kept."""
    lines = [search_line(artist(name), day=day) for name, day in (("a1", "2026-11-20"), ("a2", "2026-11-21"))]
    commit(workspace, ledger, "b1", *lines[::kept])
    publish(workspace, ledger)
    assert open_generation(workspace, D20).rows("SELECT artist_id FROM artists") == [("a1",)]
    assert open_generation(workspace, D21).rows("SELECT artist_id FROM artists ORDER BY 1") == [("a1",), ("a2",)]


def test_three_days_are_cached(workspace: Workspace, ledger: Ledger):
    """A day asked again is not built again, the three asked for last are kept; before the first nothing was known."""
    collect(workspace, ledger, "2026-11-18")
    opened = [open_generation(workspace, date(2026, 11, day)) for day in (17, 18, 20, 18, 21)]
    assert opened[1] is opened[3]
    assert not any(answers(opened[0]).values())
    kept = sorted(path.name for path in (workspace.db / "as-of").iterdir())
    assert kept == [f"garimpo-00000001-2026-11-{day}.duckdb" for day in (18, 20, 21)]


def test_cache_goes_with_its_generation(workspace: Workspace, ledger: Ledger):
    """A new generation is asked anew; what was made of generations that went is gone.

    So is the half-built database of a killed process, which is never read.
    """
    collect(workspace, ledger, "2026-11-20")
    (workspace.db / "as-of").mkdir()
    (workspace.db / "as-of" / ".tmp-99-garimpo-00000001-2026-11-21.duckdb").write_bytes(b"half")
    assert open_generation(workspace, D21).rows("SELECT name FROM artists") == [("Name of 2026-11-20",)]
    for _ in range(3):
        collect(workspace, ledger, "2026-11-21")
    assert list((workspace.db / "as-of").iterdir()) == []
    assert open_generation(workspace, D21).rows("SELECT name FROM artists") == [("Name of 2026-11-21",)]


def test_workspace_made_again_has_its_own_past(tmp_path: Path):
    """Under the same path, number and day another workspace shows its own rows, while somebody reads the first."""
    seen, held = [], []
    for name in ("first", "other"):
        workspace = open_workspace(Settings(data=tmp_path, workspace="test"))
        with closing(Ledger(workspace.ledger)) as ledger:
            commit(workspace, ledger, "b1", search_line(artist("a1", name=name), day="2026-11-20"))
            commit(workspace, ledger, "b2", search_line(artist("a2", name="later"), day="2026-11-21"))
            publish(workspace, ledger)
        held += [open_generation(workspace), open_generation(workspace, D20)]
        seen += [(each.number, each.rows("SELECT name FROM artists ORDER BY artist_id")) for each in held[-2:]]
        shutil.rmtree(workspace.root)
    assert seen == [
        (1, [("first",), ("later",)]), (1, [("first",)]), (1, [("other",), ("later",)]), (1, [("other",)]),
    ]  # fmt: skip


def test_moved_folder_is_read(workspace: Workspace, ledger: Ledger, tmp_path: Path):
    """Where the whole folder was moved its history files are found where they are, as of a day too."""
    collect(workspace, ledger, "2026-09-20", "2026-10-20", "2026-11-20")
    compact(workspace, ledger)
    before = answers(open_generation(workspace))
    moved = Workspace(tmp_path / "elsewhere")
    shutil.copytree(workspace.root, moved.root)
    shutil.rmtree(workspace.lake)
    assert answers(open_generation(moved)) == before
    assert len(open_generation(moved, date(2026, 10, 31)).rows("FROM artist_snapshots")) == 2
    here = [path.relative_to(moved.root).parts[0] for path in open_generation(moved).history_paths()]
    assert here == ["lake", "lake"]
