"""Pages for the keyboard alone and for those who hear them: focus is seen, changes are said and disturb nobody."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import Route, expect

pytestmark = pytest.mark.browser

FOCUS = """() => {
    const { outlineStyle, outlineWidth, outlineColor } = getComputedStyle(document.activeElement);
    return [document.activeElement.innerText.trim(), outlineStyle, parseFloat(outlineWidth) >= 2, outlineColor];
}"""
PLACE = """address => {
    const place = document.createElement('div');
    Object.assign(place.dataset, { live: address, part: 'told' });
    document.querySelector('.g-foot').before(place);
}"""


def test_focus_is_seen_and_finds_are_said(open_tab):
    """A link of the navigation that has the focus has an outline; how many artists a search has found is said once.

    The browser's tab bears the name of the artist that it shows.
    """
    page = open_tab().show("/artists")
    page.keyboard.press("Tab")
    page.locator("header a", has_text="Runs").focus()
    assert page.evaluate(FOCUS)[:3] == ["Runs", "solid", True]
    voice = page.locator("#g-voice")
    expect(voice).to_have_attribute("role", "status")
    expect(voice).to_be_empty()
    search = page.get_by_label("Search by name")
    search.fill("zzzz")
    search.press("Enter")
    expect(voice).to_have_text("No artist matches")
    page.get_by_role("button", name="Show all artists").click()
    expect(voice).to_contain_text("artists")
    page.locator('[class*="st-key-go_artists"] a').first.press("Enter")
    expect(page).to_have_title(f"{page.locator('.g-head h1').inner_text()} \u00b7 Garimpo")
    assert "artists" in voice.inner_text()  # another page has its own title, and says nothing more


def test_live_part_changes_what_differs(open_tab):
    """A part that comes anew each second keeps the elements that are in it, their focus and what they hold."""
    page = open_tab().show("/settings")
    answers = iter(range(1_000))

    def answer(route: Route) -> None:
        number = next(answers)
        lines = "".join(f"<li>{number}</li>" for _ in range(1 + number % 2))
        html = f'<ol tabindex="0" class="n{number}">{lines}</ol>{"<b>x</b>" if number % 2 else "<i>x</i>"}'
        route.fulfill(body=json.dumps({"parts": {"told": html}}), content_type="application/json")

    page.route("**/live/told", answer)
    page.evaluate(PLACE, "live/told")
    box = page.locator("[data-part=told] ol")
    box.focus()
    page.evaluate("window.box = document.activeElement, window.line = window.box.firstChild")
    for number in (1, 2):
        expect(box).to_have_class(f"n{number}")
        expect(box.locator("li")).to_have_count(1 + number % 2)
        assert page.evaluate("[window.box === document.activeElement, window.line.isConnected]") == [True, True]
        expect(page.locator("[data-part=told] > :last-child")).to_have_js_property("tagName", "IB"[number % 2])
    page.unroute("**/live/told")


@pytest.mark.slow
def test_wrong_field_is_told_with_its_field(open_tab):
    """What is wrong with a schedule is bound to the field it is wrong in, until it is right."""
    page = open_tab().show("/schedules")
    page.get_by_role("button", name="New schedule").click()
    nameless = "Give it a name of letters, digits and hyphens, without spaces."
    expect(page.get_by_label("Name", exact=True)).to_have_accessible_description(nameless)
    line = page.get_by_label("Crontab line", exact=True)
    line.fill("61 * *")
    line.press("Enter")
    expect(line).to_have_attribute("aria-invalid", "true")
    expect(line).to_have_accessible_description(re.compile("needs five fields"))
    line.fill("0 6 * * *")
    line.press("Enter")
    expect(line).not_to_have_attribute("aria-invalid", "true")
    page.get_by_role("button", name="Leave it").click()
