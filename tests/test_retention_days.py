"""Retention: files older than the settings permit go, layer by layer, and everything else stays."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from pipeline.keeping.replay import replay
from pipeline.keeping.retention import (
    Going,
    apply_retention,
    keep_within_retention,
    plan_retention,
    retire_within_retention,
)
from pipeline.lake.store import sweep
from pipeline.published.generations import open_generation
from pipeline.published.publish import publish
from pipeline.queries.tracing import trace_rows
from pipeline.records.budget import Budget, Limits
from pipeline.records.ledger import Ledger
from pipeline.settings import Settings
from pipeline.workspace import Workspace
from tests.conftest import Clock
from tests.copies import made_once
from tests.payloads import artist, commit, search_line

SETTINGS = Settings(keep_raw_days=90, keep_snapshot_days=400)
FIRST = datetime(2026, 1, 1, 6, tzinfo=UTC)


@pytest.fixture
def old(workspace: Workspace, ledger: Ledger, clock: Clock) -> Ledger:
    """A ledger with two runs of an artist, 300 days apart, published; the clock stands at the second."""

    def fill(workspace: Workspace, ledger: Ledger) -> None:
        for place, days in enumerate((0, 300)):
            clock.instant = FIRST + timedelta(days=days)
            line = search_line(artist("a1", followers={"total": 10 + place}), day=clock.instant.date().isoformat())
            commit(workspace, ledger, "b1", line, run_id=f"run-{place}")
            ledger.finish_run(f"run-{place}", "succeeded")
        publish(workspace, ledger)

    made_once(workspace, ledger, fill)
    clock.instant = FIRST + timedelta(days=300)
    return ledger


def followers(workspace: Workspace) -> list[tuple[int]]:
    """What the history of the artist shows."""
    return open_generation(workspace).rows("SELECT followers FROM artist_snapshots ORDER BY observed_on")


def test_plan_changes_nothing(workspace: Workspace, old: Ledger) -> None:
    """The plan names files, rows, bytes and days of each layer, and every file stays."""
    size = old.read("SELECT bytes FROM raw_files ORDER BY day")[0]["bytes"]
    assert plan_retention(old, SETTINGS, date(2026, 10, 28)) == (
        Going("raw", 90, 1, 1, size, "2026-01-01", "2026-01-01"), Going("artist_snapshots", 400),
    )  # fmt: skip
    assert all((workspace.root / part.path).exists() for part in old.parts())


def test_raw_goes_rows_stay(workspace: Workspace, old: Ledger) -> None:
    """Answers beyond their days go, with their folder; rows made of them stay, and a trace says what became of them."""
    apply_retention(workspace, old, SETTINGS, date(2026, 10, 28))
    (origin,) = trace_rows(workspace, old, "artist_snapshots", {"artist_id": "a1"}, FIRST.date())
    assert (origin.lines, origin.note) == ((), "raw removed by retention on 2026-10-28")
    there = [path.relative_to(workspace.raw).as_posix() for path in sorted(workspace.raw.rglob("*"))]
    assert there == ["day=2026-10-28", "day=2026-10-28/run-1", "day=2026-10-28/run-1/b1.jsonl.zst"]
    assert (followers(workspace), sweep(workspace, old)) == ([(10,), (11,)], 0)


def test_numbers_go_everywhere(workspace: Workspace, old: Ledger, clock: Clock) -> None:
    """Numbers beyond their days go from parts and from every generation; a replay does not bring them back."""
    settings = Settings(keep_raw_days=0, keep_snapshot_days=400)
    clock.instant = FIRST + timedelta(days=401)
    (_, numbers) = apply_retention(workspace, old, settings, clock.instant.date())
    assert (numbers.files, numbers.rows, followers(workspace)) == (1, 1, [(11,)])
    assert len(list(workspace.db.glob("*.duckdb"))) == 1
    assert (replay(workspace, old).changed, followers(workspace)) == (0, [(11,)])
    assert open_generation(workspace).rows("SELECT name, first_seen_on FROM artists") == [("Artist a1", FIRST.date())]


@pytest.mark.parametrize(("today", "files"), [(date(2026, 4, 1), 0), (date(2026, 4, 2), 1)])
def test_last_day_counts(old: Ledger, today: date, files: int) -> None:
    """What is kept for 90 days is there on the ninetieth and goes on the one after."""
    assert plan_retention(old, SETTINGS, today)[0].files == files


def test_for_ever(old: Ledger) -> None:
    """Zero days mean for ever."""
    keep = Settings(keep_raw_days=0, keep_snapshot_days=0)
    assert [going.files for going in plan_retention(old, keep, date(2099, 1, 1))] == [0, 0]


def test_imports_count_from_their_run(workspace: Workspace, ledger: Ledger) -> None:
    """History of ten years ago that came yesterday is a day old."""
    commit(workspace, ledger, "import-00001", search_line(artist("a1"), day="2016-11-22"))
    assert [going.files for going in plan_retention(ledger, SETTINGS, date(2026, 11, 23))] == [0, 0]
    assert [going.files for going in plan_retention(ledger, SETTINGS, date(2027, 2, 21))] == [1, 0]


def test_once_a_day(workspace: Workspace, old: Ledger, clock: Clock) -> None:
    """Runs apply it once a day, and on another day again, also when the clock was set back."""
    live_days(old, clock, 7)
    gone = [len(keep_within_retention(workspace, old, SETTINGS)) for _ in range(2)]
    assert (gone, old.meta("retention_on")) == ([2, 0], "2026-11-04")
    clock.move(days=-1)
    keep_within_retention(workspace, old, SETTINGS)
    assert old.meta("retention_on") == "2026-11-03"


def test_numbers_go_by_months(workspace: Workspace, ledger: Ledger, clock: Clock) -> None:
    """A run lets numbers go once a whole month of them is too old, so that it seldom publishes everything anew."""
    for day in ("2026-01-01", "2026-01-31", "2026-02-01"):
        clock.instant = datetime.fromisoformat(f"{day}T06:00Z")
        commit(workspace, ledger, "b1", search_line(artist("a1"), day=day), run_id=f"run-{day}")
    gone = []
    clock.instant = datetime.fromisoformat("2026-01-23T06:00Z") + timedelta(days=400)
    live_days(ledger, clock, 7)
    for oldest_kept in ("2026-01-30", "2026-01-31", "2026-02-01"):
        clock.instant = datetime.fromisoformat(f"{oldest_kept}T06:00Z") + timedelta(days=400)
        ledger.begin_run(f"run-of-{oldest_kept}", "cli", {}, 1)
        gone += [[going.files for going in keep_within_retention(workspace, ledger, SETTINGS)]]
    assert gone == [[3, 0], [], [0, 2]]


def test_jumped_clock_is_not_believed(workspace: Workspace, old: Ledger, clock: Clock) -> None:
    """A clock years ahead deletes nothing by itself before runs of seven days agree with it, nor after another jump."""
    clock.move(days=3000)
    live_days(old, clock, 6)
    assert (keep_within_retention(workspace, old, SETTINGS), len(followers(workspace))) == ((), 2)
    clock.move(days=400)
    live_days(old, clock, 6)
    assert (keep_within_retention(workspace, old, SETTINGS), len(followers(workspace))) == ((), 2)
    live_days(old, clock, 1)
    assert [going.files for going in keep_within_retention(workspace, old, SETTINGS)] == [2, 2]


def test_jumped_clock_forgets_no_request(old: Ledger, clock: Clock) -> None:
    """What was sent still counts when a clock that was a year ahead is set right; once it is believed, it goes."""
    budget = Budget(old, Limits(window_requests=100, quota_requests=100))
    budget.reserve("search", "search")
    clock.move(days=365)
    assert (retire_within_retention(old, SETTINGS), budget.view("search").used) == (0, 0)
    clock.move(days=-365)
    assert budget.view("search").used == 1
    clock.move(days=365)
    live_days(old, clock, 7)
    assert retire_within_retention(old, SETTINGS) == 1


def live_days(ledger: Ledger, clock: Clock, count: int) -> None:
    """A run on each of so many days, and then the day after."""
    for _ in range(count):
        ledger.begin_run(f"run-of-{clock.instant:%Y-%m-%d}", "cli", {}, 1)
        clock.move(days=1)
