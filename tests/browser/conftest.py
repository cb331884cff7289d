"""One server and one Chromium for all browser tests; every tab is watched for errors and requests that leave home."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, Request, expect, sync_playwright

from tests.apps import RunningApp, running_app

CANDIDATES = ("chromium", "chromium-browser", "google-chrome", "chrome", "msedge")
PLACES = ("/usr/bin/chromium", "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--renderer-process-limit=1",  # else one more is begun ahead for every page
)
DEMO = {"GARIMPO_DEMO_DAYS": "3", "GARIMPO_DEMO_ARTISTS": "60", "GARIMPO_SCHEDULE": ""}
HOME = re.compile(r"(http|ws)://127\.0\.0\.1[:/]|data:|blob:")
PATIENCE = 60_000  # a machine may be busy; what is there is not waited for
expect.set_options(timeout=PATIENCE)
# On a deep link Streamlit looks for its server below the page's own address first; the browser reports each miss.
PROBES = re.compile(r"/\w+/_stcore/(health|host-config)$")


@dataclass
class Visit:
    """What the very first visitor saw: a deep link, opened before there were data."""

    first_words: str
    words: str
    address: str
    seconds: float
    artist: str  # the address of the first in the list


@dataclass
class Tab:
    """A page of the browser, and what went wrong on it."""

    page: Page
    home: str
    complaints: list[str] = field(default_factory=list)

    def show(self, path: str) -> Page:
        """Open an address of the app and wait until it stands still."""
        self.page.goto(f"{self.home}{path}")
        self.settle()
        return self.page

    def settle(self) -> None:
        """Wait until the app has drawn everything: its last element, each part that loads late; its script rests."""
        self.page.wait_for_selector(".g-foot")
        self.page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]')
        expect(self.page.locator("[data-stale=true], [data-testid=stSkeleton]")).to_have_count(0)

    def watch(self) -> None:
        """Note console errors, failures and requests that leave this machine."""
        self.page.set_default_timeout(PATIENCE)
        self.page.on("console", self._said)
        self.page.on("pageerror", self._failed)
        self.page.on("request", self._sent)

    def leave(self) -> None:
        """Go, so that whoever comes next finds nothing of this visit: no cookie, nothing kept, no listener."""
        for event, listener in (("console", self._said), ("pageerror", self._failed), ("request", self._sent)):
            self.page.remove_listener(event, listener)
        self.page.goto(f"{self.home}/healthz")
        self.page.evaluate("localStorage.clear(), sessionStorage.clear()")
        self.page.context.clear_cookies()

    def _said(self, said: ConsoleMessage) -> None:
        self._complain(said.type == "error", f"{said.text} {said.location['url']}")

    def _failed(self, error: Error) -> None:
        self._complain(True, str(error))

    def _sent(self, sent: Request) -> None:
        self._complain(not HOME.match(sent.url), f"left home: {sent.url}")

    def _complain(self, wrong: bool, about: str) -> None:  # noqa: FBT001  a condition, not a switch
        if wrong and not PROBES.search(about):
            self.complaints.append(about)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The Chromium of this machine; without one the tests skip, or fail where it is required."""
    found = next(filter(None, map(shutil.which, CANDIDATES)), None) or next(filter(os.path.exists, PLACES), None)
    if found is None:
        say = pytest.fail if os.environ.get("GARIMPO_REQUIRE_BROWSER") == "1" else pytest.skip
        say(f"No browser found; on the path none of {', '.join(CANDIDATES)}. Install one: `apt-get install chromium`.")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=found, args=list(ARGUMENTS))
        yield started
        started.close()


@pytest.fixture(scope="session")
def served(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    """A real server on a free port, its data folder empty at the start; it ends promptly when told to."""
    with running_app(tmp_path_factory.mktemp("app"), DEMO) as app:
        yield app


@pytest.fixture(scope="session")
def home(served: RunningApp) -> str:
    """Its address."""
    return served.url


@pytest.fixture(scope="session")
def first_visit(browser: Browser, home: str) -> Visit:
    """The first page anybody opens is a deep link, at once after the start."""
    context = browser.new_context(locale="en-US", color_scheme="light")
    page, began = context.new_page(), time.monotonic()
    page.set_default_timeout(PATIENCE)
    page.goto(f"{home}/artists?sort=name")
    page.wait_for_selector(".g-empty, .g-row")
    first = page.inner_text("body")
    page.wait_for_selector(".g-row")
    seconds = time.monotonic() - began
    artist = page.locator('[class*="st-key-go_artists"] a').first.get_attribute("href")
    visit = Visit(first, page.inner_text("body"), page.url, seconds, f"/{artist}")
    page.goto(f"{home}/runs")
    page.wait_for_selector(".g-foot")
    expect(page.get_by_test_id("stProgress")).to_have_count(0, timeout=90_000)  # the history is collected
    page.wait_for_selector('[data-testid="stBaseButton-primary"]:enabled')
    context.close()
    return visit


def rgb(colour: str) -> str:
    """A colour of a palette as a browser tells it."""
    return "rgb({}, {}, {})".format(*bytes.fromhex(colour[1:]))


@pytest.fixture(scope="session")
def artist(first_visit: Visit) -> str:
    """The address of an artist."""
    return first_visit.artist


@pytest.fixture(scope="session")
def pages(browser: Browser) -> Iterator[dict[tuple[str, str], Page]]:
    """Pages by theme and language, for one test after the other: in a new one all of Streamlit is compiled again."""
    made: dict[tuple[str, str], Page] = {}
    yield made
    for page in made.values():
        page.context.close()


@pytest.fixture
def open_tab(
    browser: Browser, pages: dict[tuple[str, str], Page], home: str, first_visit: Visit
) -> Iterator[Callable[..., Tab]]:
    """A tab in a theme, language and width, of somebody who was never there; it may not complain."""
    tabs: list[Tab] = []

    def opened(theme: str = "light", language: str = "en-US", width: int = 1280) -> Tab:
        if (theme, language) not in pages:
            context = browser.new_context(color_scheme=theme, locale=language, timezone_id="UTC")
            pages[theme, language] = context.new_page()
        tab = Tab(pages[theme, language], home)
        tab.page.set_viewport_size({"width": width, "height": 900})
        tab.watch()
        tabs.append(tab)
        return tab

    yield opened
    for tab in tabs:
        tab.leave()
    assert [complaint for tab in tabs for complaint in tab.complaints] == []
