"""The list of followed artists: one for the workspace, kept and carried as the ledger is."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from pipeline.keeping.purge import purge_artist
from pipeline.keeping.recovery import recover
from pipeline.moving.backup import back_up, restore
from pipeline.records.followed import follow, followed_ids, is_followed, unfollow
from pipeline.records.ledger import Ledger
from pipeline.workspace import Workspace
from tests.conftest import Clock


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
