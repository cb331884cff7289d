"""What those need who hear pages: one heading that calls each by its name, and others in order below it."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from tests.published import publish_many
from tests.screens import install_service, open_screen
from tests.test_pages_run_one import RUN, begin

ARTIST = {"id": "artist000001"}
PAGES = (
    ("overview.py", {}, ""), ("artists.py", {}, ""), ("artist.py", ARTIST, ""), ("artist.py", {"id": "nobody"}, ""),
    ("runs.py", {}, ""), ("runs.py", {}, "run_now"), ("run.py", {"id": RUN}, ""), ("run.py", {"id": "none"}, ""),
    ("schedules.py", {}, ""), ("schedules.py", {}, "new_schedule"), ("health.py", {}, ""), ("settings.py", {}, ""),
)  # fmt: skip
HEADINGS = {"title": 1, "header": 2, "subheader": 3}


class Listener(HTMLParser):
    """Hears a page element by element, and notes its headings."""

    def __init__(self):
        super().__init__()
        self.levels = []

    def handle_starttag(self, name, _attrs):
        """Headings are noted."""
        if re.fullmatch("h[1-6]", name):
            self.levels.append(int(name[1]))


def heard(screen):
    """A page as it is heard from top to bottom."""
    listener = Listener()
    for element in screen.app._tree:
        if element.type in HEADINGS:
            listener.levels.append(HEADINGS[element.type])
        elif element.type == "html":
            listener.feed(element.proto.body)
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
    """Each page is called by one heading, and below it no level is passed over."""
    install_service(watched, genres=("mpb", "samba"))
    screen = open_screen(file, **query)
    if pressed:
        screen.app.button(key=pressed).click().run()
    page = heard(screen)
    assert not screen.app.exception
    assert (page.levels[:1], jumps(page.levels)) == ([1], [])


@pytest.mark.parametrize("file", sorted({file for file, *_ in PAGES}))
@pytest.mark.parametrize("damaged", [False, True])
def test_page_without_data_has_its_heading(service, file, damaged):
    """Before there are data, and where they cannot be read, the page is called by its name all the same."""
    if damaged:
        (service.workspace.db / "CURRENT").write_bytes(b"x")
    assert heard(open_screen(file)).levels[:1] == [1]
