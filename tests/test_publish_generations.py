"""Generations: a pointer to the newest, three kept, names given once, readers undisturbed, all of it a cache."""

from __future__ import annotations

import shutil
import threading

import duckdb
import polars as pl
import pytest

from pipeline.errors import PublishRefused, StorageError
from pipeline.published.generations import current_number, open_generation
from pipeline.published.placing import _is_whole
from pipeline.published.publish import publish, rebuild
from pipeline.records.ledger import Ledger
from pipeline.schema import PUBLISHED
from pipeline.workspace import Workspace
from tests.copies import made_once
from tests.payloads import artist, commit, search_line
from tests.published import publish_many


def add(workspace: Workspace, ledger: Ledger, number: int, run_id: str = "run-1") -> None:
    """Commit a batch with one new artist."""
    commit(workspace, ledger, f"batch-{number:04d}", search_line(artist(f"a{number}")), run_id=run_id)


def grow(workspace: Workspace, ledger: Ledger, batches: int) -> None:
    """So many batches, each published."""
    for number in range(1, batches + 1):
        add(workspace, ledger, number)
        publish(workspace, ledger)


def names(workspace: Workspace) -> list[str]:
    """Files in the folder of generations, but for the lock."""
    return sorted(path.name for path in workspace.db.iterdir() if path.name != ".lock")


def test_first_generation(workspace: Workspace, ledger: Ledger):
    """Publishing makes a numbered file and a pointer to it, and says what it took."""
    assert current_number(workspace) is None
    add(workspace, ledger, 1)
    published = publish(workspace, ledger)
    assert (published.number, published.parts, published.rows, published.changed) == (1, 4, 4, True)
    assert (current_number(workspace), open_generation(workspace).number) == (1, 1)
    assert names(workspace) == ["CURRENT", "garimpo-00000001.duckdb"]


def test_failed_publishes_remove_no_reader(monkeypatch: pytest.MonkeyPatch, workspace: Workspace, ledger: Ledger):
    """However often a publish fails, the current generation and the one before it stay."""
    made_once(workspace, ledger, grow, 2)
    add(workspace, ledger, 3)

    def refuse(*_: object) -> None:
        raise PublishRefused("a promise is broken")

    with monkeypatch.context() as patch:
        patch.setattr("pipeline.published.placing.prove", refuse)
        for _ in range(3):
            with pytest.raises(PublishRefused):
                publish(workspace, ledger)
    assert names(workspace) == ["CURRENT", "garimpo-00000001.duckdb", "garimpo-00000002.duckdb"]
    assert publish(workspace, ledger).number == 6
    assert names(workspace) == [
        "CURRENT", "garimpo-00000001.duckdb", "garimpo-00000002.duckdb", "garimpo-00000006.duckdb",
    ]  # fmt: skip
    add(workspace, ledger, 4)
    with monkeypatch.context() as patch:
        patch.setattr("pipeline.published.placing.replace_file", refuse)  # what nothing points to is none of them
        for _ in range(2):
            with pytest.raises(PublishRefused):
                publish(workspace, ledger)
    assert {"garimpo-00000002.duckdb", "garimpo-00000006.duckdb"}.issubset(names(workspace))


def test_nothing_published_yet(workspace: Workspace):
    """Asking before the first publish says what to do."""
    with pytest.raises(StorageError, match=r"Nothing is published in .*test yet. Run `python -m pipeline`"):
        open_generation(workspace)


def test_published_tables_are_the_schemas(workspace: Workspace, ledger: Ledger):
    """Tables and columns, in name, order and type, are those of the schema, also while they are empty."""
    publish(workspace, ledger, force=True)
    query = (
        "SELECT column_name, data_type FROM duckdb_columns() "
        "WHERE table_name = ? AND database_name = current_database() ORDER BY column_index"
    )
    for table in PUBLISHED.values():
        found = open_generation(workspace).rows(query, (table.name,))
        assert found == [(column.name, column.type) for column in table.columns]


def test_names_are_stored_unpacked(workspace: Workspace, ledger: Ledger):
    """A name is read without unpacking all the others, in the first generation and in one that is added to."""
    for number in (1, 2):
        add(workspace, ledger, number)
        publish(workspace, ledger)
        query = "SELECT DISTINCT compression FROM pragma_storage_info('artists') WHERE column_name = 'name'"
        found = open_generation(workspace).rows(f"{query} AND segment_type = 'VARCHAR'")
        assert found == [("Uncompressed",)]


@pytest.mark.parametrize("column", ["followers", "popularity"])
def test_numbers_are_stored_unpacked(column: str, workspace: Workspace):
    """Of many artists, whose numbers would be packed, some are written without packing all of them anew."""
    query = "SELECT DISTINCT compression FROM pragma_storage_info('artists') WHERE column_name = ?"
    found = publish_many(workspace, 3_000, 1).rows(f"{query} AND segment_type <> 'VALIDITY'", [column])
    assert found == [("Uncompressed",)]


def test_nothing_new_is_no_generation(workspace: Workspace, ledger: Ledger):
    """Without new parts nothing is built; forced, a generation is built that shows how the run ended."""
    made_once(workspace, ledger, grow, 1)
    ledger.finish_run("run-1", "succeeded", "all done")
    again = publish(workspace, ledger)
    assert (again.number, again.changed, again.parts) == (1, False, 0)
    assert open_generation(workspace).rows("SELECT state, finished_at FROM runs") == [("running", None)]
    assert publish(workspace, ledger, force=True).number == 2
    assert open_generation(workspace).rows("SELECT run_id, trigger, state, rows, message FROM runs") == [
        ("run-1", "cli", "succeeded", 4, "all done")
    ]


def test_runs_are_copied(workspace: Workspace, ledger: Ledger):
    """Runs and attempts stand in the database as in the ledger, each once however often they are published."""
    for number, run_id in enumerate(["run-1", "run-2"], 1):
        add(workspace, ledger, number, run_id)
        publish(workspace, ledger)
        ledger.finish_run(run_id, "succeeded")
    publish(workspace, ledger, force=True), publish(workspace, ledger, force=True)
    at = ledger.now().replace(tzinfo=None)
    assert open_generation(workspace).rows("SELECT run_id, state, started_at, finished_at FROM runs ORDER BY 1") == [
        ("run-1", "succeeded", at, at), ("run-2", "succeeded", at, at),
    ]  # fmt: skip
    query = "SELECT run_id, batch_id, attempt, task, item, state, started_at, rows FROM task_runs ORDER BY 1"
    assert open_generation(workspace).rows(query) == [
        ("run-1", "batch-0001", 1, "discover", "mpb", "succeeded", at, 4),
        ("run-2", "batch-0002", 1, "discover", "mpb", "succeeded", at, 4),
    ]


def test_three_are_kept(workspace: Workspace, ledger: Ledger):
    """Older generations go, as does what was half made; one in use stays readable, questions see the newest."""
    (workspace.db / ".tmp-garimpo-00000009.duckdb").write_bytes(b"x")
    held = None
    for number in range(1, 6):
        add(workspace, ledger, number)
        publish(workspace, ledger)
        held = held or open_generation(workspace)
        assert open_generation(workspace).rows("SELECT count(*) FROM artists") == [(number,)]
    assert names(workspace) == ["CURRENT", *(f"garimpo-{number:08d}.duckdb" for number in (12, 13, 14))]
    assert held.rows("SELECT count(*) FROM artists") == [(1,)]
    rebuild(workspace, ledger)
    assert names(workspace) == ["CURRENT", *(f"garimpo-{number:08d}.duckdb" for number in (13, 14, 15))]


def test_deleted_folder_is_rebuilt(workspace: Workspace, ledger: Ledger):
    """Generations are a cache: without them the next publish builds everything, under a name never used before."""
    made_once(workspace, ledger, grow, 2)
    before = open_generation(workspace).rows("FROM artist_snapshots ORDER BY ALL")
    shutil.rmtree(workspace.db)
    assert publish(workspace, ledger).number == 3
    assert open_generation(workspace).rows("FROM artist_snapshots ORDER BY ALL") == before


def test_generation_carries_its_parts(workspace: Workspace, ledger: Ledger):
    """A generation lists every part as the ledger does, but for its seal, so that a lost one can be written anew."""
    made_once(workspace, ledger, grow, 2)
    listed = open_generation(workspace).frame("FROM state_parts ORDER BY seq").to_dicts()
    parts = ledger.read("SELECT * FROM parts ORDER BY seq")
    assert listed == [{name: value for name, value in part.items() if name != "seal"} for part in parts]
    assert open_generation(workspace).meta("applied_seq") == "8"


def test_frame_takes_parameters(workspace: Workspace, ledger: Ledger):
    """A question with parameters is answered as a frame; a NULL column keeps its type."""
    made_once(workspace, ledger, grow, 1)
    generation = open_generation(workspace)
    frame = generation.frame("SELECT artist_id, releases_checked_on FROM artists WHERE artist_id = ?", ("a1",))
    assert frame.schema == {"artist_id": pl.String, "releases_checked_on": pl.Date}
    assert frame.rows() == [("a1", None)]
    assert generation.rows("SELECT $x + 1", {"x": 1}) == [(2,)]


def test_question_after_a_wrong_one(workspace: Workspace, ledger: Ledger):
    """A connection that answered serves the next question; one that was asked what cannot be told does not spoil it."""
    made_once(workspace, ledger, grow, 1)
    generation = open_generation(workspace)
    with pytest.raises(duckdb.Error, match="nowhere"):
        generation.rows("FROM nowhere")
    answers = [generation.rows("SELECT artist_id, current_connection_id() FROM artists")[0] for _ in range(2)]
    assert answers[0] == answers[1]
    assert answers[0][0] == "a1"


@pytest.mark.slow
def test_readers_beside_a_publisher(workspace: Workspace, ledger: Ledger):
    """Threads that ask all the time never fail and never see a count go back while generations come."""
    add(workspace, ledger, 1)
    publish(workspace, ledger)
    done, seen, failed = threading.Event(), dict[int, list[int]](), list[Exception]()

    def read(name: int) -> None:
        seen[name] = []
        try:
            while not done.is_set():
                seen[name].append(open_generation(workspace).rows("SELECT count(*) FROM artists")[0][0])
        except Exception as error:  # noqa: BLE001  told by the test's own thread
            failed.append(error)

    readers = [threading.Thread(target=read, args=(name,)) for name in range(3)]
    for reader in readers:
        reader.start()
    for number in range(2, 8):
        add(workspace, ledger, number)
        publish(workspace, ledger)
    done.set()
    for reader in readers:
        reader.join()
    assert failed == []
    assert all(counts == sorted(counts) and set(counts) <= set(range(1, 8)) for counts in seen.values())


def test_unfinished_file_is_not_whole(workspace: Workspace, ledger: Ledger):
    """A file is placed once it holds its own number, in itself and not in a log beside it."""
    publish(workspace, ledger, force=True)
    path = open_generation(workspace).path
    copies = [workspace.db / f"copy-{name}.duckdb" for name in ("whole", "logged", "empty")]
    for copy in copies[:2]:
        shutil.copyfile(path, copy)
    copies[1].with_name(f"{copies[1].name}.wal").touch()
    duckdb.connect(copies[2]).close()
    assert [_is_whole(copy, 1) for copy in copies] == [True, False, False]
    assert _is_whole(copies[0], 2) is False
