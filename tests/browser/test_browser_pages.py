"""What a person sees: data that come by themselves, rows, painted charts, two themes, two languages, a telephone."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path
from urllib.request import urlopen

import pytest
from PIL import Image, ImageChops
from playwright.sync_api import expect

import pages
from pages._cards import artist_head, artist_row, release_card
from pages._look import PALETTES
from pages._text import Text
from tests.browser.conftest import rgb

pytestmark = pytest.mark.browser

STYLE = (Path(pages.__file__).parent / "style.css").read_text(encoding="utf-8")
NOBODY = {
    "artist_id": "a", "album_id": "b", "name": "Banda", "genres": [], "followers": 1, "popularity": 1,
    "artist_names": [], "spotify_url": None, "first_seen_on": None, "last_seen_on": None, "album_type": "album",
    "total_tracks": 1, "release_date": None, "release_date_precision": None,
}  # fmt: skip
PAGES = ("/", "/artists", "/runs")
COLOURS = {theme: rgb(PALETTES[theme].accent) for theme in PALETTES}
PAINTED = """plot => {
    const box = plot.getBoundingClientRect();
    const marks = [...plot.querySelectorAll('.js-line, .bars .point path')];
    const drawn = marks.filter(mark => mark.getBBox().width > 0 && (mark.getAttribute('d') || '').length > 8);
    return [box.width > 200 && box.height > 150, drawn.length > 0];
}"""
OVERFLOW = """() => [...document.querySelectorAll('html, [data-testid="stMain"], .g-frame, .g-scroll')]
    .filter(each => each.scrollWidth > each.clientWidth).map(each => each.className || each.tagName)"""


def test_deep_link_fills_itself(first_visit):
    """A deep link opened before there are data waits, then shows its rows by itself and keeps its address."""
    assert "Demo: the data are synthetic" in first_visit.first_words
    assert "artists" in first_visit.words
    assert first_visit.address.endswith("/artists?sort=name")
    assert first_visit.seconds < 30


def test_run_now_brings_rows(open_tab, home):
    """Run now opens a form whose button starts a run, which ends in the list as started by the button."""
    tab = open_tab()
    page = tab.show("/runs")
    page.get_by_role("button", name="Run now", exact=True).click()
    form = page.get_by_role("dialog")
    surface = rgb(PALETTES["light"].surface)
    expect(form.locator(".g-scroll")).to_have_css("background-color", surface)
    form.get_by_role("button", name="Start", exact=True).click()
    expect(page.locator(".g-dag")).to_contain_text("publishing")
    page = tab.show("/runs")
    newest = page.locator(".g-run").first
    expect(newest).to_contain_text("a button on these pages")
    expect(newest).to_contain_text("succeeded")
    page.locator('[class*="st-key-go_run"] a').first.click()
    expect(page.locator(".g-dag")).to_contain_text("publishing")
    with urlopen(f"{home}/healthz", timeout=5) as answer:  # noqa: S310  an address on this machine
        assert json.load(answer)["running"] is None


@pytest.mark.parametrize("theme", PALETTES)
def test_charts_are_painted(open_tab, artist, theme):
    """Both charts of the overview and of an artist are really painted, in the colours of the theme.

    The numbers below them come as a spreadsheet in English opens it.
    """
    tab = open_tab(theme)
    for address in ("/", artist):
        page = tab.show(address)
        plots = page.locator(".js-plotly-plot")
        expect(plots.locator(".yaxislayer-above")).to_have_count(2)
        assert [plots.nth(place).evaluate(PAINTED) for place in range(2)] == [[True, True]] * 2
        stroke = page.locator(".js-line").first.evaluate("line => getComputedStyle(line).stroke")
        assert stroke == COLOURS[theme]
    if theme == "light":
        assert numbers_below(page)[1][0] == "observed_on,followers"


def test_followed_stand_alone(open_tab, artist):
    """One press on an artist's page, and the choice on the list leaves that artist alone; a button brings all back."""
    tab = open_tab()
    page = tab.show(artist)
    name = page.locator(".g-head h1").inner_text()
    page.get_by_role("button", name="Follow", exact=True).click()
    expect(page.get_by_role("button", name="Unfollow", exact=True)).to_be_visible()
    page = tab.show("/artists")
    page.get_by_text("Only followed artists").click()
    expect(page.locator(".g-who b")).to_have_text([name])
    assert page.url.endswith("/artists?followed=true")
    page.get_by_label("Search by name").fill("nobody")
    page.get_by_label("Search by name").press("Enter")
    page.get_by_role("button", name="Show all artists").click()
    expect(page.locator(".g-row")).to_have_count(25)
    page = tab.show(artist)
    page.get_by_role("button", name="Unfollow", exact=True).click()
    expect(page.get_by_role("button", name="Follow", exact=True)).to_be_visible()


def test_numbers_of_a_chart_are_downloaded(open_tab, artist):
    """The numbers below a chart come as a file with a row a day, written as a spreadsheet in that language opens it."""
    name, lines = numbers_below(open_tab("light", "pt-BR").show(artist))
    assert name == f"followers-{artist.rpartition('=')[2]}.csv"
    assert lines[0] == "\ufeffobserved_on;followers"
    assert len(lines) > 2


def numbers_below(page):
    """Name and lines of the file with the numbers of the first chart."""
    with page.expect_download() as started:
        page.locator(".st-key-followers_csv button").click()
    return started.value.suggested_filename, Path(started.value.path()).read_text(encoding="utf-8").splitlines()


def cut_names(page):
    """Names of a list that do not go on in a second line where there is little room: half of them were cut off."""
    names = page.locator(".g-who b")
    expect(names.nth(6)).to_be_visible()
    cut = "all => all.filter(each => each.scrollWidth > each.clientWidth).map(each => each.textContent)"
    return names.evaluate_all(cut)


@pytest.mark.parametrize(
    ("theme", "language"), [("light", "pt-BR"), pytest.param("dark", "en-US", marks=pytest.mark.slow)]
)
def test_telephone_has_no_overflow(open_tab, artist, theme, language):
    """At a width of 390 nothing hangs over its edge, no table is pushed sideways, and lists tell names whole."""
    tab = open_tab(theme, language, 390)
    for address in (*PAGES, artist):
        page = tab.show(address)
        assert page.evaluate(OVERFLOW) == [], address
        if address == "/artists":
            assert cut_names(page) == []


def test_half_a_window_has_no_overflow(open_tab):
    """Nor has a table of words or of items to be pushed sideways in half of a window, in the longer language.

    A Brazilian browser is greeted in it, the badge included.
    """
    tab = open_tab("light", "pt-BR", 700)
    page = tab.show("/")
    assert cut_names(page) == []
    words = page.inner_text("body")
    assert "Visão geral" in words
    assert "Demonstração: dados sintéticos" in words
    run = tab.show("/runs").locator('[class*="st-key-go_run"] a').last.get_attribute("href")  # the newest asks nothing
    for address in ("/settings", f"/{run}"):
        page = tab.show(address)
        expect(page.locator(".g-words, .g-items").first).to_be_visible()
        assert page.evaluate(OVERFLOW) == [], address


def test_row_leads_to_artist_without_reload(open_tab):
    """A click on a row opens the artist within the app; back leads to the list, whose rows the keyboard opens, too.

    Its faces are shown, without asking anybody for them.
    """
    tab = open_tab()
    page = tab.show("/artists")
    sizes = page.locator(".g-face").evaluate_all("faces => faces.slice(0, 5).map(face => face.naturalWidth)")
    assert min(sizes) > 0
    page.evaluate("window.stayed = true")
    name = page.locator(".g-who b").first.inner_text()
    # It lies over the row, and is clicked by its name: a run that ends just now may bring others to the top.
    page.locator('[class*="st-key-go_artists"] a').filter(has_text=name).first.click()
    page.wait_for_selector(".g-head h1")
    assert page.inner_text(".g-head h1") == name
    assert "/artist?id=" in page.url
    assert page.evaluate("window.stayed") is True
    page.go_back()
    page.wait_for_selector(".g-row")
    tab.settle()
    page.locator('[class*="st-key-go_artists"] a').first.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".g-head h1")


def test_back_leads_to_what_was_searched(open_tab):
    """One step back from an artist leads to the list as it was searched, and from there one to the page before.

    What was searched is in the address, so that the address shows the same again.
    """
    tab = open_tab()
    page = tab.show("/runs")
    page.get_by_role("link", name="Artists", exact=True).click()
    page.wait_for_selector("text=Search by name")
    tab.settle()
    name = page.locator(".g-who b").nth(3).inner_text()
    page.get_by_label("Search by name").first.fill(name)
    page.keyboard.press("Enter")
    page.wait_for_url("**/artists?q=*")
    tab.settle()
    searched = page.url
    page.locator('[class*="st-key-go_artists"] a').filter(has_text=name).first.click()
    page.wait_for_selector(".g-head h1")
    page.go_back()
    page.wait_for_selector(".g-row")
    tab.settle()
    assert (page.url, page.get_by_label("Search by name").first.input_value()) == (searched, name)
    page.go_back()
    page.wait_for_url("**/runs")
    assert name in tab.show(searched.removeprefix(tab.home)).locator(".g-who b").all_inner_texts()


def test_back_takes_back_a_choice(open_tab):
    """One step back after an order was chosen leads to what was chosen before, in the field as well."""
    tab = open_tab()
    page = tab.show("/artists")
    page.get_by_label("Order by", exact=True).click()
    page.get_by_role("option", name="name", exact=True).click()
    page.wait_for_url("**/artists?*")
    tab.settle()
    page.go_back()
    page.wait_for_url("**/artists")
    tab.settle()
    expect(page.get_by_label("Order by", exact=True)).to_have_value("most followers")


def test_language_is_switched_and_kept(open_tab):
    """The switch changes the language at once, and it stays on the next page.

    The page says which language it is in, and a choice in which nothing matches says so in that one.
    """
    page = open_tab().show("/artists")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    assert told_of_nothing(page, "Genre") == '"No results"'
    page.get_by_text("PT", exact=True).click()
    page.wait_for_selector("text=Buscar por nome")
    expect(page.locator("html")).to_have_attribute("lang", "pt-BR")
    assert told_of_nothing(page, "Gênero") == '"Nada encontrado"'
    page.get_by_role("link", name="Coletas", exact=True).click()
    page.wait_for_selector("text=Coletar agora")
    assert "lang=PT" in page.url


def told_of_nothing(page, label):
    """What a choice says where nothing matches; its list is closed again."""
    page.get_by_role("combobox", name=label).fill("zzz")
    empty = page.locator('[role="listbox"][data-empty="true"] span')
    expect(empty).to_have_css("font-size", "0px")
    told = empty.evaluate("each => getComputedStyle(each, '::after').content")
    page.keyboard.press("Escape")
    expect(empty).to_have_count(0)
    return told


@pytest.mark.slow
def test_theme_switch_is_followed(open_tab):
    """Choosing the dark theme in the menu redraws charts in its colours."""
    page = open_tab().show("/")
    page.wait_for_selector(".js-line")
    page.get_by_test_id("stMainMenu").click()
    page.get_by_test_id("stMainMenuPopover").get_by_text("Dark").last.click()
    expect(page.locator(".js-line").first).to_have_css("stroke", COLOURS["dark"])


def test_server_guards_its_answers(home):
    """The real server sends the content policy."""
    with urlopen(home, timeout=15) as answer:  # noqa: S310  an address on this machine
        assert "default-src 'self'" in answer.headers["content-security-policy"]
        assert answer.headers["x-frame-options"] == "DENY"


def test_terminal_stays_quiet(served, first_visit):
    """Whoever starts the app reads its address there, and no warning of a library about how it is built."""
    said = served.log.read_text(encoding="utf-8")
    assert "You can now view your Streamlit app" in said
    assert [words for words in ("No runtime found", "number of running instances") if words in said] == []


def test_picture_out_of_reach_is_drawn(browser):
    """Where a picture cannot be loaded its drawing is seen, and nothing of the browser's own mark for that."""
    page = browser.new_page()
    page.route("https://i.scdn.co/**", lambda route: route.abort())
    seen = []
    for address in (None, "https://i.scdn.co/image/ab"):
        shown = {**NOBODY, "image_url": address}
        cards = [artist_row(shown, Text(), PALETTES["light"]), artist_head(shown, Text()), release_card(shown, Text())]
        page.set_content(f"<style>{STYLE}</style>{''.join(cards)}", wait_until="networkidle")
        images = page.locator("img.g-image")
        seen.append([Image.open(BytesIO(images.nth(place).screenshot())).convert("L") for place in range(len(cards))])
    page.close()
    for drawn, missed in zip(*seen, strict=True):
        unlike = ImageChops.difference(drawn, missed).crop((8, 8, 40, 40)).histogram()  # the mark's place, off the edge
        assert sum(unlike[32:]) == 0
