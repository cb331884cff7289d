"""Parts whose answers are gone lie together in volumes, and every question has the same answer."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.cli.commands import main
from pipeline.keeping import binding
from pipeline.keeping.binding import bind
from pipeline.keeping.exchange import Exchange, settle
from pipeline.keeping.purge import purge_artist
from pipeline.keeping.recovery import recover
from pipeline.keeping.replay import replay
from pipeline.lake.store import sweep
from pipeline.lake.volumes import Member, members_of
from pipeline.published import generations
from pipeline.published.generations import open_generation
from pipeline.published.live import live
from pipeline.published.publish import publish, rebuild
from pipeline.queries.tracing import trace_rows
from pipeline.records.ledger import Ledger
from pipeline.runs.context import open_context
from pipeline.runs.tasks import publish as publish_task
from pipeline.settings import Settings
from pipeline.workspace import Workspace
from tests import published
from tests.conftest import Clock
from tests.copies import made_once
from tests.payloads import album, albums_line, artist, commit, search_line
from tests.test_publish_equal import some_lines
from tests.test_publish_upgrade import GIVEN
from tests.test_publish_versions import bring

BATCHES = 9
RUN = "20260901T060000-abc123"
SPAN = date(2026, 9, 5)
Answers = list[dict[str, list[tuple[Any, ...]]]]


def forget(workspace: Workspace, ledger: Ledger) -> None:
    """Let go of every answer, as retention does."""
    exchange = Exchange(workspace, ledger)
    for row in ledger.read("SELECT * FROM raw_files"):
        exchange.drop_raw(row, "retention")
    exchange.carry_out()


def collect(
    workspace: Workspace, ledger: Ledger, *, batches: int = BATCHES, run_id: str = RUN, forgets: bool = True
) -> None:
    """A batch on each of the first days of September, published, its answers let go of unless that is to wait."""
    for number in range(batches):
        day = f"2026-09-{1 + number:02d}"
        found = [artist("a1", name=f"Name {number // 4}", followers={"total": number}), artist(f"b{number}")]
        lines = [search_line(*found, day=day), albums_line(album(f"c{number // 3}"), day=day)]
        lines += [search_line(artist("b7"), day="2026-09-04")] if number == 7 else []  # answered before, kept behind
        commit(workspace, ledger, f"{run_id}-{number}", *lines, run_id=run_id)
    ledger.finish_run(run_id, "succeeded")
    publish(workspace, ledger)
    if forgets:
        forget(workspace, ledger)


def collect_and_bind(workspace: Workspace, ledger: Ledger) -> None:
    """The same, and what is due is bound."""
    made_once(workspace, ledger, collect)
    bind(workspace, ledger)


def begin(workspace: Workspace, ledger: Ledger, make: Callable[..., None] = collect, **how: Any) -> Answers:
    """What `collect` makes in an empty workspace; the answers that it gives now and as of SPAN, asked for once."""
    made_once(workspace, ledger, make, **how)
    made = f"{make.__name__} {how}"
    if made not in _begun:
        _begun[made] = answers(workspace, SPAN)
    return _begun[made]


_begun: dict[str, Answers] = {}


def answers(workspace: Workspace, *days: date) -> Answers:
    """Every published table now, and as of these days."""
    return [published.answers(open_generation(workspace, day)) for day in (None, *days)]


def forget_days(workspace: Workspace) -> None:
    """Let go of the databases of days that were looked back to, on disk and in this process."""
    shutil.rmtree(workspace.db / "as-of", ignore_errors=True)
    generations._as_of.clear()


def bound_files(workspace: Workspace) -> list[str]:
    """Volumes by their folders, in order."""
    found = workspace.lake.glob("*/month=*/*.parquet")
    return sorted(path.parent.relative_to(workspace.lake).as_posix() for path in found if "_history" not in str(path))


def unlisted(workspace: Workspace, ledger: Ledger) -> set[str]:
    """Files of parts that the ledger does not list, or lists and are not there."""
    listed = {row["path"] for row in ledger.read("SELECT path FROM parts")}
    return listed ^ {path.relative_to(workspace.root).as_posix() for path in workspace.lake.rglob("*.parquet")}


def lake_rows(workspace: Workspace) -> list[dict[str, Any]]:
    """Every row of every file of the lake."""
    return [row for path in workspace.lake.rglob("*.parquet") for row in pq.read_table(path).to_pylist()]


def test_month_lies_in_volumes(workspace: Workspace, ledger: Ledger):
    """One file a table takes the place of nine; parts keep their places and their rows, and nothing says otherwise."""
    before = begin(workspace, ledger)
    listed = ledger.read("SELECT seq, table_name, batch_id, rows FROM parts ORDER BY seq")
    made = bind(workspace, ledger)
    tables = ["artist_genres", "artists", "release_artists", "release_pages", "releases", "search_pages"]
    assert bound_files(workspace) == [f"{table}/month=2026-09" for table in tables]
    assert (made.volumes, made.parts, made.bytes_now < made.bytes_before) == (6, 6 * BATCHES, True)
    assert ledger.read("SELECT seq, table_name, batch_id, rows FROM parts ORDER BY seq") == listed
    forget_days(workspace)
    assert (answers(workspace, SPAN), unlisted(workspace, ledger), sweep(workspace, ledger)) == (before, set(), 0)
    rebuild(workspace, ledger)
    assert [*answers(workspace), before[1]] == before
    assert bind(workspace, ledger).volumes == 0


@pytest.mark.parametrize(("seed", "batches"), [(0, 10), pytest.param(1, 14, marks=pytest.mark.slow)])
def test_any_history_is_the_same(
    workspace: Workspace, ledger: Ledger, monkeypatch: pytest.MonkeyPatch, seed: int, batches: int
):
    """Days in any order, some late, bound in between and at the end: now and as of any day nothing is different."""
    monkeypatch.setattr(binding, "PAYS", 2)
    rng, days = random.Random(seed), [date(2026, month, day) for month in (8, 9) for day in (1, 9, 17, 25)]
    for number in range(batches):
        commit(workspace, ledger, f"b{number:02d}", *some_lines(rng, rng.choice(days).isoformat()))
        if number in (4, 10):
            publish(workspace, ledger)
            forget(workspace, ledger)
            bind(workspace, ledger)
    publish(workspace, ledger)
    forget(workspace, ledger)
    asked = days[2:3]
    before = answers(workspace, *asked)
    assert bind(workspace, ledger).volumes > 2
    forget_days(workspace)
    assert answers(workspace, *asked) == before
    commit(workspace, ledger, "later", *some_lines(rng, "2026-09-02"))
    publish(workspace, ledger)
    after = answers(workspace, *asked)
    rebuild(workspace, ledger)
    assert answers(workspace, *asked) == after


def test_answers_keep_parts_alone(workspace: Workspace, ledger: Ledger, clock: Clock):
    """A month is bound when it is over and no answer of it is kept; numbers of artists never are."""
    begin(workspace, ledger)
    commit(workspace, ledger, "late", search_line(artist("a1"), day="2026-09-30"))
    assert (bind(workspace, ledger).volumes, bound_files(workspace)) == (3, [
        "release_artists/month=2026-09", "release_pages/month=2026-09", "releases/month=2026-09",
    ])  # fmt: skip
    forget(workspace, ledger)
    clock.instant = clock.instant.replace(month=9)
    assert bind(workspace, ledger).volumes == 0
    clock.instant = clock.instant.replace(month=10)
    assert bind(workspace, ledger).volumes == 3
    assert len(list(workspace.lake.glob("artist_snapshots/day=*/*.parquet"))) == BATCHES + 1


def test_run_binds_what_is_due(workspace: Workspace, ledger: Ledger):
    """Once it has published; the next one has nothing to do."""
    begin(workspace, ledger)
    settings = Settings.model_validate({"data": workspace.root.parent, "workspace": "test", **GIVEN})
    with open_context(settings, ledger, "run-2") as context:
        assert (publish_task(context)["parts_bound"], len(bound_files(workspace))) == (6 * BATCHES, 6)
        assert "parts_bound" not in publish_task(context)


def test_command_binds_too(at_hand: Workspace, ledger: Ledger, capsys: pytest.CaptureFixture[str]):
    """`compact` says how many parts lie in how many volumes, and what that saves."""
    begin(at_hand, ledger)
    assert main(["compact"]) == 0
    months, bound = capsys.readouterr().out.splitlines()
    assert (months.partition(":")[0], bound.partition(":")[0]) == ("no month", "54 parts bound in 6 volumes")


def test_parts_of_earlier_versions(workspace: Workspace, ledger: Ledger, monkeypatch: pytest.MonkeyPatch):
    """What they lack is NULL, as it was; they are of today's version then."""
    monkeypatch.setattr(binding, "PAYS", 1)
    bring(workspace, ledger, 0)
    publish(workspace, ledger)
    before = answers(workspace)
    ledger._now = lambda: Clock().instant.replace(month=12)
    assert bind(workspace, ledger).volumes == 1
    rebuild(workspace, ledger)
    assert answers(workspace) == before
    assert ledger.read("SELECT DISTINCT schema_version FROM parts WHERE table_name = 'artists'") == [
        {"schema_version": 1}
    ]


def test_pending_parts_are_read(workspace: Workspace, ledger: Ledger):
    """Without a database a planner finds every row in the volumes."""
    begin(workspace, ledger, collect_and_bind)
    shutil.rmtree(workspace.db)
    with live(workspace, ledger) as view:
        assert view.execute("SELECT count(*), count(DISTINCT artist_id) FROM live_artists").fetchall() == [(19, 10)]


def test_trace_goes_through_volumes(workspace: Workspace, ledger: Ledger):
    """A value leads to the run and batch that brought it, and to the volume it lies in."""
    begin(workspace, ledger, collect_and_bind)
    (found,) = trace_rows(workspace, ledger, "artists", {"artist_id": "a1"}, date(2026, 9, 6))
    assert (found.run_id, found.batch_id, found.row["name"]) == (RUN, f"{RUN}-5", "Name 1")
    assert found.part.startswith("lake/artists/month=2026-09/")
    assert found.note == "raw removed by retention on 2026-11-22"


def test_purged_out_of_volumes(workspace: Workspace, ledger: Ledger):
    """Nothing of an artist is left in them, and everything of the others."""
    before, _ = begin(workspace, ledger, collect_and_bind)
    told = purge_artist(workspace, ledger, "b3", dry_run=True)
    assert (
        purge_artist(workspace, ledger, "b3").rows
        == told.rows
        == {"artists": 1, "artist_snapshots": 1, "artist_genres": 1}
    )
    (after,) = answers(workspace)
    assert [row[0] for row in after["artists"]] == [row[0] for row in before["artists"] if row[0] != "b3"]
    assert after["releases"] == before["releases"]
    assert "b3" not in {row[key] for row in lake_rows(workspace) for key in row if key == "artist_id"}
    assert ledger.read("SELECT rows FROM parts WHERE table_name = 'artists' AND batch_id LIKE '%-3'") == [{"rows": 1}]
    assert (unlisted(workspace, ledger), recover(workspace, ledger.now)) == (set(), ())


def leave(workspace: Workspace, ledger: Ledger, *parts: dict[str, Any]) -> None:
    """Give parts of a volume a file of their own each, with the same rows."""
    exchange = Exchange(workspace, ledger)
    for row in parts:
        rows = pq.read_table(workspace.root / row["path"], filters=[("seq", "==", row["seq"])]).drop_columns(["seq"])
        pq.write_table(rows, buffer := pa.BufferOutputStream())
        exchange.replace_part(row, buffer.getvalue().to_pybytes(), row["rows"], 1)
    exchange.carry_out()
    settle(workspace, ledger)


def test_last_part_takes_the_volume_along(workspace: Workspace, ledger: Ledger):
    """A part that gets other rows leaves its volume, whose file goes with the last one."""
    before, _ = begin(workspace, ledger, collect_and_bind)
    *others, one, last = ledger.read("SELECT * FROM parts WHERE table_name = 'releases' ORDER BY seq")
    path = next(workspace.lake.glob("releases/month=*/*.parquet"))
    for left, stays in (([*others], True), ([one], True), ([last], False)):
        leave(workspace, ledger, *left)
        days = [workspace.lake / "releases" / f"day={row['day']}" for row in left]
        assert (path.exists(), [len(list(day.iterdir())) for day in days]) == (stays, [1] * len(left))
    assert (answers(workspace), unlisted(workspace, ledger)) == ([before], set())


def test_rows_left_behind_do_not_count(workspace: Workspace, ledger: Ledger, monkeypatch: pytest.MonkeyPatch):
    """What lies in a volume of a part that left it is not read, when it is bound again, and when somebody is purged."""
    before = begin(workspace, ledger, collect_and_bind)
    monkeypatch.setattr(binding, "PAYS", 1)
    leave(workspace, ledger, ledger.read("SELECT * FROM parts WHERE table_name = 'artists' ORDER BY seq")[4])
    assert (bind(workspace, ledger).parts, len(list(workspace.lake.glob("artists/month=*/*")))) == (1, 2)
    assert answers(workspace, SPAN) == before
    shutil.move(workspace.db, workspace.root.parent / "db")
    with live(workspace, ledger) as view:
        assert view.execute("SELECT count(*) FROM live_artists").fetchall() == [(19,)]
    shutil.move(workspace.root.parent / "db", workspace.db)
    purge_artist(workspace, ledger, "b3")
    assert [row[0] for row in answers(workspace)[0]["artists"]] == ["a1", *(f"b{n}" for n in range(9) if n != 3)]


def test_footer_names_its_parts(workspace: Workspace, ledger: Ledger):
    """Place, run, batch, day and rows of each; nothing is said by a file that is none."""
    begin(workspace, ledger, collect_and_bind)
    told = members_of(next(workspace.lake.glob("releases/month=*/*.parquet")))
    assert told[0] == Member(4, RUN, f"{RUN}-0", "2026-09-01", 1)
    assert [each.batch_id for each in told] == [f"{RUN}-{number}" for number in range(BATCHES)]
    (other := workspace.root / "month=1" / "x.parquet").parent.mkdir()
    other.write_bytes(b"no Parquet")
    assert members_of(other) == []


def test_replay_leaves_volumes_alone(workspace: Workspace, ledger: Ledger):
    """Parts without answers stay as they are, wherever they lie."""
    begin(workspace, ledger)
    commit(workspace, ledger, "new", search_line(artist("a1")))
    bind(workspace, ledger)
    listed = ledger.read("SELECT seq, path, sha256 FROM parts ORDER BY seq")
    done = replay(workspace, ledger)
    assert (done.batches, done.changed, done.without_raw) == (1, 0, BATCHES)
    assert ledger.read("SELECT seq, path, sha256 FROM parts ORDER BY seq") == listed
