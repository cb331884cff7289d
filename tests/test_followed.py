"""The list of followed artists: one for the workspace, kept and carried as the ledger is."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from pipeline.keeping.purge import purge_artist
from pipeline.keeping.recovery import recover
from pipeline.moving.backup import back_up, restore
from pipeline.published.publish import publish
from pipeline.records.followed import follow, followed_ids, followed_list, is_followed, unfollow
from pipeline.records.ledger import Ledger
from pipeline.text import Text
from pipeline.watching.freshness import own_targets, set_target
from pipeline.watching.schedules import Schedule, add_schedule, list_schedules
from pipeline.watching.telling import new_releases
from pipeline.workspace import Workspace
from tests.conftest import SERVER, Clock
from tests.payloads import album, albums_line, commit, search_line
from tests.payloads import artist as known
from tests.receipts import artist, commit_lines, line


def listed(workspace: Workspace) -> tuple[str, ...]:
    """Who is followed, as somebody else who opens the ledger sees it."""
    with closing(Ledger(workspace.ledger)) as ledger:
        return followed_ids(ledger)


def test_list_holds_each_once(ledger: Ledger, clock: Clock) -> None:
    """Who is followed again keeps the instant since when; who is let go of is gone, others stay."""
    follow(ledger, ["b", "a"])
    first = clock.now().timestamp()
    clock.move(days=1)
    follow(ledger, ["c", "a"])
    unfollow(ledger, ["b", "nobody"])
    rows = [{"artist_id": "a", "followed_at": first}, {"artist_id": "c", "followed_at": clock.now().timestamp()}]
    assert ledger.read("SELECT artist_id, followed_at FROM followed ORDER BY artist_id") == rows
    assert [is_followed(ledger, each) for each in "abc"] == [True, False, True]


def test_backup_carries_the_list(filled: Workspace, ledger: Ledger, clock: Clock, other: Workspace) -> None:
    """A restored workspace follows whom the backed-up one followed, not whom it followed itself since."""
    follow(ledger, ["a", "b"])
    back_up(filled, other.root.parent / "backup", clock.now())
    follow(ledger, ["c"])
    restore(other.root.parent / "backup", other, clock.now)
    assert (listed(other), listed(filled)) == (("a", "b"), ("a", "b", "c"))


def test_unknown_artist_is_purged(filled: Workspace, ledger: Ledger) -> None:
    """Somebody of whom there is nothing but a place on the list goes from it, and a dry run says that it would."""
    follow(ledger, ["0Unknown00000000000000", "a"])
    assert purge_artist(filled, ledger, "0Unknown00000000000000", dry_run=True).ledger_rows == 1
    assert followed_ids(ledger) == ("0Unknown00000000000000", "a")
    purge_artist(filled, ledger, "0Unknown00000000000000")
    assert followed_ids(ledger) == ("a",)


@pytest.mark.parametrize(("harm", "left"), [("damaged", ("a", "b")), ("lost", ())])
def test_lost_ledger_loses_the_list(
    filled: Workspace, ledger: Ledger, clock: Clock, harm: str, left: tuple[str, ...]
) -> None:
    """Of a damaged ledger what can be read of the list stays; with a lost one it is gone: no file tells of it."""
    follow(ledger, ["a", "b"])
    ledger.close()
    with closing(sqlite3.connect(filled.ledger_file)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
        page = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'runs'").fetchone()[0]
    if harm == "lost":
        filled.ledger_file.unlink()
    else:
        spoil(filled.ledger_file, page)
    assert all(finding.mended for finding in recover(filled, clock.now))
    assert listed(filled) == left


def spoil(path: Path, page: int) -> None:
    """Overwrite a page of a database."""
    content = bytearray(path.read_bytes())
    content[(page - 1) * 4096 : page * 4096] = b"\xff" * 4096
    path.write_bytes(content)


@pytest.fixture
def backed_up(filled: Workspace, ledger: Ledger, clock: Clock, other: Workspace) -> Path:
    """A backup with a list, a schedule and a target; the ledger that had them is gone since."""
    follow(ledger, {"a": "", "n": "Nunca"})
    add_schedule(ledger, Schedule("weekly", "cron", "0 6 * * mon", "UTC", paused=True))
    set_target(ledger, "mpb", 3)
    folder = other.root.parent / "backup"
    back_up(filled, folder, clock.now())
    ledger.close()
    filled.ledger_file.unlink()
    clock.move(days=1)
    return folder


@pytest.mark.skipif(bool(SERVER), reason="removes the file of the ledger")
@pytest.mark.parametrize("when", ["at once", "later"])
def test_recover_brings_the_list_of_a_backup(filled: Workspace, clock: Clock, backed_up: Path, when: str) -> None:
    """What people said comes back with the backup, at once or in a later recover; what they said since stays.

    It is told, and no schedule catches up what it missed; a third recover finds that all is well.
    """
    at_once = when == "at once"
    if not at_once:
        [told] = [each.done for each in recover(filled, clock.now) if "written anew" in each.done]
        assert "`recover --backup FOLDER` brings back what a backup has" in told
        with closing(Ledger(filled.ledger, clock.now)) as ledger:
            assert followed_ids(ledger) == ()
            follow(ledger, ["a", "c"])
            set_target(ledger, "mpb", 5)
    told = recover(filled, clock.now, backed_up)[-1]
    counts = "followed artists 2, schedules 1, targets 1" if at_once else "followed artists 1, schedules 1, targets 0"
    assert told.done == f"brought back as of 2026-11-22T06:00:00Z: {counts}; what was said since stays as it is"
    with closing(Ledger(filled.ledger, clock.now)) as ledger:
        assert [(key, each.name) for key, each in followed_list(ledger).items()] == [
            ("a", ""), *([] if at_once else [("c", "")]), ("n", "Nunca"),
        ]  # fmt: skip
        [schedule] = list_schedules(ledger)
        assert (schedule.name, schedule.paused, schedule.dealt_until) == ("weekly", True, clock.now())
        assert own_targets(ledger) == {"mpb": 3 if at_once else 5}
        unfollow(ledger, ["n"])
    assert recover(filled, clock.now, backed_up) == ()
    assert "n" not in listed(filled)


@pytest.mark.skipif(bool(SERVER), reason="damages the file of the ledger")
def test_lists_that_can_be_read_stay(filled: Workspace, ledger: Ledger, clock: Clock, other: Workspace) -> None:
    """Where a damaged ledger still tells who is followed, a backup, which may be older, is not asked."""
    follow(ledger, ["a", "b"])
    back_up(filled, other.root.parent / "backup", clock.now())
    unfollow(ledger, ["b"])
    ledger.close()
    with closing(sqlite3.connect(filled.ledger_file)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
        page = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'runs'").fetchone()[0]
    spoil(filled.ledger_file, page)
    told = " ".join(each.done for each in recover(filled, clock.now, other.root.parent / "backup"))
    assert (listed(filled), "backup" in told) == (("a",), False)


@pytest.mark.skipif(bool(SERVER), reason="removes the file of the ledger")
def test_backup_without_ledger_is_said(filled: Workspace, clock: Clock, backed_up: Path) -> None:
    """A folder with files alone, or with a ledger that cannot be read, gives no list: that is told, files come back."""
    copy = next(backed_up.glob("ledger-*.sqlite"))
    copy.write_bytes(b"nothing" * 1000)
    assert "cannot be read" in recover(filled, clock.now, backed_up)[-1].done
    (backed_up / "backup.json").unlink()
    assert "has no ledger that knows them" in recover(filled, clock.now, backed_up)[-1].done


@pytest.mark.skipif(bool(SERVER), reason="removes the file of the ledger")
def test_list_of_another_workspace_stays_there(
    filled: Workspace, clock: Clock, backed_up: Path, other: Workspace
) -> None:
    """A backup with none of our runs, which any other of this name may be, gives no list; the right one does later."""
    with closing(Ledger(other.ledger, clock.now)) as ledger:
        commit_lines(other, ledger, line("2026-11-21", artist()), run_id="run-9")
        follow(ledger, ["stranger"])
    back_up(other, other.root.parent / "foreign", clock.now())
    told = [each.done for each in recover(filled, clock.now, other.root.parent / "foreign")]
    assert any("is a backup of another workspace: nothing of it was taken" in each for each in told)
    assert listed(filled) == ()
    recover(filled, clock.now, backed_up)
    assert listed(filled) == ("a", "n")


@pytest.mark.skipif(bool(SERVER), reason="removes the file of the ledger")
def test_list_of_a_damaged_backup_is_doubted(filled: Workspace, clock: Clock, backed_up: Path) -> None:
    """What a ledger tells whose hash is another comes back, and whoever asked is told to look through it."""
    copy = next(backed_up.glob("ledger-*.sqlite"))
    copy.write_bytes(copy.read_bytes().replace(b"Nunca", b"Ounca"))
    told = recover(filled, clock.now, backed_up)[-1].done
    assert f"(look through them: {copy.name} is damaged)" in told
    with closing(Ledger(filled.ledger, clock.now)) as ledger:
        assert [each.name for each in followed_list(ledger).values()] == ["", "Ounca"]


def test_a_flood_of_releases_hides_none(workspace: Workspace, ledger: Ledger, clock: Clock) -> None:
    """Also when a label puts thousands out on a day, all of them are new, and what came out before as well."""
    follow(ledger, ["a1"])
    today = clock.now().date()
    dates = {"before": today - timedelta(3)} | {f"r{number:04d}": today for number in range(1_005)}
    released = [album(each, album_type="single", release_date=f"{day}") for each, day in dates.items()]
    commit(workspace, ledger, "b", search_line(known("a1"), day=f"{today}"), albums_line(*released, day=f"{today}"))
    publish(workspace, ledger)
    assert list(new_releases(workspace, ledger, today, Text())) == sorted(dates, key=lambda each: each == "before")
