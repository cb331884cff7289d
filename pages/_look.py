"""The look: one palette per theme (as in `.streamlit/config.toml`) and the style sheet of our own HTML."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import streamlit as st

__all__ = ["PALETTES", "Palette", "current_palette", "current_style_sheet", "style_sheet"]


SHEETS = ("style.css", "runs.css")
CARDS = {".g-table": "38rem", ":is(.g-words, .g-items)": "54rem"}  # tables, and places in which their rows are cards
OUTSIDE = '[data-testid="stDialog"],[data-testid="stPopoverBody"]'  # of Streamlit's app


@dataclass(frozen=True)
class Palette:
    """Colours of a theme; `accent` and `second` draw, `text` and `muted` write, the rest is ground."""

    ground: str
    surface: str
    text: str
    muted: str
    line: str
    accent: str
    second: str
    up: str
    down: str


PALETTES = {
    "light": Palette(
        ground="#FBFAF7",
        surface="#FFFFFF",
        text="#22201C",
        muted="#665F54",
        line="#E2DCD0",
        accent="#A56C0D",
        second="#1E6E6A",
        up="#287246",
        down="#B3402E",
    ),
    "dark": Palette(
        ground="#161512",
        surface="#1D1B17",
        text="#EDE9E0",
        muted="#B5AD9E",
        line="#3A362D",
        accent="#E2B04A",
        second="#63BFB5",
        up="#6FCF97",
        down="#EB8674",
    ),
}


def current_palette() -> Palette:
    """The palette of the theme this browser shows."""
    return PALETTES[st.context.theme.type or "light"]


def current_style_sheet(no_results: str) -> str:
    """The style sheet for the theme this browser shows; with what a choice says when nothing matches."""
    return style_sheet(st.context.theme.type or "light", no_results)


@cache
def style_sheet(theme: str, no_results: str = "No results") -> str:
    """Our rules, with the palettes as CSS variables; `theme` is said where Streamlit leaves it open.

    Streamlit says on its app which scheme is in force, but opens dialogs and popovers outside of it, where
    light-dark() would be light for ever.
    """
    light, dark = (vars(PALETTES[theme]) for theme in ("light", "dark"))
    variables = "".join(f"--g-{name}:light-dark({light[name]},{dark[name]});" for name in light)
    words = f':root{{--g-no-results:"{no_results}"}}'  # Streamlit has them in English alone
    *sheets, cards = ((Path(__file__).parent / name).read_text(encoding="utf-8") for name in (*SHEETS, "cards.css"))
    narrow = (f"@container (max-width:{place}){{{cards.replace('.g-table', each)}}}" for each, place in CARDS.items())
    rules = "".join((*sheets, *narrow))
    grounds = f'[data-testid="stApp"],{OUTSIDE}{{{variables}}}\n{OUTSIDE}{{color-scheme:{theme}}}'
    return f"<style>{words}{grounds}\n{rules}</style>"
