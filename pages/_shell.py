"""The main script: the frame around every page and the list of pages. A new page is one row in PAGES."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.navigation.page import StreamlitPage

from pages import _access, _as_of, _broadcast, _data, _failures, _following, _live, _parts
from pages._html import Html, tag
from pages._look import current_palette, current_style_sheet
from pages._text import COOKIE, LANGUAGES, Text, choose_text, preferred_language
from pipeline.errors import GarimpoError
from pipeline.service.scheduler import service

MARK = str(Path(__file__).parent / "mark.svg")
LOGO = (Path(__file__).parent / "logo.svg").read_text(encoding="utf-8")


@dataclass(frozen=True)
class PageRow:
    """A page: its file, its title, whether it stands in the navigation, whether it can do without data."""

    file: str
    title: str
    listed: bool = True
    needs_data: bool = True


def page_rows(text: Text) -> tuple[PageRow, ...]:
    """Every page in the order of the navigation; the first one is the root."""
    return (
        PageRow("overview.py", text("Overview")),
        PageRow("artists.py", text("Artists")),
        PageRow("artist.py", text("Artist"), listed=False),
        PageRow("runs.py", text("Runs"), needs_data=False),
        PageRow("run.py", text("Run"), listed=False, needs_data=False),
        PageRow("schedules.py", text("Schedules"), needs_data=False),
        PageRow("health.py", text("Health"), needs_data=False),
        PageRow("settings.py", text("Settings"), needs_data=False),
    )


def choose_language() -> None:
    """The switch between languages; the choice stays in the address, and in the browser for later visits."""
    preferred = preferred_language(service().settings.language, st.context.locale, st.context.cookies.get(COOKIE))
    st.segmented_control(
        "Language \u00b7 Idioma",
        list(LANGUAGES),
        default=preferred,
        required=True,
        key="lang",
        bind="query-params",
        label_visibility="collapsed",
        on_change=keep_language,
    )


def keep_language() -> None:
    """Let the browser keep the choice for later visits: see `live.js`."""
    st.session_state["language_chosen"] = True


def footer(text: Text) -> Html:
    """Whose data these are; and for the browser, which language the page is in, and which was chosen."""
    kept = st.session_state["lang"] if st.session_state.get("language_chosen") else None
    about = {"cls": "g-foot", "lang": text.language.replace("_", "-"), "data_language": kept}
    if _data.is_synthetic():
        made = text(
            "No artist here exists: names, numbers and pictures are made on this machine, as Spotify would send them."
        )
        advice = text("To collect real ones, set SPOTIPY_CLIENT_ID and SPOTIPY_CLIENT_SECRET and start again.")
        return tag("div", f"{made} {advice}", **about)
    if not service().settings.is_spotify:
        asked = text(
            "Artists, releases, tracks and cover art: data from {host}, asked in Spotify's place (GARIMPO_API_URL).",
            host=urlsplit(service().settings.api_url).hostname,
        )
        return tag("div", asked, **about)
    begin = text(
        "Nothing is collected here: to begin, set SPOTIPY_CLIENT_ID and SPOTIPY_CLIENT_SECRET and start again."
    )
    begun = f"{begin} " if _data.is_idle() else ""
    words = text("Artists, releases, tracks and cover art: data from Spotify. Garimpo is not affiliated with Spotify.")
    link = tag("a", "open.spotify.com", href="https://open.spotify.com/", target="_blank", rel="noopener noreferrer")
    return tag("div", begun, words, " ", link, **about)


def show(row: PageRow, page: StreamlitPage, looks_back: DeltaGenerator, text: Text) -> None:
    """The page below its title, or what stands in its place. One that is not listed has a title of its own."""
    if row.listed:
        st.title(row.title, anchor=False)
    try:
        if row.needs_data and _data.is_empty():
            if not row.listed:
                st.title(row.title, anchor=False)
            _live.waiting()
            _following.invite(text)  # a list of one's own may be all that is wanted
            return
        if row.needs_data:
            with looks_back:
                _as_of.choose_day(text)
        page.run()
    except (GarimpoError, OSError) as error:
        if not row.listed:
            st.title(row.title, anchor=False)
        _failures.say(error)


def main() -> None:
    """Run the page that was asked for inside the frame."""
    text = choose_text(service().settings.language)
    rows = page_rows(text)
    pages = [
        st.Page(row.file, title=row.title, default=row is rows[0], visibility="visible" if row.listed else "hidden")
        for row in rows
    ]
    chosen = st.navigation(pages, position="top")
    st.set_page_config(page_icon=MARK, layout="wide")
    _parts.name_page(chosen.title)
    st.logo(LOGO.replace("currentColor", current_palette().text), size="large")
    st.html(current_style_sheet(text("No results")))
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", key="frame"):
        _live.frame_line()
        with st.container(horizontal=True, vertical_alignment="center", width="content", key="frame_right"):
            _access.sign_in_control(text)
            looks_back = st.container(horizontal=True, vertical_alignment="center", width="content", key="frame_back")
            choose_language()
    _data.look_back(None)
    show(rows[pages.index(chosen)], chosen, looks_back, text)
    st.html(footer(text))
    st.html(_broadcast.script_tag(), unsafe_allow_javascript=True)


main()
