"""Replay: rows derived again from what was received, as if today's program had received it; no request is sent."""

from __future__ import annotations

import hashlib
from contextlib import closing
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.errors import SchemaMismatch, SettingsError
from pipeline.keeping.exchange import Exchange
from pipeline.keeping.replay import replay
from pipeline.lake import parquet
from pipeline.lake.normalize import Normalizer
from pipeline.lake.parquet import parquet_bytes, seal
from pipeline.lake.store import sweep
from pipeline.published.generations import open_generation
from pipeline.published.publish import publish
from pipeline.queries.tracing import trace_rows
from pipeline.records.ledger import Ledger
from pipeline.workspace import Workspace
from tests.copies import made_once
from tests.payloads import album, albums_line, artist, commit, search_line
from tests.published import every_row

DAYS = ("2026-11-20", "2026-11-21", "2026-11-22")


def collected(workspace: Workspace, ledger: Ledger) -> None:
    """Three batches on three days, published."""
    for place, day in enumerate(DAYS):
        found = search_line(artist("a1", followers={"total": 10 + place}), artist("a2"), day=day)
        commit(workspace, ledger, f"discover-{place}", found, albums_line(album(f"b{place}"), day=day))
    publish(workspace, ledger)


def spoil(workspace: Workspace, ledger: Ledger, table: str) -> None:
    """Parts of a table as an earlier program would have derived them: without their last row."""
    exchange = Exchange(workspace, ledger)
    for old in ledger.read("SELECT * FROM parts WHERE table_name = ?", (table,)):
        rows = pq.read_table(workspace.root / old["path"])
        exchange.replace_part(old, parquet_bytes(table, rows.slice(0, rows.num_rows - 1)), rows.num_rows - 1, 1)
    exchange.carry_out()


def other_file(workspace: Workspace, ledger: Ledger) -> tuple[dict[str, Any], pa.Table]:
    """A part of artists that was put into a file of other bytes, and its rows as today's program derives them."""
    (old, *_) = ledger.read("SELECT * FROM parts WHERE table_name = 'artists' ORDER BY seq")
    (raw, *_) = ledger.read("SELECT path FROM raw_files ORDER BY day")
    with closing(Normalizer()) as normalizer:
        rows = normalizer.tables([workspace.root / raw["path"]]).tables["artists"]
    buffer = pa.BufferOutputStream()
    pq.write_table(rows, buffer, compression="gzip")
    exchange = Exchange(workspace, ledger)
    exchange.replace_part(old, buffer.getvalue().to_pybytes(), rows.num_rows, 1)
    exchange.carry_out()
    return ledger.read("SELECT * FROM parts WHERE seq = ?", (old["seq"],))[0], rows


def set_seal(ledger: Ledger, part: dict[str, Any], found: str) -> None:
    """Have the ledger say so."""
    with ledger.write() as connection:
        connection.execute("UPDATE parts SET seal = ? WHERE seq = ?", (found, part["seq"]))


def test_derived_again(workspace: Workspace, ledger: Ledger) -> None:
    """Parts of another content become what their raw files give; order, other parts and what readers see stay."""
    made_once(workspace, ledger, collected)
    before, parts = every_row(workspace), ledger.parts()
    spoil(workspace, ledger, "artist_snapshots")
    done = replay(workspace, ledger)
    assert (done.batches, done.changed, done.without_raw, done.resumed) == (3, 3, 0, False)
    assert [(each.seq, each.table, each.sha256) for each in ledger.parts()] == [
        (each.seq, each.table, each.sha256) for each in parts
    ]
    assert every_row(workspace) == before
    assert sweep(workspace, ledger) == 0


@pytest.mark.slow
def test_nothing_to_change(workspace: Workspace, ledger: Ledger) -> None:
    """Where today's SQL gives the same rows no file is written and no generation built."""
    made_once(workspace, ledger, collected)
    parts, number = ledger.parts(), open_generation(workspace).number
    assert (replay(workspace, ledger).changed, ledger.parts()) == (0, parts)
    assert open_generation(workspace).number == number


@pytest.mark.slow
def test_one_table_since_a_day(workspace: Workspace, ledger: Ledger) -> None:
    """A table and a day narrow it down: other parts stay as they are."""
    made_once(workspace, ledger, collected)
    spoil(workspace, ledger, "artists")
    spoil(workspace, ledger, "artist_snapshots")
    done = replay(workspace, ledger, since=date(2026, 11, 21), table="artists")
    assert (done.batches, done.changed) == (2, 2)
    assert [(each.table, each.rows) for each in ledger.parts() if each.table in ("artists", "artist_snapshots")] == [
        ("artists", 1), ("artist_snapshots", 1), *[("artists", 2), ("artist_snapshots", 1)] * 2,
    ]  # fmt: skip


def test_killed_and_resumed(workspace: Workspace, ledger: Ledger) -> None:
    """A replay that ended halfway goes on where it was, and what it did shows once it is through."""
    made_once(workspace, ledger, collected)
    before = every_row(workspace)
    spoil(workspace, ledger, "artist_snapshots")

    def stop(done: int, _total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replay(workspace, ledger, report=stop)
    assert [each.rows for each in ledger.parts() if each.table == "artist_snapshots"] == [2, 2, 1]
    asked: list[int] = []
    done = replay(workspace, ledger, report=lambda _, total: asked.append(total))
    assert (asked, done.batches, done.changed, done.resumed) == ([1], 3, 3, True)
    assert (every_row(workspace), replay(workspace, ledger).resumed) == (before, False)


@pytest.mark.slow
@pytest.mark.parametrize("harm", [b"cut", None], ids=["damaged", "missing"])
def test_harmed_part_is_mended(workspace: Workspace, ledger: Ledger, harm: bytes | None) -> None:
    """A part that is not what was committed, or is gone, is derived again under its place in the order."""
    made_once(workspace, ledger, collected)
    part = ledger.parts()[1]
    (workspace.root / part.path).unlink() if harm is None else (workspace.root / part.path).write_bytes(harm)
    assert replay(workspace, ledger).changed == 1
    mended = ledger.parts()[1]
    assert (mended.seq, mended.sha256) == (part.seq, part.sha256)
    assert hashlib.sha256((workspace.root / mended.path).read_bytes()).hexdigest() == part.sha256


def test_harmed_raw_file_changes_nothing(workspace: Workspace, ledger: Ledger) -> None:
    """Rows are not derived from a raw file that is not what was received: it is named, they stay."""
    made_once(workspace, ledger, collected)
    raw = workspace.root / ledger.read("SELECT path FROM raw_files")[0]["path"]
    raw.write_bytes(raw.read_bytes()[:-9])
    parts = ledger.parts()
    done = replay(workspace, ledger)
    assert (done.batches, len(done.damaged), ledger.parts()) == (2, 1, parts)
    assert "its hash differs" in done.damaged[0]


@pytest.mark.parametrize("other", ["", "rows", "file", "table"])
def test_part_without_its_seal_is_compared(workspace: Workspace, ledger: Ledger, other: str) -> None:
    """A seal of other rows, another file or another table, or none, hides no difference: the part is written anew."""
    made_once(workspace, ledger, collected)
    sha256 = ledger.parts()[0].sha256
    part, rows = other_file(workspace, ledger)
    assert part["seal"] == ""
    wrong = {
        "rows": seal("artists", rows.slice(1), part["sha256"]),
        "file": seal("artists", rows, sha256),
        "table": seal("artist_genres", rows, part["sha256"]),
    }
    set_seal(ledger, part, wrong.get(other, ""))
    assert replay(workspace, ledger).changed == 1
    assert (ledger.parts()[0].sha256, ledger.parts()[0].table) == (sha256, "artists")


def test_other_writer_is_found(workspace: Workspace, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seals of another release of pyarrow are none: what that wrote is compared with what this one writes."""
    made_once(workspace, ledger, collected)
    part, rows = other_file(workspace, ledger)
    with monkeypatch.context() as patched:
        patched.setattr(pa, "__version__", "1.0")
        parquet._writer.cache_clear()
        set_seal(ledger, part, seal("artists", rows, part["sha256"]))
    parquet._writer.cache_clear()
    assert replay(workspace, ledger).changed == 1


def test_sealed_part_is_not_written(workspace: Workspace, ledger: Ledger) -> None:
    """A part whose seal is that of today's rows and of its file is left as it is."""
    made_once(workspace, ledger, collected)
    part, rows = other_file(workspace, ledger)
    set_seal(ledger, part, seal("artists", rows, part["sha256"]))
    assert replay(workspace, ledger).changed == 0
    assert ledger.read("SELECT sha256 FROM parts WHERE seq = ?", (part["seq"],)) == [{"sha256": part["sha256"]}]


def test_seals_are_filled_in(workspace: Workspace, ledger: Ledger) -> None:
    """Parts without a seal are compared byte by byte, and have one afterwards, as have those that were changed."""
    made_once(workspace, ledger, collected)
    parts = ledger.parts()
    with ledger.write() as connection:
        connection.execute("UPDATE parts SET seal = ''")
    spoil(workspace, ledger, "artists")
    assert replay(workspace, ledger).changed == len(DAYS)
    assert [(each.sha256, each.seal) for each in ledger.parts()] == [(each.sha256, each.seal) for each in parts]
    assert "" not in {each.seal for each in parts}


@pytest.mark.slow
def test_trace_after_replay(workspace: Workspace, ledger: Ledger) -> None:
    """A value still leads to its part, raw file and line."""
    made_once(workspace, ledger, collected)
    spoil(workspace, ledger, "artist_snapshots")
    replay(workspace, ledger)
    (origin,) = trace_rows(workspace, ledger, "artist_snapshots", {"artist_id": "a1"}, date(2026, 11, 21))
    assert (origin.row["followers"], origin.attempt, [line.number for line in origin.lines]) == (11, 1, [1])
    assert (workspace.root / origin.part).is_file()


@pytest.mark.slow
def test_new_table_comes_last(workspace: Workspace, ledger: Ledger) -> None:
    """Rows of a table that a batch had none of become a part of their own, committed last."""
    made_once(workspace, ledger, collected)
    before, listed = every_row(workspace), ledger.parts()
    exchange = Exchange(workspace, ledger)
    exchange.drop_part(ledger.read("SELECT * FROM parts WHERE table_name = 'releases' ORDER BY seq")[0])
    exchange.carry_out()
    assert replay(workspace, ledger).changed == 1
    added = ledger.parts()[-1]
    assert (added.table, added.day, added.seq) == ("releases", DAYS[0], listed[-1].seq + 1)
    assert every_row(workspace)["release_artists"] == before["release_artists"]


@pytest.mark.slow
def test_refusals(workspace: Workspace, ledger: Ledger) -> None:
    """A table there is none of, and parts of a newer program, are refused by name."""
    made_once(workspace, ledger, collected)
    with pytest.raises(SettingsError, match="songs is no lake table"):
        replay(workspace, ledger, table="songs")
    with ledger.write() as connection:
        connection.execute("UPDATE parts SET schema_version = 99 WHERE seq = 1")
    with pytest.raises(SchemaMismatch, match="newer version of this program"):
        replay(workspace, ledger)
