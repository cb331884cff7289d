"""The ledger as a file: made, reopened, refused, damaged, read-only, busy."""

from __future__ import annotations

import gc
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from pipeline.errors import DamagedFile, DiskFull, SchemaMismatch, StorageError, WriterBusy
from pipeline.records.ledger import Ledger
from pipeline.records.places import LEDGER_VERSION
from pipeline.records.sqlite_file import SqliteFile
from pipeline.workspace import Workspace
from tests.harm import fill


@contextmanager
def opened(path: Path) -> Iterator[Ledger]:
    """A ledger that is closed at the end."""
    with closing(Ledger(path)) as ledger:
        yield ledger


def test_rows_outlive_the_connection(tmp_path: Path) -> None:
    """What one opening wrote, the next one reads."""
    with opened(tmp_path / "l.sqlite") as ledger:
        ledger.set_meta("key", "value")
    with opened(tmp_path / "l.sqlite") as ledger:
        assert ledger.meta("key") == "value"


def test_newer_version_is_refused(tmp_path: Path) -> None:
    """A ledger of a later program is named and left as it is, byte for byte."""
    path = tmp_path / "l.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(f"PRAGMA user_version={LEDGER_VERSION + 1}")
    before = path.read_bytes()
    with pytest.raises(SchemaMismatch, match=r"l\.sqlite was written by a newer version .* nothing was changed"):
        Ledger(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "content", [b"no database at all, but long enough to be one" * 50, b"SQLite format 3\x00" + b"\xff" * 4096]
)
def test_damaged_file_is_named(content: bytes, tmp_path: Path) -> None:
    """A file that is no ledger is named, with what to do."""
    (tmp_path / "l.sqlite").write_bytes(content)
    with pytest.raises(DamagedFile, match=r"l\.sqlite is damaged \(.*recover"):
        Ledger(tmp_path / "l.sqlite")


def test_broken_page_is_named(tmp_path: Path) -> None:
    """Damage inside a table shows when it is read, as damage."""
    path = tmp_path / "l.sqlite"
    with opened(path) as ledger, ledger.write() as connection:
        connection.executemany("INSERT INTO meta VALUES (?, ?)", [(f"k{n}", "v" * 500) for n in range(500)])
    content = bytearray(path.read_bytes())
    content[-80_000:] = b"\xaa" * 80_000
    path.write_bytes(content)
    with opened(path) as ledger, pytest.raises(DamagedFile, match=r"l\.sqlite is damaged"):
        ledger.read("SELECT key, value FROM meta ORDER BY value")


def test_unfinished_tables_are_none(tmp_path: Path) -> None:
    """A script that fails half-way leaves no table and no lock: the next start begins afresh."""
    path = tmp_path / "l.sqlite"
    with pytest.raises(StorageError, match="no such table: nowhere"):
        SqliteFile(path, "CREATE TABLE half (x); INSERT INTO nowhere VALUES (1)", 1, 1.0)
    with closing(SqliteFile(path, "CREATE TABLE half (x)", 1, 0.1)) as file:
        assert file.read("SELECT * FROM half") == []


def test_removed_file_is_named(tmp_path: Path) -> None:
    """Whoever has it open is told that the file was lost and what writes it again, also on another thread."""
    with opened(tmp_path / "l.sqlite") as ledger, ThreadPoolExecutor(1) as later:
        for path in tmp_path.glob("l.sqlite*"):
            path.unlink()
        with pytest.raises(DamagedFile, match=r"l\.sqlite was lost or replaced .*`python -m pipeline recover`"):
            later.submit(ledger.runs).result()


def test_missing_folder_is_named(tmp_path: Path) -> None:
    """A folder that is gone is a disk that does not take it, not a crash."""
    with pytest.raises(DiskFull, match=r"gone.*l\.sqlite cannot be written \(unable to open database file\)"):
        Ledger(tmp_path / "gone" / "l.sqlite")


def test_read_only_file_is_named(ledger: Ledger) -> None:
    """A ledger that can be read and not written says so."""
    ledger._database._connect(durable=True).execute("PRAGMA query_only = 1")
    with pytest.raises(DiskFull, match=r"cannot be written \(attempt to write a readonly database\)"):
        ledger.set_meta("k", "v")


def test_full_disk_is_named(tmp_path: Path) -> None:
    """No space left is a DiskFull, and what was there before stays."""
    with opened(tmp_path / "l.sqlite") as ledger:
        ledger.set_meta("before", "kept")
        pages = ledger.read("PRAGMA page_count")[0]["page_count"]
        with pytest.raises(DiskFull, match="disk is full"), ledger.write() as connection:
            connection.execute(f"PRAGMA max_page_count={pages}")
            connection.executemany("INSERT INTO meta VALUES (?, ?)", [(f"k{n}", "v" * 4000) for n in range(50)])
        assert ledger.read("SELECT key FROM meta") == [{"key": "before"}]


def test_busy_file_is_named(ledger: Ledger) -> None:
    """A writer that waited in vain for another says so and that nothing was written."""
    with closing(Ledger(ledger.place, busy_s=0.05)) as second:
        with ledger.write(), pytest.raises(WriterBusy, match="Nothing was written"):
            second.set_meta("k", "v")
        assert second.meta("k") is None


def test_connections_end_with_their_thread(ledger: Ledger) -> None:
    """Threads that come and go leave no open file behind."""
    ledger.set_meta("k", "v")
    for _ in range(20):
        worker = threading.Thread(target=ledger.meta, args=("k",))
        worker.start()
        worker.join()
    gc.collect()
    assert len(ledger._database._open) == 1


def test_threads_write_side_by_side(ledger: Ledger) -> None:
    """Many threads writing at once lose nothing."""
    workers = [threading.Thread(target=ledger.add_event, args=("INFO", f"event {n}")) for n in range(40)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert ledger.read("SELECT count(DISTINCT event) AS n FROM events") == [{"n": 40}]


def test_reading_does_not_wait_for_writing(ledger: Ledger, tmp_path: Path) -> None:
    """A page can read while a run is in the middle of a transaction; it sees what was committed."""
    with opened(ledger.place) as reader, ledger.write() as connection:
        connection.execute("INSERT INTO meta VALUES ('k', 'v')")
        assert reader.meta("k") is None


def test_scrub_without_place_is_said(small_disk: Workspace) -> None:
    """A ledger that finds no place to be written anew says so, and blames nobody who reads it."""
    with opened(small_disk.ledger_file) as ledger:
        for number in range(50):
            ledger.set_meta(f"key-{number}", "x" * 20_000)
        ballast = fill(small_disk.root.parent, 0)
        with pytest.raises(DiskFull, match=r"Free some space"):
            ledger.scrub()
        ballast.unlink()
        ledger.scrub()
        assert ledger.meta("key-49") == "x" * 20_000


@pytest.mark.parametrize("is_replaced", [False, True])
def test_removed_while_open_is_said(tmp_path: Path, *, is_replaced: bool) -> None:
    """Nothing is written to a ledger whose file was taken away: it would be gone with the program that has it open."""
    with opened(tmp_path / "l.sqlite") as ledger:
        ledger.set_meta("key", "value")
        for path in tmp_path.glob("l.sqlite*"):
            path.rename(path.with_name(f"old-{path.name}"))
        if is_replaced:
            with opened(tmp_path / "l.sqlite") as other:
                other.set_meta("key", "of another")
        for ask in (lambda: ledger.set_meta("key", "lost"), lambda: ledger.meta("key")):
            with pytest.raises(DamagedFile, match=r"while a program had it open.*recover"):
                ask()
    assert (tmp_path / "l.sqlite").exists() == is_replaced
    with opened(tmp_path / "l.sqlite") as ledger:
        assert ledger.meta("key") == ("of another" if is_replaced else None)
