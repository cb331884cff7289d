"""An import is taken back: nothing of it is left on the disk, and everything is as if it had never been there."""

from __future__ import annotations

import re
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pipeline.cli.commands import main
from pipeline.errors import DamagedFile, SettingsError
from pipeline.keeping.binding import PAYS, bind
from pipeline.keeping.imported import Import, list_imports, purge_import
from pipeline.keeping.recovery import recover
from pipeline.keeping.retention import apply_retention
from pipeline.lake.store import require_ledger, sweep
from pipeline.moving.backup import back_up
from pipeline.moving.importing import import_history
from pipeline.published.compaction import compact
from pipeline.published.generations import open_generation
from pipeline.published.publish import publish
from pipeline.records.followed import follow, followed_ids, unfollow
from pipeline.records.ledger import Ledger
from pipeline.schema import PUBLISHED
from pipeline.settings import Settings
from pipeline.workspace import Workspace
from tests.conftest import SERVER, Clock
from tests.copies import made_once
from tests.harm import stop
from tests.receipts import BANDA, VIOLA, artist, commit_lines, line, names
from tests.test_import_commits import NOVA, entry, written
from tests.test_purge_artist import texts

WRONG = "20261122T060000-badbad"
LISTED = "8Lista0000000000000000"
Before = tuple[dict[str, list[Any]], tuple[str, ...]]
SIGNS = (WRONG, "wrong.jsonl", VIOLA, "Falsa Viola", LISTED, "forro errado")


def published(workspace: Workspace) -> dict[str, list[Any]]:
    """Every published row; numbers of artists are dealt anew by a purge, and join the same rows."""
    generation = open_generation(workspace)
    exclude = {
        name: "* EXCLUDE artist_no" if "artist_no" in PUBLISHED[name].column_names() else "*" for name in PUBLISHED
    }
    return {name: generation.rows(f"SELECT {exclude[name]} FROM {name} ORDER BY ALL") for name in PUBLISHED}


def collected(workspace: Workspace, ledger: Ledger) -> None:
    """A run, an import that stays, and somebody followed."""
    commit_lines(workspace, ledger, line("2026-11-21", artist(followers={"total": 90}), artist(NOVA, name="Nova")))
    ledger.finish_run("run-1", "succeeded")
    right = written(
        workspace.root.parent / "right.jsonl", entry(followers=70, nome="Banda Um"), f"spotify:artist:{NOVA}"
    )
    import_history(workspace, ledger, right, "run-2")
    publish(workspace, ledger)


def wrong(workspace: Workspace, ledger: Ledger) -> None:
    """The wrong file, an hour later: days of one known and of one new artist, and one more to follow."""
    now, later = ledger._now, ledger.now() + timedelta(hours=1)
    ledger._now = lambda: later
    entries = (entry(followers=7_000_000, generos=["forro errado"]), entry(day="2024-05-02", followers=1),
               entry(VIOLA, nome="Falsa Viola", followers=5), f"spotify:artist:{LISTED}")  # fmt: skip
    path = written(workspace.root.parent / "wrong.jsonl", *entries)
    report = import_history(workspace, ledger, path, WRONG)
    assert (report.to_follow, report.run_id) == (1, WRONG)
    ledger._now = now


def collected_and_wrong(workspace: Workspace, ledger: Ledger) -> None:
    """Both, and what was there before the second."""
    collected(workspace, ledger)
    _before.append((published(workspace), followed_ids(ledger)))
    wrong(workspace, ledger)


_before: list[Before] = []


def bring(workspace: Workspace, ledger: Ledger, clock: Clock) -> Before:
    """A workspace that took in the wrong file within the last hour; tables and list of before it."""
    made_once(workspace, ledger, collected_and_wrong)
    clock.move(hours=1)
    return _before[-1]


def test_nothing_is_left(workspace: Workspace, ledger: Ledger, clock: Clock) -> None:
    """No file says its run, its name, its artists or its values; tables and list are those of a store without it."""
    before, listed = bring(workspace, ledger, clock)
    assert [sign for sign in SIGNS if not any(sign in said for said in texts(workspace).values())] == []
    assert (published(workspace) == before, followed_ids(ledger) == listed) == (False, False)
    ledger.add_event("WARNING", "check_failed", f"lake/artists/day=2024-05-01/{WRONG}-import-00001-1.parquet is gone")
    done = purge_import(workspace, ledger, WRONG)
    assert done is not None
    assert (done.parts, done.raw_files, done.rows["artist_snapshots"], done.artists, done.stays) == (7, 3, 4, 3, 1)
    assert [(sign, path) for path, said in texts(workspace).items() for sign in SIGNS if sign in said] == []
    assert (published(workspace), followed_ids(ledger), sweep(workspace, ledger)) == (before, listed, 0)


def test_dry_run_changes_nothing(workspace: Workspace, ledger: Ledger, clock: Clock) -> None:
    """It tells what the purge then does."""
    bring(workspace, ledger, clock)
    before = published(workspace)
    told = purge_import(workspace, ledger, WRONG, dry_run=True)
    assert (published(workspace), len(followed_ids(ledger))) == (before, 2)
    done = purge_import(workspace, ledger, WRONG)
    assert told is not None
    assert {**told.__dict__, "dry_run": False} == done.__dict__


def test_bound_parts_go_too(workspace: Workspace, ledger: Ledger, clock: Clock) -> None:
    """Where its answers went with age, and its parts lie in volumes with others, others alone are left there."""
    collected(workspace, ledger)
    days = (entry(NOVA, f"2024-05-{day:02d}", followers=day) for day in range(3, 3 + PAYS))
    import_history(workspace, ledger, written(workspace.root.parent / "more.jsonl", *days), "run-3")
    before = published(workspace)
    wrong(workspace, ledger)
    clock.move(days=200)
    apply_retention(workspace, ledger, Settings(keep_raw_days=90), ledger.now().date())
    assert bind(workspace, ledger).volumes
    done = purge_import(workspace, ledger, WRONG)
    assert done is not None
    assert (done.parts, done.raw_files, done.stays) == (7, 0, 1)
    assert [(sign, path) for path, said in texts(workspace).items() for sign in SIGNS if sign in said] == []
    assert published(workspace) == before


def test_interrupted_purge_ends_later(
    workspace: Workspace, ledger: Ledger, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever it stops, no ledger is taken for lost, and the same command goes on; then there is no such import."""
    before, _ = bring(workspace, ledger, clock)
    for at in ("exchange.place_truth", "exchange.remove_truth", "imported.sweep", "imported._forget"):
        with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
            patched.setattr(f"pipeline.keeping.{at}", stop)
            purge_import(workspace, ledger, WRONG)
        require_ledger(workspace, ledger)
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr("pipeline.keeping.exchange.rebuild", stop)
        purge_import(workspace, ledger, WRONG)
    assert purge_import(workspace, ledger, WRONG) is None  # all that was left to do is to show it
    assert [(sign, path) for path, said in texts(workspace).items() for sign in SIGNS if sign in said] == []
    assert published(workspace) == before
    with pytest.raises(SettingsError, match=rf"{WRONG} is no import; these are: run-2 \(.*right.jsonl\)"):
        purge_import(workspace, ledger, WRONG)


def test_only_import_can_go(workspace: Workspace, ledger: Ledger) -> None:
    """A workspace that held nothing else is empty then, and takes the right file; also where it was compacted."""
    path = written(workspace.root.parent / "wrong.jsonl", entry(followers=7))
    import_history(workspace, ledger, path, WRONG)
    assert compact(workspace, ledger, all_months=True).rows == 1
    purge_import(workspace, ledger, WRONG)
    require_ledger(workspace, ledger)
    assert [rows for name, rows in published(workspace).items() if rows] == []
    assert import_history(workspace, ledger, path, "run-2").observations == 1


def test_backup_goes_on(workspace: Workspace, ledger: Ledger, clock: Clock, tmp_path: Path) -> None:
    """Where a backup has nothing but what was taken back since, the next one in its folder lets go of it, too."""
    path = written(workspace.root.parent / "wrong.jsonl", entry(followers=7))
    import_history(workspace, ledger, path, WRONG)
    back_up(workspace, tmp_path / "backup", clock.now())
    purge_import(workspace, ledger, WRONG)
    import_history(workspace, ledger, path, "run-2")
    back_up(workspace, tmp_path / "backup", clock.now())
    assert [name for name in names(tmp_path / "backup") if WRONG in name] == []


def test_list_goes_as_it_came(workspace: Workspace, ledger: Ledger, clock: Clock) -> None:
    """An import that only lengthened the list is a run, too; who was followed before, or again since, stays on it."""
    commit_lines(workspace, ledger, line("2026-11-21", artist(), artist(NOVA), artist(VIOLA)))
    ledger.finish_run("run-1", "succeeded")
    follow(ledger, [BANDA])
    clock.move(hours=1)
    path = written(workspace.root.parent / "list.jsonl", *(f"spotify:artist:{each}" for each in (BANDA, NOVA, VIOLA)))
    import_history(workspace, ledger, path, WRONG)
    began = ledger.now()
    clock.move(hours=1)
    unfollow(ledger, [VIOLA])
    follow(ledger, [VIOLA])
    assert list_imports(ledger) == [Import(WRONG, str(path), began, "succeeded", 0, None, None, 1)]
    purge_import(workspace, ledger, WRONG)
    assert (followed_ids(ledger), list_imports(ledger)) == ((BANDA, VIOLA), [])


def test_damage_is_refused(workspace: Workspace, ledger: Ledger, clock: Clock) -> None:
    """A file of artists that cannot be trusted is named, with the command that mends it; nothing changed."""
    bring(workspace, ledger, clock)
    part = workspace.root / ledger.read("SELECT path FROM parts WHERE table_name = 'artists'")[0]["path"]
    part.write_bytes(part.read_bytes()[:-4])
    with pytest.raises(DamagedFile, match=r"python -m pipeline recover"):
        purge_import(workspace, ledger, WRONG)
    assert (len(list_imports(ledger)), sweep(workspace, ledger)) == (2, 0)


def test_collecting_run_is_no_import(workspace: Workspace, ledger: Ledger) -> None:
    """What was collected is not taken back by its run, and is left as it is."""
    commit_lines(workspace, ledger, line("2026-11-21", artist()))
    with pytest.raises(
        SettingsError, match=r"run-1 is no import; there is none in this workspace\. Nothing was changed"
    ):
        purge_import(workspace, ledger, "run-1")
    assert len(ledger.parts()) == 2


def test_command_takes_back(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An import ends with the command that takes it back; that tells what would go, asks, does it, and it is gone."""
    monkeypatch.setenv("GARIMPO_DATA", str(workspace.root.parent))
    monkeypatch.setenv("GARIMPO_WORKSPACE", workspace.name)
    monkeypatch.chdir(tmp_path)
    path = written(tmp_path / "wrong.jsonl", entry(followers=7), f"spotify:artist:{LISTED}")
    assert main(["import", str(path)]) == 0
    command = capsys.readouterr().out.splitlines()[-1].partition("to take it back: python -m pipeline ")[2].split()
    assert main(["imports"]) == 0
    listed = capsys.readouterr().out.rstrip("\n")
    assert re.fullmatch(
        rf"import {command[-1]} of .*wrong\.jsonl, .*: \d rows, days 2024-05-01 to .*, put on the list 1", listed
    )
    assert main([*command, "--dry-run"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert (told[0], told[1].endswith("raw files would go")) == (listed, True)
    assert main(command) == 2
    assert "say --yes" in capsys.readouterr().err
    assert main([*command, "--yes"]) == 0
    capsys.readouterr()
    assert (main(["imports"]), capsys.readouterr().out) == (0, "nothing was imported\n")


@pytest.mark.parametrize("words", [[WRONG, "--artist", "a1"], [WRONG, "--all"], [" "]])
def test_one_thing_is_purged(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """An import beside something else, or without its run, is refused before anything is opened."""
    assert main(["purge", "--import", *words]) == 2
    assert "Say --artist with an id, --import with a run, or --all: one of them." in capsys.readouterr().err


@pytest.mark.skipif(bool(SERVER), reason="removes the file of the ledger")
def test_lost_ledger_forgets_no_import(workspace: Workspace, ledger: Ledger, clock: Clock, tmp_path: Path) -> None:
    """Of a ledger that was written anew, and its list brought back, an import can be taken back as of the old one."""
    before, listed = bring(workspace, ledger, clock)
    publish(workspace, ledger)
    back_up(workspace, tmp_path / "backup", clock.now())
    ledger.close()
    workspace.ledger_file.unlink()
    recover(workspace, clock.now, tmp_path / "backup")
    with closing(Ledger(workspace.ledger, clock.now)) as anew:
        assert [(each.run_id, each.file, each.rows, each.followed) for each in list_imports(anew)] == [
            (WRONG, "wrong.jsonl", 9, 1), ("run-2", "right.jsonl", 2, 1),
        ]  # fmt: skip
        purge_import(workspace, anew, WRONG)
        assert (published(workspace), followed_ids(anew)) == (before, listed)
