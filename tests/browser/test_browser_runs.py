"""Runs as people see them: one starts, cancels and goes on with a run from its form, the other watches it all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from pages._look import PALETTES
from pipeline.runs.runner import RunRequest
from pipeline.simulator.server import Running
from tests.apps import running_app
from tests.browser.conftest import Tab, rgb
from tests.browser.test_browser_pages import OVERFLOW
from tests.worlds import collect, genre_names, running_world

pytestmark = pytest.mark.browser

REQUESTS_A_SECOND = 6  # slow enough to watch


@pytest.fixture
def world() -> Iterator[Running]:
    """A simulated Spotify in the present, so that the app's clock is the machine's."""
    with running_world(artists=40, now=None) as simulator:
        yield simulator


@pytest.fixture
def slow_home(world: Running, tmp_path: Path) -> Iterator[str]:
    """An app beside that Spotify, its artists known and their releases not, in no hurry."""
    collect(world, tmp_path / "data", RunRequest("cli", max_requests=12))
    settings = {
        "GARIMPO_API_URL": world.api_url,
        "GARIMPO_TOKEN_URL": world.token_url,
        "GARIMPO_GENRES": ",".join(genre_names(world)),
        "GARIMPO_SCHEDULE": "",
        "GARIMPO_WINDOW_REQUESTS": str(REQUESTS_A_SECOND * 30),
        "SPOTIPY_CLIENT_ID": "simulator",
        "SPOTIPY_CLIENT_SECRET": "simulator",
    }
    with running_app(tmp_path, settings) as app:
        yield app.url


@pytest.fixture
def two_tabs(browser: Any, slow_home: str) -> Iterator[tuple[Tab, Tab]]:
    """Two people on that app, each with a browser session of their own; at the end nothing may have complained."""
    contexts = [browser.new_context(locale="en-US", timezone_id="UTC") for _ in range(2)]
    first, second = (Tab(context.new_page(), slow_home) for context in contexts)
    first.watch()
    second.watch()
    yield first, second
    for context in contexts:
        context.close()
    assert first.complaints + second.complaints == []


def start_from_form(tab: Tab) -> Page:
    """A run started from the form, after it has said what it costs; its page."""
    page = tab.show("/runs")
    page.get_by_role("button", name="Run now", exact=True).click()
    form = page.get_by_role("dialog")
    expect(form).to_contain_text("requests now, and")
    form.get_by_role("button", name="Start", exact=True).click()
    expect(page.locator(".g-gantt")).to_be_visible()
    return page


def state(page: Page) -> Locator:
    """The badge that says how the run is."""
    return page.locator(".g-box .g-badge").first


def moves(page: Page) -> None:
    """Graph, line of time and log change by themselves, and the page is never loaded or run anew for that."""
    page.evaluate("window.stayed = true")
    expect(page.locator(".g-node.g-s-running")).to_contain_text("/")
    bars, newest = page.locator(".g-try").count(), page.locator(".g-log li").first.inner_text()
    done = page.locator(".g-node.g-s-running small").inner_text()
    expect(page.locator(".g-log li").first).not_to_have_text(newest)
    page.wait_for_function("count => document.querySelectorAll('.g-try').length > count", arg=bars)
    expect(page.locator(".g-dag")).not_to_contain_text(done)
    assert page.evaluate("window.stayed") is True


@pytest.mark.slow
def test_two_people_steer_runs(two_tabs: tuple[Tab, Tab], world: Running) -> None:
    """A run started from the form is watched, cancelled and resumed; what fails in it is retried; both see it all."""
    artists = world.truth(genres=genre_names(world))["artists"]
    broken = f"/v1/artists/{artists[0]['artist_id']}/albums"
    world.set_scenario({"rules": [{"what": "server_error", "where": broken}]})
    mine, theirs = two_tabs
    page = start_from_form(mine)
    other = theirs.show("/runs")
    other.get_by_role("link", name="Watch this run").click()
    for each in (page, other):
        expect(state(each)).to_have_text("running")
        moves(each)

    page.get_by_role("button", name="Cancel", exact=True).click()
    for each in (page, other):
        expect(state(each)).to_have_text("cancelled")
        expect(each.locator("#g-voice")).to_contain_text("cancelled")  # for those who hear the page

    page.get_by_role("button", name="Resume", exact=True).click()
    expect(page.get_by_role("link", name=re.compile("Goes on with"))).to_be_visible()
    expect(state(page)).to_have_text(re.compile("failed|succeeded"), timeout=120_000)
    expect(page.locator(".g-items tbody tr").first).to_contain_text("failed")
    expect(page.locator(".g-items tbody tr").first).to_contain_text("attempt 3, failed")
    name = page.locator(".g-items tbody th").first.inner_text()

    world.set_scenario({})
    page.get_by_role("button", name="Choose, and see the cost", exact=True).click()
    form = page.get_by_role("dialog")
    form.get_by_role("combobox").click()
    page.get_by_role("option", name=name).click()
    expect(form).to_contain_text("requests now, and")
    page.keyboard.press("Escape")  # closes the list of names
    form.get_by_role("button", name="Start", exact=True).click()
    expect(page.get_by_role("link", name=re.compile("Goes on with"))).to_be_visible()
    expect(state(page)).to_have_text("succeeded")
    expect(page.locator(".g-items")).to_contain_text(name)
    other = theirs.show("/runs")
    expect(other.locator(".g-run .g-badge").first).to_have_text("succeeded")


@pytest.mark.parametrize(
    ("theme", "language"), [("light", "pt-BR"), pytest.param("dark", "en-US", marks=pytest.mark.slow)]
)
def test_run_fits_a_telephone(open_tab, theme, language):
    """At a width of 390 a run hangs over no edge, its tables neither; tasks by whole names, items, lines are there.

    Nor does it at a width of 1024, however long the words of its items.
    """
    tab = open_tab(theme, language, 390)
    page = tab.show("/runs")
    page.locator('[class*="st-key-go_run"] a').last.click()  # the first may be one that found nothing to ask
    expect(page.locator(".g-log li").first).to_be_visible()
    tab.settle()
    assert page.locator(".g-items").count() == 1
    assert page.evaluate(OVERFLOW) == []
    expect(page.locator(".g-node")).to_have_count(page.locator(".g-dag li").count())
    assert page.locator(".g-gantt .g-bar").count() >= 4
    is_cut = "each => each.scrollWidth > each.clientWidth"
    cut = f"all => all.filter({is_cut}).map(each => each.textContent)"
    assert page.locator(".g-line > span:first-child").evaluate_all(cut) == []

    # On a small laptop, be the words of an item the longest that there are.
    page.set_viewport_size({"width": 1024, "height": 900})
    told = "buscas: requisições demais em 30 s (429); continua a partir de 29 nov., 22:08 BRT"
    words = {0: "Conjunto Guaziranda Tendararal +9", 2: "descobrindo artistas", 7: told}
    page.locator(".g-items tbody tr").first.evaluate(
        """(row, words) => {
            for (const place in words) row.children[place].textContent = words[place];
            row.querySelector('.g-badge').className = 'g-badge g-live';
            row.querySelector('.g-badge').textContent = 'em andamento';
        }""",
        {str(place): said for place, said in words.items()},
    )
    assert page.evaluate(OVERFLOW) == []


def test_form_is_used_by_keyboard(open_tab):
    """The form opens with the keyboard, lists by name what a dry run would ask, and closes with Escape for good.

    What the run would cost stands in it in the colours of the theme, as everywhere.
    """
    tab = open_tab("dark")
    page = tab.show("/runs")
    page.get_by_role("button", name="Run now", exact=True).focus()
    page.keyboard.press("Enter")
    form = page.get_by_role("dialog")
    expect(form.locator(".g-cost")).to_be_visible()
    expect(form.locator(".g-scroll")).to_have_css("background-color", rgb(PALETTES["dark"].surface))
    page.keyboard.press("Escape")
    expect(form).to_have_count(0)
    tab.settle()
    page.reload()
    tab.settle()
    expect(form).to_have_count(0)


def test_filters_stay_in_the_address(open_tab):
    """A state that is chosen is in the address, which shows the same to whoever opens it; back takes it back."""
    tab = open_tab()
    page = tab.show("/runs")
    page.get_by_role("combobox", name="State").click()
    page.get_by_role("option", name="crashed").click()
    page.wait_for_url("**/runs?state=crashed")
    empty = page.locator(".g-empty")  # a screen reader is told the same
    expect(empty).to_contain_text("No run matches")
    page.go_back()
    page.wait_for_url("**/runs")
    tab.settle()
    expect(page.get_by_label("State", exact=True)).to_have_value("")
    tab.show("/runs?state=crashed")
    expect(empty).to_contain_text("No run matches")


@pytest.mark.slow
def test_log_is_downloaded(open_tab):
    """The log of a run can be taken along as a file of lines."""
    tab = open_tab()
    page = tab.show("/runs")
    page.locator('[class*="st-key-go_run"] a').first.click()
    with page.expect_download() as started:
        page.get_by_role("button", name="Download the log").click()
    lines = Path(started.value.path()).read_text(encoding="utf-8").splitlines()
    assert " run_started " in lines[0]
    assert started.value.suggested_filename.endswith(".log")
