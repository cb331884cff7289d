"""The demo: a simulated Spotify beside the app, and weeks of history collected from it through the ordinary pipeline.

Nothing is faked on the way: real HTTP, the same graph, the simulator's clock set to each day in turn.
Imports `runner` and the simulator.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from urllib.request import urlopen

from pydantic import SecretStr

from pipeline.clock import system_now
from pipeline.records.opening import opened_ledger
from pipeline.runs.progress import Progress
from pipeline.runs.runner import RunRequest, run_pipeline
from pipeline.setting_types import DEFAULT_GENRES
from pipeline.settings import Settings
from pipeline.simulator.config import SimulatorConfig
from pipeline.simulator.process import Spawned, spawn
from pipeline.workspace import DEMO

__all__ = ["collect_history", "demo_settings", "missing_days", "start_simulator"]

FIRST_DAY_REQUESTS = 200  # enough for a first look at everything within seconds
DAILY_REQUESTS = 30
GENRES_A_DAY = 2


def start_simulator(settings: Settings) -> Spawned:
    """The demo's Spotify as a process of its own; it ends when this one does."""
    return spawn(SimulatorConfig(profile="extended", artists=settings.demo_artists, seed=7))


def demo_settings(settings: Settings, simulator: Spawned) -> Settings:
    """These settings, pointed at the simulator and at the demo's own folder."""
    changes = {
        "api_url": simulator.api_url,
        "token_url": simulator.token_url,
        "client_id": SecretStr("simulator"),
        "client_secret": SecretStr("simulator"),
        "workspace": DEMO,
    }
    return settings.model_copy(update=changes)


def missing_days(settings: Settings, today: date) -> list[date]:
    """Days of the demo's history not collected yet, oldest first; the last one is today."""
    with opened_ledger(settings) as (_, ledger):
        rows = ledger.read("SELECT max(date(started_at, 'unixepoch')) AS day FROM runs WHERE state = 'succeeded'")
    first = today - timedelta(days=settings.demo_days - 1)
    if rows[0]["day"]:
        first = max(first, date.fromisoformat(rows[0]["day"]) + timedelta(days=1))
    return [first + timedelta(days=offset) for offset in range((today - first).days + 1)]


def collect_history(
    settings: Settings,
    simulator: Spawned,
    stop: threading.Event,
    *,
    on_day: Callable[[int, int, date], None],
    report: Callable[[Progress], None],
) -> None:
    """Collect every missing day through the ordinary pipeline; ends early when `stop` is set.

    Nothing is lost by that: the next call goes on there. The simulator is left in the present.
    """
    today = system_now().date()
    days, all_genres = missing_days(settings, today), settings.genres or DEFAULT_GENRES
    for index, day in enumerate(days, start=1):
        if stop.is_set():
            break
        _set_clock(simulator, system_now() if day == today else datetime.combine(day, time(12), UTC))
        on_day(index, len(days), day)
        # The first day and today ask for every genre, others for two in turn: refreshing known artists costs less.
        whole = index == 1 or day == today
        genres = all_genres if whole else _in_turn(all_genres, day)
        most = FIRST_DAY_REQUESTS if whole else DAILY_REQUESTS
        run_pipeline(settings, RunRequest("demo", genres, most), stop=stop, report=report)
    with contextlib.suppress(OSError):  # it may have been ended together with us
        _set_clock(simulator, system_now())


def _in_turn(genres: tuple[str, ...], day: date) -> tuple[str, ...]:
    start = day.toordinal() * GENRES_A_DAY % len(genres)
    return (genres + genres)[start : start + GENRES_A_DAY]


def _set_clock(simulator: Spawned, instant: datetime) -> None:
    body = json.dumps({"now": instant.isoformat()}).encode()
    with urlopen(f"{simulator.url}/_simulator/clock", data=body, timeout=5):  # noqa: S310  an address on this machine
        pass
