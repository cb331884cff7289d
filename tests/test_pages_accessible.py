"""What those need who hear pages or use them by keyboard: headings, names, tables and pictures told in words."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import polars as pl
import pytest

from pages._cards import artist_row, release_card
from pages._charts import Style, durations_chart, followers_chart, releases_chart
from pages._look import PALETTES, style_sheet
from pages._text import Text
from tests.published import publish_many
from tests.screens import install_service, open_screen
from tests.test_pages_charts import history
from tests.test_pages_looks import contrast
from tests.test_pages_run_one import RUN, begin

ARTIST = {"id": "artist000001"}
PAGES = (
    ("overview.py", {}, ""), ("artists.py", {}, ""), ("artist.py", ARTIST, ""), ("artist.py", {"id": "nobody"}, ""),
    ("runs.py", {}, ""), ("runs.py", {}, "run_now"), ("run.py", {"id": RUN}, ""), ("run.py", {"id": "none"}, ""),
    ("schedules.py", {}, ""), ("schedules.py", {}, "new_schedule"), ("health.py", {}, ""), ("settings.py", {}, ""),
)  # fmt: skip
HEADINGS = {"title": 1, "header": 2, "subheader": 3}
NAMED = {"group", "img", "progressbar", "region"}  # roles that say nothing without a name


class Listener(HTMLParser):
    """Hears a page element by element, and notes what cannot be understood."""

    def __init__(self):
        super().__init__()
        self.levels, self.ids, self.faults = [], [], []

    def handle_starttag(self, name, attrs):
        """Headings are noted; what has no name, no alternative or no scope is a fault."""
        given = dict(attrs)
        if re.fullmatch("h[1-6]", name):
            self.levels.append(int(name[1]))
        self.ids += [given["id"]] if "id" in given else []
        nameless = given.get("role") in NAMED or "tabindex" in given
        wrong = {
            "img": "alt" not in given,
            "th": given.get("scope") not in ("col", "row"),
            "a": given.get("href") == "",
        }
        if wrong.get(name) or (nameless and not given.get("aria-label")):
            self.faults.append(self.get_starttag_text()[:120])


def heard(screen):
    """A page as it is heard from top to bottom."""
    listener = Listener()
    for element in screen.app._tree:
        if element.type in HEADINGS:
            listener.levels.append(HEADINGS[element.type])
        elif element.type == "html":
            listener.feed(element.proto.body)
        elif element.type == "page_link" and not element.proto.label.strip():
            listener.faults.append(f"a link to {element.proto.page} without words")
        elif element.type == "plotly_chart" and not re.search(r": .*\d", element.proto.alt):
            listener.faults.append(f"a chart that is not told: {element.proto.alt}")
    listener.faults += [f"{each} stands twice" for each in set(listener.ids) if listener.ids.count(each) > 1]
    return listener


def jumps(levels):
    """Places at which headings do not follow one another: each page has one of the first level, and none is passed."""
    steps = zip([0, *levels], levels, strict=False)
    return [place for place, (before, level) in enumerate(steps) if level > before + 1 or (level == 1 and place)]


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    """Some artists on five days, and a run that goes on."""
    folder = tmp_path_factory.mktemp("watched")
    service = install_service(folder, genres=("mpb", "samba"))
    publish_many(service.workspace, 30, 5)
    begin(service.ledger)
    service.ledger.close()
    return folder


@pytest.mark.parametrize(("file", "query", "pressed"), PAGES)
def test_page_can_be_heard(watched, file, query, pressed):
    """Each page is called by one heading, and nothing on it lacks a name, an alternative text or a table's scope."""
    install_service(watched, genres=("mpb", "samba"))
    screen = open_screen(file, **query)
    if pressed:
        screen.app.button(key=pressed).click().run()
    page = heard(screen)
    assert not screen.app.exception
    assert (page.levels[:1], jumps(page.levels), page.faults) == ([1], [], [])


@pytest.mark.parametrize("file", sorted({file for file, *_ in PAGES}))
@pytest.mark.parametrize("damaged", [False, True])
def test_page_without_data_has_its_heading(service, file, damaged):
    """Before there are data, and where they cannot be read, the page is called by its name all the same."""
    if damaged:
        (service.workspace.db / "CURRENT").write_bytes(b"x")
    assert heard(open_screen(file)).levels[:1] == [1]


def test_charts_tell_what_they_show():
    """What a line, bars and durations show is said with them, in the reader's language."""
    english, portuguese = (Style(Text(language), PALETTES["light"]) for language in ("en", "pt_BR"))
    line = followers_chart(history("followers", 1500, None, 900, 1200), portuguese)
    assert line.layout.meta == "1.500 em 1 nov. 2026, 1.200 em 4 nov. 2026; menor 900, maior 1.500."
    weeks = pl.DataFrame({"week": history("x", 1, 2)["observed_on"], "releases": [1, 3]})
    assert releases_chart(weeks, english).layout.meta == "4 releases in 2 weeks; most in the week of Nov 2, 2026: 3."
    runs = pl.DataFrame({"state": ["succeeded", "failed"], "started_at": [1.8e9, 1.8e9], "seconds": [3.0, 90.0]})
    told = "2 runs (succeeded 1, failed 1); from 3\u00a0s to 1\u00a0min 30\u00a0s, the last one 1\u00a0min 30\u00a0s."
    assert durations_chart(runs, english).layout.meta == told
    assert followers_chart(history("followers", None), english).layout.meta == ""


def test_outcomes_differ_by_more_than_colour():
    """Runs that ended otherwise than well are drawn with a pattern of their own, in the chart and in the calendar."""
    states = ["succeeded", "failed", "crashed", "deferred", "cancelled"]
    runs = pl.DataFrame({"state": states, "started_at": [1.8e9] * 5, "seconds": [3.0] * 5})
    patterns = durations_chart(runs, Style(Text(), PALETTES["dark"])).data[0].marker.pattern.shape
    assert (patterns[0], len(set(patterns))) == ("", 5)
    rules = re.findall(r":is\(\.g-cal, \.g-legend\) \.g-s-(\w+) \{ (background-image[^}]+)\}", style_sheet("light"))
    assert len(set(dict(rules).values())) == 5
    assert set(states[1:]) < set(dict(rules))


def test_rows_say_their_genres_once_their_name():
    """The link over a row says the artist's name, the row below it the rest; a release is told by its name."""
    row = {"artist_id": "a", "name": "Banda", "genres": ["mpb"], "followers": 1, "popularity": 1, "image_url": None}
    assert '<b aria-hidden="true">Banda</b><span>mpb</span>' in artist_row(row, Text(), PALETTES["light"])
    names = {"name": "Um nome", "album_id": "b", "artist_names": [], "image_url": None, "spotify_url": None}
    day = {"release_date": None, "release_date_precision": None, "album_type": "album", "total_tracks": 1}
    assert "title=" not in release_card(names | day, Text())
    assert not re.search(r"\.g-card [bs]\w*[^}]+ellipsis", style_sheet("light"))


@pytest.mark.parametrize("theme", PALETTES)
def test_badges_can_be_read_on_what_is_pointed_at(theme):
    """The wash behind a row that is pointed at leaves the badges on it a contrast of 4.5."""
    palette, sheet = PALETTES[theme], style_sheet(theme)
    [wash] = re.findall(r'"st-key-go_"\]:hover \{ background: color-mix\(in srgb, var\(--g-accent\) (\d+)%', sheet)
    [tint] = re.findall(r"background: color-mix\(in srgb, var\(--tone\) (\d+)%, transparent\); \}", sheet)
    pointed = mixed(palette.accent, palette.surface, int(wash))
    tones = (palette.muted, palette.up, palette.down, palette.second, mixed(palette.accent, palette.text, 82))
    assert min(contrast(tone, mixed(tone, pointed, int(tint))) for tone in tones) >= 4.5


def mixed(one, other, percent):
    """Two colours mixed, so many percent of the first."""
    pairs = zip(bytes.fromhex(one[1:]), bytes.fromhex(other[1:]), strict=True)
    return "#" + bytes(round((first * percent + second * (100 - percent)) / 100) for first, second in pairs).hex()
