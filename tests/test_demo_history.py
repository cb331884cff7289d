"""The demo: without credentials the app fills itself with days of history, through the ordinary pipeline."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pipeline.clock import system_now
from pipeline.errors import RunInProgress
from pipeline.published.generations import open_generation
from pipeline.service.demo import missing_days
from pipeline.service.scheduler import Service
from pipeline.settings import Settings
from tests.test_schedules_service import until

DAYS = 3


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Service]:
    """The service of an app without credentials, started, with a small demo."""
    service = Service(
        Settings(data=tmp_path, demo_days=DAYS, demo_artists=20, genres=("mpb", "samba", "choro"), schedule="")
    )
    service.start()
    yield service
    service.stop()


def snapshot_days(service: Service) -> list[tuple[Any, int]]:
    """Days of history with their artists."""
    query = "SELECT observed_on, count(*) FROM artist_snapshots GROUP BY ALL ORDER BY ALL"
    return open_generation(service.workspace).rows(query)


def test_history_is_collected(app: Service) -> None:
    """One run a day up to today, each with numbers of the artists known then; nothing is left to do after it.

    Run now then collects on today's date and finds its place in the list of runs.
    """
    with pytest.raises(RunInProgress):
        app.run_now()
    until(lambda: app.status().demo is None)
    today = system_now().date()
    assert [day for day, _ in snapshot_days(app)] == [today - timedelta(days=back) for back in reversed(range(DAYS))]
    assert {(row["trigger"], row["state"]) for row in app.ledger.runs()} == {("demo", "succeeded")}
    asked = [len(json.loads(row["params"])["genres"]) for row in app.ledger.runs()]
    assert asked == [3, *[2] * (DAYS - 2), 3]  # all on the first day and today, else two in turn
    assert missing_days(app.settings, today) == []
    assert missing_days(app.settings, today + timedelta(days=1)) == [today + timedelta(days=1)]

    run_id = app.run_now(max_requests=20)
    until(lambda: app.status().active is None)
    newest = app.ledger.runs(limit=1)[0]
    assert (newest["run_id"], newest["trigger"], newest["state"]) == (run_id, "button", "succeeded")


def test_stop_in_mid_history(tmp_path: Path) -> None:
    """Stopping the app during the history ends it within seconds; the days that came are kept, the rest is missing."""
    service = Service(Settings(data=tmp_path, demo_days=60, demo_artists=20, genres=("mpb", "samba"), schedule=""))
    service.start()
    until(lambda: (service.status().demo or None) and service.status().demo.day >= 2)  # type: ignore[union-attr]
    service.stop()
    left = missing_days(service.settings, system_now().date())
    assert 0 < len(left) < 60


def test_history_can_be_cancelled(tmp_path: Path) -> None:
    """Cancel ends the history at its day, as everybody sees in the ledger; the app then runs what is asked of it."""
    service = Service(Settings(data=tmp_path, demo_days=60, demo_artists=20, genres=("mpb", "samba"), schedule=""))
    service.start()
    try:
        until(lambda: (service.status().demo or None) and service.status().demo.day >= 2)  # type: ignore[union-attr]
        assert service.cancel() is True
        until(lambda: service.status().demo is None)
        assert service.ledger.runs(limit=1)[0]["state"] in ("cancelled", "succeeded")
        service.run_now(max_requests=5)
        waiting = service.run_now(max_requests=5, wait=True)
        assert service.status().waiting == (waiting,)
        assert (service.cancel(waiting), service.status().waiting) == (True, ())
    finally:
        service.stop()
    assert 0 < len(missing_days(service.settings, system_now().date())) < 60
