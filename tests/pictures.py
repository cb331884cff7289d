"""The pictures of the documents, made anew: `python -m tests.pictures`, or some of them by name.

A simulated Spotify is collected for two weeks, one day of them with a fault, then the app is opened on it in a real
browser. Nothing in the pictures exists.
"""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from pipeline.clock import system_now
from pipeline.records.opening import opened_ledger
from pipeline.runs.runner import RunRequest, run_pipeline
from pipeline.setting_types import DEFAULT_GENRES
from pipeline.simulator.config import SimulatorConfig
from pipeline.simulator.server import Running, running
from pipeline.watching.schedules import Schedule, add_schedule
from tests.apps import running_app
from tests.commands import environment
from tests.worlds import settings_for

__all__ = ["PICTURES", "main"]

FOLDER = Path(__file__).parent.parent / "docs" / "images"
DAYS = 14
FAULT_DAY = DAYS - 1
ZONE = "America/Sao_Paulo"
SLOW = {"rules": [{"what": "slow", "delay_s": 0.6}]}


@dataclass(frozen=True)
class Picture:
    """A picture: its page, what is done there first, from which element on and how high it is."""

    name: str
    path: str
    act: Callable[[Page], None] = lambda _page: None
    first: str = "h1"
    height: int = 560


def start_run(page: Page) -> None:
    """A run begun from the form, in the middle of it."""
    page.get_by_role("button", name="Run now").click()
    page.get_by_role("button", name="Start", exact=True).click()
    page.wait_for_selector(".g-badge.g-live >> nth=2", timeout=60_000)
    page.get_by_text("reading releases").first.wait_for()
    page.wait_for_selector(".g-try >> nth=7")
    page.wait_for_timeout(4_000)


def show_cost(page: Page) -> None:
    """The form of Retry, with what it costs."""
    page.get_by_role("button", name="Choose, and see the cost").click()
    page.get_by_role("dialog").locator("table").wait_for()


PICTURES = (
    Picture("overview", "/", height=1_180),
    Picture("run-failed", "/run?id={fault}", height=760),
    Picture("retry", "/run?id={fault}", show_cost),
    Picture("log", "/run?id={fault}", first="h2:has-text('Log')", height=520),
    Picture("run", "/runs", start_run, height=760),
    Picture("runs", "/runs"),
    Picture("schedules", "/schedules", height=760),
    Picture("health", "/health", height=860),
    Picture("notifications", "/settings", first="h2:has-text('Notifications')", height=330),
)


def main(names: list[str]) -> None:
    """Make the pictures of these names, or all."""
    first = system_now().date() - timedelta(days=DAYS - 1)
    world = SimulatorConfig(profile="extended", artists=400, seed=7, now=f"{first.isoformat()}T12:00:00Z")
    with tempfile.TemporaryDirectory() as folder, running(world) as sim:
        fault = collect_weeks(sim, Path(folder) / "data")
        sim.set_scenario(SLOW)
        variables = environment(sim, Path(folder) / "data", GARIMPO_WORKSPACE="demo", GARIMPO_SCHEDULE="",
                                GARIMPO_GENRES=",".join(DEFAULT_GENRES), GARIMPO_MAX_REQUESTS="300")  # fmt: skip
        with running_app(Path(folder), variables) as app, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            view = browser.new_context(locale="en-US", timezone_id=ZONE, viewport={"width": 1120, "height": 1_400})
            page = view.new_page()
            for picture in PICTURES:
                if not names or picture.name in names:
                    take(page, app.url + picture.path.format(fault=fault), picture)
            browser.close()


def collect_weeks(sim: Running, data: Path) -> str:
    """Two weeks of runs, one of them through a fault, and three schedules; the id of the run with the fault."""
    settings = settings_for(sim, data, genres=DEFAULT_GENRES, workspace="demo")
    fault = {"rules": [{"what": "server_error", "where": "albums", "share": 0.72}]}
    runs = []
    for day in range(DAYS):
        sim.set_scenario(fault if day == FAULT_DAY else {})
        runs.append(run_pipeline(settings, RunRequest("schedule", (), 260 if day == 0 else 90 + 17 * (day % 3))).run_id)
        if day < DAYS - 1:
            sim.advance(86_400)
    with opened_ledger(settings) as (_, ledger):
        add_schedule(ledger, Schedule("every-morning", "cron", "0 6 * * *", ZONE, priority=1))
        add_schedule(ledger, Schedule("releases-friday", "cron", "15 9 * * fri", ZONE, ("mpb", "samba"), 80))
        add_schedule(ledger, Schedule("rising", "interval", "6h", "UTC", ("funk carioca", "pagode"), 40, paused=True))
    return runs[FAULT_DAY]


def take(page: Page, address: str, picture: Picture) -> None:
    """Open, act, cut, keep as WebP."""
    page.goto(address)
    page.wait_for_selector(".g-foot")
    page.wait_for_timeout(2_500)
    picture.act(page)
    top = page.locator(picture.first).first
    top.evaluate("each => each.scrollIntoView()")  # to the top: what comes below it is in the picture
    box = top.bounding_box() or {"y": 0}
    page.evaluate("document.querySelectorAll('header').forEach(each => each.remove())")
    box = top.bounding_box() or box
    dialog = page.get_by_role("dialog")
    if dialog.count():
        shot = dialog.first.screenshot()
    else:
        clip = {"x": 0, "y": max(0, box["y"] - 8), "width": 1120, "height": picture.height}
        shot = page.screenshot(clip=clip)  # type: ignore[arg-type]
    path = FOLDER / f"{picture.name}.webp"
    Image.open(io.BytesIO(shot)).convert("RGB").save(path, "WEBP", quality=80, method=6)
    sys.stdout.write(f"{path.name}: {path.stat().st_size / 1000:.0f} kB\n")


if __name__ == "__main__":
    main(sys.argv[1:])
