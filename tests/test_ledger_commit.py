"""The commit point: a batch's files exist all or none, and once."""

from __future__ import annotations

import pytest

from pipeline.errors import StorageError
from pipeline.records.ledger import Ledger, Part, RawFile, TaskOutcome

RAW = RawFile("raw/day=2026-11-22/r1/b1.jsonl.zst", "2026-11-22", 900, 12, "aa")
ARTISTS = Part("artists", "lake/artists/day=2026-11-22/r1-b1-1.parquet", "2026-11-22", 10, 700, "bb", 1)
GENRES = Part("artist_genres", "lake/artist_genres/day=2026-11-22/r1-b1-1.parquet", "2026-11-22", 20, 800, "cc", 1)


def outcome(attempt: int = 1, batch: str = "b1", rejects: tuple[tuple[int, str], ...] = ()) -> TaskOutcome:
    """A successful attempt at a batch of run r1."""
    return TaskOutcome("r1", batch, attempt, "succeeded", requests=3, rows=30, rejects=rejects, message="")


def counts(ledger: Ledger) -> dict[str, int]:
    """Rows of the tables a commit writes."""
    tables = ("raw_files", "parts", "rejects")
    return {table: ledger.read(f"SELECT count(*) AS n FROM {table}")[0]["n"] for table in tables}


def test_commit_keeps_everything(ledger: Ledger) -> None:
    """One call records raw file, parts in order, rejects and how the attempt ended."""
    ledger.begin_task("r1", "b1", 1, "discover", "mpb")
    assert ledger.commit_batch(outcome(rejects=((7, "no id"),)), RAW, [ARTISTS, GENRES]) is True
    assert [(part.table, part.path, part.rows, part.seq) for part in ledger.parts()] == [
        ("artists", ARTISTS.path, 10, 1),
        ("artist_genres", GENRES.path, 20, 2),
    ]
    [task] = ledger.task_runs("r1")
    assert (task["state"], task["requests"], task["rows"], task["rejects"]) == ("succeeded", 3, 30, 1)
    assert ledger.read("SELECT * FROM rejects") == [{"run_id": "r1", "batch_id": "b1", "line": 7, "reason": "no id"}]


def test_second_attempt_changes_nothing(ledger: Ledger) -> None:
    """The first attempt to commit wins; a later one is told so and leaves no row."""
    ledger.commit_batch(outcome(), RAW, [ARTISTS])
    again = Part(**{**vars(ARTISTS), "path": "lake/artists/day=2026-11-22/r1-b1-2.parquet"})
    assert ledger.commit_batch(outcome(2, rejects=((1, "x"),)), RAW, [again]) is False
    assert (counts(ledger), [part.path for part in ledger.parts()]) == (
        {"raw_files": 1, "parts": 1, "rejects": 0},
        [ARTISTS.path],
    )


def test_batch_without_raw_commits_once(ledger: Ledger) -> None:
    """Parts alone also make a batch committed, as when they are derived again."""
    ledger.commit_batch(outcome(), None, [ARTISTS])
    again = Part(**{**vars(GENRES), "path": "other.parquet"})
    assert (ledger.commit_batch(outcome(2), None, [again]), len(ledger.parts())) == (False, 1)


def test_failed_commit_leaves_nothing(ledger: Ledger) -> None:
    """When one part cannot be recorded none is, nor the raw file: the path belongs to another batch."""
    ledger.commit_batch(outcome(), None, [ARTISTS])
    stolen = Part(**{**vars(GENRES), "path": ARTISTS.path})
    other = RawFile(**{**vars(RAW), "path": "raw/b2"})
    with pytest.raises(StorageError, match="rolled back"):
        ledger.commit_batch(outcome(batch="b2"), other, [GENRES, stolen])
    assert counts(ledger) == {"raw_files": 0, "parts": 1, "rejects": 0}


def test_same_batch_name_in_two_runs(ledger: Ledger) -> None:
    """A batch is known by run and name: the next run's batch of the same name is another."""
    ledger.commit_batch(outcome(), RAW, [])
    other = RawFile(**{**vars(RAW), "path": "raw/r2"})
    assert ledger.commit_batch(TaskOutcome("r2", "b1", 1, "succeeded"), other, []) is True


def test_parts_follow_a_sequence(ledger: Ledger) -> None:
    """A reader that knows the sequence it has applied gets what came after, in commit order."""
    ledger.commit_batch(outcome(), RAW, [ARTISTS])
    ledger.commit_batch(outcome(batch="b2"), None, [GENRES])
    assert [part.table for part in ledger.parts(after_seq=1)] == ["artist_genres"]


def test_interrupted_block_rolls_back(ledger: Ledger) -> None:
    """Whatever ends the block early, Ctrl-C included, takes its rows with it and frees the file."""
    with pytest.raises(KeyboardInterrupt), ledger.write() as connection:
        connection.execute("INSERT INTO meta VALUES ('k', 'v')")
        raise KeyboardInterrupt
    assert ledger.meta("k") is None
    ledger.set_meta("k", "w")
    assert ledger.meta("k") == "w"
