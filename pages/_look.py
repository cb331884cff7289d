"""The look: one palette per theme (the same values as in `.streamlit/config.toml`) and the style sheet of our own HTML."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import streamlit as st

__all__ = ["PALETTES", "Palette", "current_palette", "style_sheet"]


@dataclass(frozen=True)
class Palette:
    """Colours of a theme; `accent` and `second` draw, `text` and `muted` write, the rest is ground."""

    ground: str
    surface: str
    raised: str
    text: str
    muted: str
    line: str
    accent: str
    second: str
    up: str
    down: str


PALETTES = {
    "light": Palette("#FBFAF7", "#FFFFFF", "#F3F0EA", "#22201C", "#665F54", "#E2DCD0", "#A56C0D", "#1E6E6A", "#2C7A4B", "#B3402E"),
    "dark": Palette("#161512", "#1D1B17", "#211F1A", "#EDE9E0", "#B5AD9E", "#3A362D", "#E2B04A", "#63BFB5", "#6FCF97", "#EB8674"),
}  # fmt: skip


def current_palette() -> Palette:
    """The palette of the theme this browser shows."""
    return PALETTES[st.context.theme.type or "light"]


def style_sheet(palette: Palette) -> str:
    """Our rules, with the palette as CSS variables."""
    names = Palette.__dataclass_fields__
    variables = "".join(f"--g-{name}:{getattr(palette, name)};" for name in names)
    rules = (Path(__file__).parent / "style.css").read_text(encoding="utf-8")
    return f"<style>:root{{{variables}}}\n{rules}</style>"
