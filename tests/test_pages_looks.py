"""The look: one palette in theme and pages, readable contrast, drawings instead of fetched pictures, safe HTML."""

from __future__ import annotations

import base64
import re
import tomllib
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from pages._html import Html, join, marked, tag
from pages._images import drawing, picture, sparkline
from pages._look import PALETTES, style_sheet

ROOT = Path(__file__).parent.parent
CONFIG = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))


def luminance(colour):
    """Relative luminance of #RRGGBB, as WCAG has it."""
    parts = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    """Contrast of two colours, 1 to 21."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def svg(address):
    """The picture within a data address, parsed."""
    body = base64.b64decode(address.removeprefix("data:image/svg+xml;base64,"))
    return ET.fromstring(body)  # noqa: S314  drawn by the code under test


@pytest.mark.parametrize("theme", PALETTES)
def test_palette_is_the_theme(theme):
    """Our own colours are those of Streamlit's theme."""
    palette, configured = PALETTES[theme], CONFIG["theme"][theme]
    ours = (palette.ground, palette.text, palette.line, palette.up, palette.down)
    names = ("backgroundColor", "textColor", "borderColor", "greenColor", "redColor")
    assert ours == tuple(configured[name] for name in names)
    assert configured["chartCategoricalColors"][:2] == [palette.accent, palette.second]


@pytest.mark.parametrize("theme", PALETTES)
@pytest.mark.parametrize(
    ("ink", "least"), [("text", 7), ("muted", 4.5), ("up", 4.5), ("down", 4.5), ("accent", 3), ("second", 3)]
)
def test_colours_can_be_read(theme, ink, least):
    """Writing has a contrast of at least 4.5 on every ground, lines of charts at least 3."""
    palette = PALETTES[theme]
    assert min(contrast(getattr(palette, ink), ground) for ground in (palette.ground, palette.surface)) >= least


def test_style_follows_the_theme():
    """Each colour of the style sheet has a light and a dark side; nothing in it is fetched."""
    sheet = style_sheet("dark")
    assert f"light-dark({PALETTES['light'].muted},{PALETTES['dark'].muted})" in sheet
    assert set(re.findall(r"var\(--g-(\w+)\)", sheet)) <= set(vars(PALETTES["light"]))
    assert not re.search(r"url\(|@import|http", sheet)


def test_drawing_is_the_ids_own():
    """The same id gives the same drawing, another id another one, and each is well-formed."""
    assert drawing("a") == drawing("a")
    assert len({drawing(str(number)) for number in range(50)}) == 50
    assert all(svg(drawing(str(number))).attrib["viewBox"] == "0 0 96 96" for number in range(50))


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://i.scdn.co/image/ab", True),
        ("http://127.0.0.1:5000/image/ab.svg", False),
        ("https://i.scdn.co.evil.example/x", False),
        ("javascript:alert(1)", False),
        ("", False),
        (None, False),
    ],
)
def test_pictures_come_from_one_server(url, kept):
    """Only Spotify's image server is asked for pictures; anything else becomes a drawing."""
    assert (picture(url, "key") == url) is kept
    assert kept or picture(url, "key") == drawing("key")


@pytest.mark.parametrize(("values", "line"), [((), False), ((5,), False), ((5, 5, 5), True), ((1, 9, 3), True)])
def test_sparkline_needs_two_values(values, line):
    """A small line is drawn from two values on; a flat one lies in the middle."""
    address = sparkline(values, "#000000")
    assert bool(address) is line
    if values == (5, 5, 5):
        assert {point.split(",")[1] for point in svg(address)[0].attrib["points"].split()} == {"14.0"}


def test_text_is_escaped_and_tags_are_not():
    """Plain text is escaped wherever it stands, elements made by `tag` pass."""
    made = tag("p", "<b>&", tag("i", "x"), cls="a", aria_label='"', title=None)
    assert made == '<p class="a" aria-label="&quot;">&lt;b&gt;&amp;<i>x</i></p>'
    assert join("<", Html("<br>")) == "&lt;<br>"


def test_backticks_are_code():
    """What stands between backticks is shown as code, a single backtick as it is; both escaped."""
    assert marked("`replay` needs <them>") == "<code>replay</code> needs &lt;them&gt;"
    assert marked("one ` alone") == "one ` alone"
