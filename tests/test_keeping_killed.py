"""Every writer killed at random instants, and on full disks: nothing lost, nothing twice, no orphan seen by a query."""

from __future__ import annotations

import io
import multiprocessing
import random
import sys
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import date
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from pipeline.errors import StorageError
from pipeline.keeping.binding import bind
from pipeline.keeping.exchange import Exchange, settle
from pipeline.keeping.purge import purge_artist
from pipeline.keeping.recovery import recover
from pipeline.keeping.replay import replay
from pipeline.keeping.retention import apply_retention
from pipeline.lake.store import sweep
from pipeline.published.compaction import compact
from pipeline.published.generations import current_number, open_generation
from pipeline.published.publish import publish, rebuild
from pipeline.records.ledger import Ledger
from pipeline.settings import Settings
from pipeline.workspace import Workspace, open_workspace
from tests.conftest import Clock
from tests.copies import made_once
from tests.harm import fill
from tests.payloads import album, albums_line, artist, commit, search_line
from tests.published import answers
from tests.stores import here

ROUNDS, KILLS, BATCHES, VICTIMS, LONG_AGO = 8, 25, 16, 3, 1_600_000_000.0
MOST_S = 0.25  # that a process has before it is killed
OLD, FIRST = 8, 7  # batches of a run whose answers went, and lie in volumes; the first that has a victim
SETTINGS, TODAY = Settings(keep_raw_days=90, keep_snapshot_days=400), date(2026, 11, 22)
Step = Callable[[Workspace, Ledger, random.Random], object]


def collect(workspace: Workspace, ledger: Ledger, _: object = None, until: int = BATCHES) -> None:
    """Commit what is still missing: some old batches, then those of today; the last of the former has a victim, too."""
    for number in range(until):
        run = "old" if number < OLD else f"run-{number // 8}"
        if ledger.read("SELECT 1 FROM parts WHERE batch_id = ?", (f"b{number:03d}",)):
            continue
        found = [artist(f"a{number}"), artist("a0", followers={"total": number})]
        found += [artist(f"v{number}")] if FIRST <= number < FIRST + VICTIMS else []
        day = f"2026-{9 + number % 3:02d}-11" if number >= OLD else "2020-09-13"
        lines = search_line(*found, day=day), albums_line(album(f"c{number}"), day=day)
        tried = ledger.read("SELECT count(*) AS n FROM task_runs WHERE batch_id = ?", (f"b{number:03d}",))[0]["n"]
        commit(workspace, ledger, f"b{number:03d}", *lines, run_id=run, attempt=tried + 1)
        with ledger.write() as connection:
            connection.execute("UPDATE runs SET started_at = ? WHERE run_id = 'old'", (LONG_AGO,))


def purge(workspace: Workspace, ledger: Ledger, rng: random.Random) -> None:
    """Take one of the victims that were collected out of everything."""
    number = rng.randrange(FIRST, FIRST + VICTIMS)
    if ledger.read("SELECT 1 FROM parts WHERE batch_id = ?", (f"b{number:03d}",)):
        purge_artist(workspace, ledger, f"v{number}")


def derive(workspace: Workspace, ledger: Ledger, rng: random.Random) -> None:
    """Parts as another program would have made them, derived again; not those whose answers may go in between."""
    rows = ledger.read("SELECT * FROM parts WHERE table_name = 'artists' AND run_id <> 'old'")
    exchange = Exchange(workspace, ledger)
    for row in rng.sample(rows, min(3, len(rows))):
        buffer = io.BytesIO()
        pq.write_table(pq.read_table(workspace.root / row["path"]), buffer, compression="gzip")
        exchange.replace_part(row, buffer.getvalue(), row["rows"], 1)
    exchange.carry_out()
    replay(workspace, ledger)


def retain(workspace: Workspace, ledger: Ledger, _: random.Random) -> None:
    """Let go of what is too old, once all of it was there."""
    if len(ledger.read("SELECT DISTINCT batch_id FROM parts WHERE run_id = 'old'")) == OLD:
        apply_retention(workspace, ledger, SETTINGS, TODAY)


STEPS: tuple[Step, ...] = (
    collect, lambda w, ledger, _: publish(w, ledger), purge, derive,
    lambda w, ledger, _: compact(w, ledger, all_months=True), retain, lambda w, ledger, _: rebuild(w, ledger),
    lambda w, ledger, _: bind(w, ledger),
)  # fmt: skip


def begin(workspace: Workspace, ledger: Ledger) -> None:
    """All that can be purged or let go of and some of the rest, published."""
    collect(workspace, ledger, until=FIRST + VICTIMS)
    publish(workspace, ledger)


def work(data: Path, seed: int, begun: Event) -> None:
    """What a process does until it is killed: what another one left is settled, then writers in some order.

    Every other one settles undisturbed: where there is much to settle no writer would ever be reached.
    """
    rng, workspace = random.Random(seed), open_workspace(Settings(data=data, workspace="test"))
    if seed % 2:
        begun.set()
    with closing(Ledger(workspace.ledger, Clock().now)) as ledger:
        sweep(workspace, ledger)
        settle(workspace, ledger)
        begun.set()
        for step in rng.sample(STEPS, len(STEPS)):
            step(workspace, ledger, rng)


def finish(workspace: Workspace, ledger: Ledger) -> dict[str, list[Any]]:
    """Everything done to its end, undisturbed; what is published then."""
    sweep(workspace, ledger)
    settle(workspace, ledger)
    collect(workspace, ledger)
    retain(workspace, ledger, random.Random(0))
    for number in range(FIRST, FIRST + VICTIMS):
        purge_artist(workspace, ledger, f"v{number}")
    replay(workspace, ledger)
    bind(workspace, ledger)
    publish(workspace, ledger)
    sha256 = "CASE WHEN path LIKE '%/month=%' THEN '' ELSE sha256 END AS sha256"  # of volumes: when they were bound
    parts = ledger.read(f"SELECT table_name, batch_id, rows, {sha256} FROM parts ORDER BY 2, 1")
    return answers(workspace) | {"parts": parts}


def see(workspace: Workspace) -> None:
    """A reader, whatever was killed: the current generation answers, and shows no part but committed ones."""
    if current_number(workspace) is None:
        return
    generation = open_generation(workspace)
    shown = generation.rows("SELECT run_id, batch_id, table_name FROM state_parts")
    with closing(Ledger(workspace.ledger, Clock().now)) as ledger:
        known = {(row["run_id"], row["batch_id"], row["table_name"]) for row in ledger.read("SELECT * FROM parts")}
        assert set(shown) <= known or ledger.meta("rebuild_due") == "1"
    assert len(shown) == len(set(shown))
    counted = "SELECT count(*), count(DISTINCT (artist_id, observed_on)) FROM artist_snapshots"
    assert len(set(generation.rows(counted)[0])) == 1


def listed_and_found(workspace: Workspace, ledger: Ledger) -> tuple[set[str], set[str]]:
    """Files the ledger lists, and files there are but for those derived."""
    listed = {row["path"] for row in ledger.read("SELECT path FROM parts UNION ALL SELECT path FROM raw_files")}
    return listed, {path for path in here(workspace) if "_history/" not in path}


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    """What there is in the end where nobody was killed and no disk was full."""
    workspace = open_workspace(Settings(data=tmp_path_factory.mktemp("calm"), workspace="test"))
    with closing(Ledger(workspace.ledger, Clock().now)) as ledger:
        return finish(workspace, ledger)


@pytest.mark.slow
@pytest.mark.parametrize("round_", range(ROUNDS))
@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 and forkserver are POSIX")
def test_kills_anywhere(tmp_path: Path, calm: dict[str, list[Any]], round_: int) -> None:
    """Of two hundred a round of processes killed among all writers, then one undisturbed: all is as without.

    Every fourth round begins with nothing, the others with something to do for every writer.
    """
    context, rng = multiprocessing.get_context("forkserver"), random.Random(round_)
    context.set_forkserver_preload(["tests.test_keeping_killed"])
    workspace = open_workspace(Settings(data=tmp_path / "killed", workspace="test"))
    if round_ % 4:
        with closing(Ledger(workspace.ledger, Clock().now)) as ledger:
            made_once(workspace, ledger, begin)
    ended = 0
    for seed in range(round_ * KILLS, (round_ + 1) * KILLS):
        begun = context.Event()
        child = context.Process(target=work, args=(tmp_path / "killed", seed, begun))
        child.start()
        while not begun.wait(1):
            assert child.exitcode is None
        child.join(rng.uniform(0, MOST_S))
        ended += child.exitcode is not None
        assert child.exitcode in (None, 0)
        child.kill()
        child.join()
        if seed % 5 == 0:
            see(workspace)
    with closing(Ledger(workspace.ledger, Clock().now)) as ledger:
        assert finish(workspace, ledger) == calm
        listed, found = listed_and_found(workspace, ledger)
        assert found == listed
        assert len(ledger.read("SELECT DISTINCT batch_id FROM parts")) == BATCHES
    assert recover(workspace, Clock().now) == ()
    assert ended < KILLS / 4


@pytest.mark.slow
@pytest.mark.parametrize("small_disk", [64 * 2**20], indirect=True)
def test_full_disk_anywhere(small_disk: Workspace, calm: dict[str, list[Any]]) -> None:
    """Wherever space runs out each writer says so or succeeds; once there is enough, all is as on a large disk."""
    rng, refused = random.Random(1), 0
    with closing(Ledger(small_disk.ledger, Clock().now)) as ledger:
        collect(small_disk, ledger, rng)
        publish(small_disk, ledger)
        for step in (purge, derive, retain, STEPS[4], STEPS[7], STEPS[6]):
            for leave in (0, 20_000, 60_000, 200_000, 1_000_000):
                ballast = fill(small_disk.root.parent, leave)
                try:
                    with suppress(StorageError):
                        refused += 1
                        step(small_disk, ledger, rng)
                        refused -= 1
                finally:
                    ballast.unlink()
                see(small_disk)
                sweep(small_disk, ledger)
        shown = finish(small_disk, ledger)
        listed, found = listed_and_found(small_disk, ledger)
    assert (shown == calm, found == listed, refused > 10) == (True, True, True)
