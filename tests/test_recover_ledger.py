"""A ledger written anew: SQLite has no checksums, so names and hashes in it are held against others; place runs out."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from pipeline.errors import DamagedFile, DiskFull
from pipeline.keeping.recovery import recover
from pipeline.lake.store import sweep
from pipeline.published.publish import publish
from pipeline.records.ledger import Ledger
from pipeline.workspace import Workspace
from tests.conftest import Clock
from tests.harm import fill, lose
from tests.payloads import artist, commit, search_line
from tests.published import every_row

TRACKED = "SELECT run_id, batch_id, table_name, seq, path, sha256, rows FROM parts ORDER BY seq"
ANSWERS = "SELECT run_id, batch_id, path, sha256 FROM raw_files ORDER BY path"


@pytest.fixture
def kept(workspace: Workspace, clock: Clock) -> Workspace:
    """Two published batches, and whom somebody follows; of the first no answer is kept."""
    with closing(Ledger(workspace.ledger, clock.now)) as ledger:
        for place in range(2):
            commit(workspace, ledger, f"discover-{place}", search_line(artist(f"a{place}")))
        publish(workspace, ledger)
        with ledger.write() as connection:
            connection.execute("INSERT INTO followed (artist_id, followed_at) VALUES ('a0', 0)")
        row = ledger.read(ANSWERS)[0]
        with ledger.write() as connection:
            connection.execute("DELETE FROM raw_files WHERE path = ?", (row["path"],))
        (workspace.root / row["path"]).unlink()
    return workspace


def turn(workspace: Workspace, text: str, place: int) -> None:
    """Turn a bit of a text wherever it stands in the ledger, as in its rows so in its indexes."""
    content = bytearray(workspace.ledger_file.read_bytes())
    found = content.find(text.encode())
    assert found >= 0
    while found >= 0:
        content[found + place] ^= 1
        found = content.find(text.encode(), found + 1)
    workspace.ledger_file.write_bytes(content)


def rows(workspace: Workspace, query: str) -> list[tuple[object, ...]]:
    """What a ledger that nobody has open tells."""
    with closing(sqlite3.connect(workspace.ledger_file)) as connection:
        return connection.execute(query).fetchall()


@pytest.mark.parametrize("name", ["path", "sha256"])
def test_part_is_told_otherwise(kept: Workspace, clock: Clock, name: str) -> None:
    """A damaged path or hash of a part costs none of its rows, though its answers are gone: the database knows both."""
    parts, shown = rows(kept, TRACKED), every_row(kept)
    turn(kept, str(parts[0][4 if name == "path" else 5]), 5)
    assert rows(kept, TRACKED) != parts
    findings = recover(kept, clock.now)
    assert [(each.what.partition(" (")[0], each.mended) for each in findings] == [("is damaged", True)]
    assert (rows(kept, TRACKED), every_row(kept)) == (parts, shown)
    assert rows(kept, "SELECT artist_id FROM followed") == [("a0",)]
    assert recover(kept, clock.now) == ()


@pytest.mark.parametrize(("query", "column"), [(TRACKED, 4), (ANSWERS, 2)])
@pytest.mark.parametrize("lost", [(), ("db",)])
def test_file_under_another_name_stays(
    kept: Workspace, clock: Clock, query: str, column: int, lost: tuple[str, ...]
) -> None:
    """A file whose name in the ledger is damaged is nobody's leftover: nothing removes it, and recovery lists it."""
    before = rows(kept, query)
    path = str(before[0][column])
    turn(kept, path, path.index(".") - 1)
    lose(kept, *lost)
    with closing(Ledger(kept.ledger, clock.now)) as ledger, pytest.raises(DamagedFile, match=r"pipeline recover"):
        sweep(kept, ledger)
    assert all(each.mended for each in recover(kept, clock.now))
    assert rows(kept, query) == before
    assert recover(kept, clock.now) == ()


def test_damaged_row_is_no_other_part(kept: Workspace, clock: Clock) -> None:
    """A part whose table has a damaged name is not taken for one more when the ledger is written anew."""
    before = rows(kept, TRACKED)
    content = kept.ledger_file.read_bytes()
    name = b"artist_snapshots" + str(before[1][4]).encode()
    assert name in content
    kept.ledger_file.write_bytes(content.replace(name, b"artIst" + name[6:]))
    assert [each.mended for each in recover(kept, clock.now)] == [True]
    assert rows(kept, TRACKED) == before


@pytest.mark.parametrize("text", ["STRICT", "a0", "hash"])
def test_texts_that_are_none(kept: Workspace, clock: Clock, text: str) -> None:
    """Where bytes are no text any more, in a row or in what describes the tables, a ledger is damaged as any is."""
    before, shown, answers = rows(kept, TRACKED), every_row(kept), rows(kept, ANSWERS)
    content = bytearray(kept.ledger_file.read_bytes())
    content[content.rindex((str(answers[0][3]) if text == "hash" else text).encode())] ^= 0x80
    kept.ledger_file.write_bytes(content)
    findings = recover(kept, clock.now)
    assert [(each.what.partition(" (")[0], each.mended) for each in findings] == [("is damaged", True)]
    assert (rows(kept, TRACKED), every_row(kept), rows(kept, ANSWERS)) == (before, shown, answers)
    assert recover(kept, clock.now) == ()


def test_no_text_is_an_error(kept: Workspace, clock: Clock) -> None:
    """Who opens a ledger whose tables are not described any more hears that it is damaged."""
    content = kept.ledger_file.read_bytes()
    kept.ledger_file.write_bytes(content.replace(b"STRICT", b"\xd3TRICT"))
    with pytest.raises(DamagedFile, match=r"is damaged .*`python -m pipeline recover`"):
        Ledger(kept.ledger, clock.now)


def test_place_runs_out_anywhere(small_disk: Workspace, clock: Clock) -> None:
    """A ledger that is written anew where place runs out is said to lack it, whenever that is; the next try ends it."""
    with closing(Ledger(small_disk.ledger, clock.now)) as ledger:
        for place in range(30):
            commit(small_disk, ledger, f"discover-{place}", search_line(*(artist(f"a{n}") for n in range(place))))
        publish(small_disk, ledger)
    before = rows(small_disk, TRACKED)
    refused = 0
    for free in range(0, 700_000, 25_000):
        lose(small_disk, "ledger.sqlite")
        ballast = fill(small_disk.root.parent, free)
        try:
            recover(small_disk, clock.now)
        except DiskFull:
            refused += 1
        ballast.unlink()
        assert all(each.mended for each in recover(small_disk, clock.now))
        assert rows(small_disk, TRACKED) == before
    assert refused > 5
