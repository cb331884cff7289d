"""A dry run: what a run would ask and cost, without a request."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.published.generations import open_generation
from pipeline.records.followed import follow
from pipeline.records.opening import opened_ledger
from pipeline.runs.preview import plan_retry, plan_run, sum_costs
from pipeline.watching.status import workspace_status
from pipeline.workspace import open_workspace
from tests.worlds import collect, running_world, settings_for


def test_first_plan_is_discovery(tmp_path: Path) -> None:
    """Before anything is known only searches are certain: one per genre, each with its pages."""
    with running_world(artists=10) as simulator:
        rows = plan_run(settings_for(simulator, tmp_path, genres=("mpb", "samba")), max_requests=100)
        assert simulator.counts()["total"] == 0
    assert [(row.task, row.items, row.requests, row.at_most) for row in rows] == [
        ("discover", ("mpb", "samba"), 2, 20),
        ("refresh_artists", (), 0, 0),
        ("refresh_releases", (), 0, 0),
        ("refresh_tracks", (), 0, 0),
    ]


def test_plan_stays_below_the_limit(tmp_path: Path) -> None:
    """Whatever may follow, tasks together promise no more than the run may send."""
    with running_world(profile="development", artists=40) as simulator:
        collect(simulator, tmp_path, max_requests=60)
        rows = plan_run(settings_for(simulator, tmp_path), max_requests=50)
    assert sum(row.at_most for row in rows) == 60
    assert (sum_costs(rows), {row.limit for row in rows}) == ((50, 50), {50})


def test_plan_after_a_run_is_empty(tmp_path: Path) -> None:
    """When everything of today was read, nothing is planned and the status counts what is there."""
    with running_world(artists=10) as simulator:
        collect(simulator, tmp_path)
        settings = settings_for(simulator, tmp_path)
        assert [row.requests for row in plan_run(settings)] == [0, 0, 0, 0]
        found = workspace_status(settings)
        artists = simulator.truth(tracks=False)["artists"]
    assert found["profile"] == "extended"
    assert found["rows"]["artists"] == sum(1 for row in artists if row["genres"])
    assert found["last_run"]["state"] == "succeeded"


@pytest.mark.parametrize(("simulated", "own", "artists"), [({"albums": 12}, None, 40), ({}, 12, 1)])
def test_what_waits_is_counted(simulated: dict[str, int], own: int | None, artists: int, tmp_path: Path) -> None:
    """Of a bucket that is locked or spent a retry tells all that waits, by name, and that none of it is asked now."""
    with running_world(profile="development", artists=40, quotas=simulated, lock_s=7_200) as simulator:
        run = collect(simulator, tmp_path, quota_requests=own)
        rows = plan_retry(settings_for(simulator, tmp_path, quota_requests=own), run.run_id)
    [waits] = [row for row in rows if row.task == "refresh_releases"]
    assert (waits.waits, waits.left, waits.locked_until is not None) == (True, 0, own is None)
    named = sum(1 + int(label.partition(" +")[2] or 0) for label in waits.items)  # in more items of a slower source
    assert (named, waits.requests >= artists, sum_costs(rows)[0]) == (artists, True, 0)


def test_followed_artists_are_next(tmp_path: Path) -> None:
    """Whoever is followed is shown first among the releases to be read, and the next run reads them."""
    with running_world(profile="development", artists=40) as simulator:
        collect(simulator, tmp_path, max_requests=60)
        settings = settings_for(simulator, tmp_path)
        unread = "SELECT artist_id, name FROM artists WHERE releases_checked_on IS NULL ORDER BY artist_id"
        *_, (artist_id, name) = open_generation(open_workspace(settings)).rows(unread)
        with opened_ledger(settings) as (_, ledger):
            follow(ledger, [artist_id])
        assert plan_run(settings)[2].items[0].startswith(name)
        collect(simulator, tmp_path, max_requests=30)
    left = open_generation(open_workspace(settings)).rows(unread)
    assert (artist_id in dict(left), len(left) > 5) == (False, True)
