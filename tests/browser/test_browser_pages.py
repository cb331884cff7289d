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

pytestmark = pytest.mark.browser

STYLE = (Path(pages.__file__).parent / "style.css").read_text(encoding="utf-8")
NOBODY = {
    "artist_id": "a", "album_id": "b", "name": "Banda", "genres": [], "followers": 1, "popularity": 1,
    "artist_names": [], "spotify_url": None, "first_seen_on": None, "last_seen_on": None, "album_type": "album",
    "total_tracks": 1, "release_date": None, "release_date_precision": None,
}  # fmt: skip
PAGES = ("/", "/artists", "/runs")
COLOURS = {theme: "rgb({}, {}, {})".format(*bytes.fromhex(PALETTES[theme].accent[1:])) for theme in PALETTES}
PAINTED = """plot => {
    const box = plot.getBoundingClientRect();
    const marks = [...plot.querySelectorAll('.js-line, .bars .point path')];
    const drawn = marks.filter(mark => mark.getBBox().width > 0 && (mark.getAttribute('d') || '').length > 8);
    return [box.width > 200 && box.height > 150, drawn.length > 0];
}"""
OVERFLOW = """() => [...document.querySelectorAll('html, [data-testid="stMain"], .g-frame, .g-scroll')]
    .filter(each => each.scrollWidth > each.clientWidth).map(each => each.className || each.tagName)"""


def first_artist(tab):
    """The address of the first artist in the list."""
    page = tab.show("/artists")
    return "/" + page.locator('[class*="st-key-go_artists"] a').first.get_attribute("href")


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
    page.get_by_role("dialog").get_by_role("button", name="Start", exact=True).click(timeout=60_000)
    expect(page.locator(".g-dag")).to_contain_text("publishing", timeout=60_000)
    page = tab.show("/runs")
    newest = page.locator(".g-run").first
    expect(newest).to_contain_text("a button on these pages", timeout=15_000)
    expect(newest).to_contain_text("succeeded", timeout=60_000)
    page.locator('[class*="st-key-go_run"] a').first.click()
    expect(page.locator(".g-dag")).to_contain_text("publishing", timeout=30_000)
    with urlopen(f"{home}/healthz", timeout=5) as answer:  # noqa: S310  an address on this machine
        assert json.load(answer)["running"] is None


@pytest.mark.parametrize("theme", PALETTES)
def test_charts_are_painted(open_tab, theme):
    """Both charts of the overview and of an artist are really painted, in the colours of the theme."""
    tab = open_tab(theme)
    for address in ("/", first_artist(tab)):
        page = tab.show(address)
        plots = page.locator(".js-plotly-plot")
        expect(plots.locator(".yaxislayer-above")).to_have_count(2)
        assert [plots.nth(place).evaluate(PAINTED) for place in range(2)] == [[True, True]] * 2
        stroke = page.locator(".js-line").first.evaluate("line => getComputedStyle(line).stroke")
        assert stroke == COLOURS[theme]


def test_followed_stand_alone(open_tab):
    """One press on an artist's page, and the choice on the list leaves that artist alone; a button brings all back."""
    tab = open_tab()
    address = first_artist(tab)
    page = tab.show(address)
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
    page = tab.show(address)
    page.get_by_role("button", name="Unfollow", exact=True).click()
    expect(page.get_by_role("button", name="Follow", exact=True)).to_be_visible()


@pytest.mark.parametrize(
    ("language", "head"), [("en-US", "observed_on,followers"), ("pt-BR", "\ufeffobserved_on;followers")]
)
def test_numbers_of_a_chart_are_downloaded(open_tab, language, head):
    """The numbers below a chart come as a file with a row a day, written as a spreadsheet in that language opens it."""
    tab = open_tab("light", language)
    address = first_artist(tab)
    page = tab.show(address)
    with page.expect_download(timeout=15_000) as started:
        page.locator(".st-key-followers_csv button").click()
    lines = Path(started.value.path()).read_text(encoding="utf-8").splitlines()
    assert lines[0] == head
    assert len(lines) > 2
    assert started.value.suggested_filename == f"followers-{address.rpartition('=')[2]}.csv"


@pytest.mark.parametrize(
    ("theme", "language"), [("light", "pt-BR"), pytest.param("dark", "en-US", marks=pytest.mark.slow)]
)
def test_telephone_has_no_overflow(open_tab, theme, language):
    """At a width of 390 nothing hangs over its edge, on any page, and no table has to be pushed sideways."""
    tab = open_tab(theme, language, 390)
    for address in (*PAGES, first_artist(tab)):
        assert tab.show(address).evaluate(OVERFLOW) == [], address


def test_half_a_window_has_no_overflow(open_tab):
    """Nor has a table of words or of items to be pushed sideways in half of a window, in the longer language."""
    tab = open_tab("light", "pt-BR", 700)
    run = tab.show("/runs").locator('[class*="st-key-go_run"] a').last.get_attribute("href")  # the newest asks nothing
    for address in ("/settings", f"/{run}"):
        page = tab.show(address)
        expect(page.locator(".g-words, .g-items").first).to_be_visible()
        assert page.evaluate(OVERFLOW) == [], address


@pytest.mark.parametrize(("address", "width"), [("/artists", 390), ("/", 700)])
def test_narrow_lists_tell_names_whole(open_tab, address, width):
    """Where there is little room the names of a list go on in a second line: half of them were cut off."""
    names = open_tab("light", "pt-BR", width).show(address).locator(".g-who b")
    expect(names.nth(6)).to_be_visible()
    cut = "all => all.filter(each => each.scrollWidth > each.clientWidth).map(each => each.textContent)"
    assert names.evaluate_all(cut) == []


@pytest.mark.parametrize(("language", "said"), [("en-US", "No results"), ("pt-BR", "Nada encontrado")])
def test_page_is_of_its_language(open_tab, language, said):
    """The page says which language it is in, and a choice in which nothing matches says so in that one."""
    page = open_tab("light", language).show("/artists")
    expect(page.locator("html")).to_have_attribute("lang", language.replace("en-US", "en"))
    page.get_by_role("combobox", name="Gênero" if language == "pt-BR" else "Genre").fill("zzz")
    empty = page.locator('[role="listbox"][data-empty="true"] span')
    expect(empty).to_have_css("font-size", "0px")
    assert empty.evaluate("each => getComputedStyle(each, '::after').content") == f'"{said}"'


def test_row_leads_to_artist_without_reload(open_tab):
    """A click on a row opens the artist within the app; back leads to the list."""
    tab = open_tab()
    page = tab.show("/artists")
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


def test_keyboard_opens_a_row(open_tab):
    """A row can be reached and opened with the keyboard."""
    page = open_tab().show("/artists")
    page.locator('[class*="st-key-go_artists"] a').first.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".g-head h1")


def test_search_enters_the_address(open_tab):
    """What is typed and chosen is in the address, so that the address shows the same again."""
    tab = open_tab()
    page = tab.show("/artists")
    name = page.locator(".g-who b").nth(3).inner_text()
    page.get_by_role("searchbox").or_(page.get_by_label("Search by name")).first.fill(name)
    page.keyboard.press("Enter")
    page.wait_for_url("**/artists?q=*")
    tab.settle()
    address = page.url.removeprefix(tab.home)
    assert name in open_tab().show(address).locator(".g-who b").all_inner_texts()


def test_back_leads_to_what_was_searched(open_tab):
    """One step back from an artist leads to the list as it was searched, and from there one to the page before."""
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


@pytest.mark.parametrize(
    ("address", "field", "chosen", "before"),
    [("/artists", "Order by", "name", "most followers"), ("/runs", "State", "failed", "")],
)
def test_back_takes_back_a_choice(open_tab, address, field, chosen, before):
    """One step back after an order or a filter was chosen leads to what was chosen before, in the field as well."""
    tab = open_tab()
    page = tab.show(address)
    page.get_by_label(field, exact=True).click()
    page.get_by_role("option", name=chosen, exact=True).click()
    page.wait_for_url(f"**{address}?*")
    tab.settle()
    page.go_back()
    page.wait_for_url(f"**{address}")
    tab.settle()
    expect(page.get_by_label(field, exact=True)).to_have_value(before)


def test_language_is_switched_and_kept(open_tab):
    """The switch changes the language at once, and it stays on the next page."""
    page = open_tab().show("/runs")
    page.get_by_text("PT", exact=True).click()
    page.wait_for_selector("text=Coletas")
    page.get_by_role("link", name="Artistas").click()
    page.wait_for_selector("text=Buscar por nome")
    assert "lang=PT" in page.url


def test_browser_language_is_spoken(open_tab):
    """A Brazilian browser is greeted in Portuguese, the badge included."""
    words = open_tab(language="pt-BR").show("/").inner_text("body")
    assert "Visão geral" in words
    assert "Demonstração: dados sintéticos" in words


@pytest.mark.slow
def test_theme_switch_is_followed(open_tab):
    """Choosing the dark theme in the menu redraws charts in its colours."""
    page = open_tab().show("/")
    page.wait_for_selector(".js-line")
    page.get_by_test_id("stMainMenu").click()
    page.get_by_test_id("stMainMenuPopover").get_by_text("Dark").last.click()
    expect(page.locator(".js-line").first).to_have_css("stroke", COLOURS["dark"], timeout=15_000)


def test_pictures_are_drawn_here(open_tab):
    """Faces and covers of the demo are shown, without asking anybody for them."""
    page = open_tab().show("/artists")
    sizes = page.locator(".g-face").evaluate_all("faces => faces.slice(0, 5).map(face => face.naturalWidth)")
    assert min(sizes) > 0


def test_server_guards_its_answers(open_tab, home):
    """The real server sends the content policy, and refuses a socket from another site."""
    answer = open_tab().page.goto(home)
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert answer.headers["x-frame-options"] == "DENY"


def test_terminal_stays_quiet(served, first_visit):
    """Whoever starts the app reads its address there, and no warning of a library about how it is built."""
    said = served.log.read_text(encoding="utf-8")
    assert "You can now view your Streamlit app" in said
    assert [words for words in ("No runtime found", "number of running instances") if words in said] == []


@pytest.mark.parametrize("card", [artist_row, artist_head, release_card])
def test_picture_out_of_reach_is_drawn(browser, card):
    """Where a picture cannot be loaded its drawing is seen, and nothing of the browser's own mark for that."""
    page = browser.new_page()
    page.route("https://i.scdn.co/**", lambda route: route.abort())
    seen = []
    for address in (None, "https://i.scdn.co/image/ab"):
        drawn = card({**NOBODY, "image_url": address}, *(Text(), PALETTES["light"])[: 2 if card is artist_row else 1])
        page.set_content(f"<style>{STYLE}</style>{drawn}", wait_until="networkidle")
        seen.append(Image.open(BytesIO(page.locator("img.g-image").screenshot())).convert("L"))
    page.close()
    unlike = ImageChops.difference(*seen).crop((8, 8, 40, 40)).histogram()  # where the mark would be, off the edge
    assert sum(unlike[32:]) == 0
