"""A batch on disk: raw bytes as received, sorted Parquet parts, one ledger transaction; the first attempt counts."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipeline.errors import DamagedFile
from pipeline.lake.normalize import Normalizer
from pipeline.lake.store import commit_raw_batch, sweep
from pipeline.records.ledger import Ledger
from pipeline.schema import LAKE, SCHEMA_VERSION
from pipeline.source.calls import Batch, RawBatch
from pipeline.workspace import Workspace
from tests.payloads import album, albums_line, artist, commit, payload, search_line
from tests.stores import here

RAW = "raw/day=2026-11-22/run-1/discover-0001.jsonl.zst"


def test_raw_bytes_are_kept(workspace: Workspace, ledger: Ledger):
    """What came is what lies there, byte for byte, and the ledger has its size, lines and hash."""
    lines = search_line(artist("a1")), search_line(artist("a2"), offset=50)
    commit(workspace, ledger, "discover-0001", *lines)
    kept = (workspace.root / RAW).read_bytes()
    assert kept == payload(*lines)
    assert ledger.read("SELECT * FROM raw_files") == [
        {
            "run_id": "run-1", "batch_id": "discover-0001", "path": RAW, "day": "2026-11-22",
            "bytes": len(kept), "lines": 2, "sha256": hashlib.sha256(kept).hexdigest(),
        }
    ]  # fmt: skip


def test_parts_are_listed(workspace: Workspace, ledger: Ledger):
    """One part per table that has rows, under names that say table, day, run, batch and attempt."""
    rows = commit(workspace, ledger, "discover-0001", search_line(artist("a1")), attempt=2)
    name = "day=2026-11-22/run-1-discover-0001-2.parquet"
    listed = [(part.table, part.path, part.rows, part.schema_version, part.seq) for part in ledger.parts()]
    tables = ["artists", "artist_snapshots", "artist_genres", "search_pages"]
    assert listed == [(table, f"lake/{table}/{name}", 1, SCHEMA_VERSION, seq) for seq, table in enumerate(tables, 1)]
    assert sorted(here(workspace)) == sorted([RAW, *(path for _, path, *_ in listed)])
    assert rows == 4


def test_parts_are_sorted_parquet(workspace: Workspace, ledger: Ledger):
    """Rows lie in the order of the key, zstd-compressed, in version 2 pages with dates, not instants."""
    commit(workspace, ledger, "discover-0001", search_line(artist("a3"), artist("a1"), artist("a2")))
    part = next(part for part in ledger.parts() if part.table == "artist_snapshots")
    file = pq.ParquetFile(workspace.root / part.path)
    assert file.read().to_pylist()[0] == {
        "artist_id": "a1", "observed_on": date(2026, 11, 22), "followers": 10, "popularity": 5,
    }  # fmt: skip
    assert file.read()["artist_id"].to_pylist() == ["a1", "a2", "a3"]
    column = file.metadata.row_group(0).column(0)
    assert (column.compression, file.metadata.format_version) == ("ZSTD", "2.6")
    assert [column.column_index for column in file.metadata.row_group(0).sorting_columns] == [0, 1]
    assert file.schema_arrow.names == LAKE["artist_snapshots"].column_names()


def test_hashes_are_of_the_files(workspace: Workspace, ledger: Ledger):
    """The ledger's size and hash of every part are those of the file."""
    commit(workspace, ledger, "discover-0001", albums_line(album("b1"), album("b2")))
    for part in ledger.parts():
        content = (workspace.root / part.path).read_bytes()
        assert (part.bytes, part.sha256) == (len(content), hashlib.sha256(content).hexdigest())


def test_outcome_is_recorded(workspace: Workspace, ledger: Ledger):
    """The attempt's row says state, requests, rows and rejects; each reject has line and reason."""
    commit(workspace, ledger, "discover-0001", search_line(artist("a1"), None), "torn")
    (attempt,) = ledger.task_runs("run-1")
    assert {name: attempt[name] for name in ("state", "requests", "rows", "rejects")} == {
        "state": "succeeded", "requests": 2, "rows": 4, "rejects": 2,
    }  # fmt: skip
    rejects = ledger.read("SELECT batch_id, line, reason FROM rejects ORDER BY line")
    assert [tuple(row.values()) for row in rejects] == [
        ("discover-0001", 1, "search.artists.items[]: null"), ("discover-0001", 2, "the line is not JSON"),
    ]  # fmt: skip


def test_all_wrong_is_kept_raw(workspace: Workspace, ledger: Ledger):
    """A batch of which nothing can be used is kept as received, without parts."""
    assert commit(workspace, ledger, "discover-0001", "torn") == 0
    assert (here(workspace), ledger.parts()) == ({RAW}, [])


def test_day_is_the_first_answers(workspace: Workspace, ledger: Ledger):
    """Files stand in the folder of the day the answers came, not of the day they were written."""
    commit(workspace, ledger, "discover-0001", search_line(artist("a1"), day="2026-11-20"))
    assert {part.day for part in ledger.parts()} == {"2026-11-20"}
    assert all("/day=2026-11-20/" in path for path in here(workspace))


def test_second_attempt_comes_too_late(workspace: Workspace, ledger: Ledger):
    """A batch delivered twice is kept once: the first attempt's files stay, the second is marked skipped."""
    commit(workspace, ledger, "discover-0001", search_line(artist("a1")))
    before = {path: (workspace.root / path).read_bytes() for path in here(workspace)}
    assert commit(workspace, ledger, "discover-0001", search_line(artist("a2")), attempt=2) == 0
    assert {path: (workspace.root / path).read_bytes() for path in here(workspace)} == before
    assert [(row["attempt"], row["state"]) for row in ledger.task_runs("run-1")] == [(1, "succeeded"), (2, "skipped")]


def test_batch_without_answers(workspace: Workspace, ledger: Ledger):
    """A batch that brought nothing is an outcome without files."""
    ledger.begin_run("run-1", "cli", {}, 1)
    ledger.begin_task("run-1", "discover-0001", 1, "discover")
    batch = Batch("run-1", "discover-0001", "discover", "mpb", 1, (), 50)
    raw = RawBatch("discover-0001", b"", 0, 3)
    assert commit_raw_batch(workspace, ledger, Normalizer(), batch, raw, "failed", "no answer") == 0
    assert (here(workspace), ledger.task_runs("run-1")[0]["message"]) == (set(), "no answer")


class Interrupted(Ledger):
    """A ledger at whose commit somebody presses Ctrl-C: before it, or right after it."""

    after = False

    def commit_batch(self, *args: object, **kwargs: object) -> bool:
        """Commit or not, then be interrupted."""
        if self.after:
            super().commit_batch(*args, **kwargs)  # type: ignore[arg-type]
        raise KeyboardInterrupt


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_interrupt_at_the_commit(workspace: Workspace, ledger: Ledger, after: object):
    """An interrupt before the commit point leaves nothing, one after it leaves everything."""
    struck = Interrupted(workspace.ledger, ledger.now)
    struck.after = bool(after)
    with pytest.raises(KeyboardInterrupt):
        commit(workspace, struck, "discover-0001", search_line(artist("a1")))
    struck.close()
    assert len(here(workspace)) == (5 if after else 0)
    assert len(ledger.parts()) == (4 if after else 0)


class Blind(Ledger):
    """A ledger that does not see, when asked beforehand, that the batch is there already."""

    def read(self, query: str, params: object = ()) -> list[dict[str, object]]:
        """Nothing for the question whether a batch is committed."""
        return [] if "SELECT 1 FROM raw_files" in query else super().read(query, params)  # type: ignore[arg-type]


def test_same_answers_delivered_at_once(workspace: Workspace, ledger: Ledger):
    """Two deliveries of a batch that meet only at the commit: one is kept, the parts of the other go."""
    commit(workspace, ledger, "discover-0001", search_line(artist("a1")))
    before = here(workspace)
    late = Blind(workspace.ledger, ledger.now)
    assert commit(workspace, late, "discover-0001", search_line(artist("a1")), attempt=2) == 0
    assert here(workspace) == before
    assert [row["state"] for row in ledger.task_runs("run-1")] == ["succeeded", "skipped"]
    late.close()


def leave(workspace: Workspace, name: str) -> Path:
    """A file that a killed writer left."""
    path = workspace.root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    return path


def test_orphans_are_removed(workspace: Workspace, ledger: Ledger):
    """Hidden files and files of known runs without a ledger row are removed; committed files are not."""
    commit(workspace, ledger, "discover-0001", search_line(artist("a1")))
    orphans = [
        leave(workspace, "raw/day=2026-11-22/run-1/.tmp-discover-0002.jsonl.zst"),
        leave(workspace, "raw/day=2026-11-22/run-1/discover-0002.jsonl.zst"),
        leave(workspace, "lake/artists/day=2026-11-22/run-1-discover-0002-1.parquet"),
    ]
    assert sweep(workspace, ledger) == 3
    assert [path for path in orphans if path.exists()] == []
    assert all((workspace.root / part.path).exists() for part in ledger.parts())
    assert sweep(workspace, ledger) == 0


def test_first_run_killed(workspace: Workspace, ledger: Ledger):
    """A run killed before its first commit leaves orphans that the next start removes."""
    ledger.begin_run("run-1", "cli", {}, 1)
    leave(workspace, "lake/artists/day=2026-11-22/run-1-discover-0001-1.parquet")
    assert sweep(workspace, ledger) == 1


def test_lost_ledger_costs_nothing(workspace: Workspace, ledger: Ledger):
    """Files of runs the ledger never heard of are the truth of a lost ledger: refused by name, all kept."""
    commit(workspace, ledger, "discover-0001", search_line(artist("a1")))
    paths = [workspace.root / part.path for part in ledger.parts()]
    ledger.close()
    workspace.ledger.unlink()
    leave(workspace, "raw/day=2026-11-22/run-1/.tmp-discover-0002.jsonl.zst")
    with pytest.raises(DamagedFile, match=r"knows nothing of 5 files .* nothing was removed"):
        sweep(workspace, Ledger(workspace.ledger))
    assert all(path.exists() for path in paths)


def test_nothing_to_sweep(workspace: Workspace, ledger: Ledger):
    """Nothing there, nothing to do."""
    assert sweep(workspace, ledger) == 0
