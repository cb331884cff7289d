"""Schedules as a person meets them: added with a preview, changed from the command line before one's eyes."""

from __future__ import annotations

import os

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_browser_pages import OVERFLOW
from tests.commands import ROOT, command

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def type_into(page: Page, label: str, words: str) -> None:
    """Fill a field and leave it."""
    page.get_by_label(label, exact=True).fill(words)
    page.keyboard.press("Tab")


@pytest.mark.parametrize(("theme", "ink"), [("light", "rgb(255, 255, 255)"), ("dark", "rgb(29, 27, 23)")])
def test_schedule_comes_and_goes(open_tab, theme, ink):
    """The form shows five times before anything is kept; kept, the schedule stands in the list with the same times.

    The line that was typed stays in its field, and in the preview, while both other kinds are looked at. The button
    that asks whether a schedule is to go has the ink of the theme, dark upon gold where it is dark.
    """
    page = open_tab(theme).show("/schedules")
    page.get_by_role("button", name="New schedule").click()
    type_into(page, "Name", theme)
    type_into(page, "Crontab line", "15 8 * * fri")
    if theme == "light":
        for kind, field in (("Interval", "Every"), ("Once", "Time"), ("Crontab", "Crontab line")):
            page.get_by_role("radio", name=kind).click()
            expect(page.get_by_label(field, exact=True)).to_be_visible()
        expect(page.get_by_label("Crontab line", exact=True)).to_have_value("15 8 * * fri")
    preview = page.locator(".st-key-schedule_form_box .g-times li")
    expect(preview.first).to_contain_text(", 08:15")  # the line that stood there before may fire on a Friday, too
    expect(preview.first).to_contain_text("Fri")
    expect(preview).to_have_count(6)
    times = preview.all_inner_texts()
    page.get_by_role("button", name="Keep it").click()
    card = page.locator(f".st-key-plan_{theme}")
    expect(card).to_contain_text("Friday at 08:15")
    assert card.locator(".g-times li").all_inner_texts() == times
    card.get_by_role("button", name="Remove").click()
    sure = page.get_by_role("button", name="Remove it")
    expect(sure).to_have_css("color", ink)
    sure.click()
    expect(card).to_have_count(0)


def test_command_line_is_seen(open_tab, served):
    """A schedule added, paused and removed by the command line is seen on the open page within seconds."""
    tab, folder = open_tab(), served.log.parent
    bare = {name: value for name, value in os.environ.items() if not name.startswith(("GARIMPO_", "SPOTIPY_"))}
    settings = {**bare, "GARIMPO_DATA": str(folder / "data"), "GARIMPO_SCHEDULE": "", "PYTHONPATH": str(ROOT)}
    page = tab.show("/schedules")
    card = page.locator(".st-key-plan_nightly")
    expect(card).to_have_count(0)
    assert command(settings, folder, "schedule", "add", "nightly", "--every", "6h")[0] == 0
    expect(card).to_contain_text("every 6 hours")
    assert command(settings, folder, "schedule", "pause", "nightly")[0] == 0
    expect(card).to_contain_text("paused")
    assert command(settings, folder, "schedule", "remove", "nightly")[0] == 0
    expect(card).to_have_count(0)


@pytest.mark.parametrize(
    ("theme", "language"), [("light", "pt-BR"), pytest.param("dark", "en-US", marks=pytest.mark.slow)]
)
def test_telephone_holds_the_form(open_tab, theme, language):
    """At a width of 390 nothing hangs over its edge: schedules with the form open, and health."""
    tab = open_tab(theme, language, 390)
    page = tab.show("/schedules")
    page.locator(".st-key-new_schedule button").click()
    page.wait_for_selector(".st-key-sf_keep")
    assert page.evaluate(OVERFLOW) == []
    assert tab.show("/health").evaluate(OVERFLOW) == []


def test_target_is_changed_in_health(open_tab):
    """A genre gets a target of its own, and the table says so at once."""
    page = open_tab().show("/health")
    page.get_by_text("Change a target").click()
    page.get_by_label("Days").fill("5")
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Keep it").click()
    expect(page.get_by_text("5 days, its own")).to_be_visible()
    page.get_by_role("button", name="As the setting says").click()
    expect(page.get_by_text("5 days, its own")).to_have_count(0)
