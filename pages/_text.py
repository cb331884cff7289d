"""In which language a page speaks, by what its reader chose, the settings or the browser; what it says, from `text`.

English and Brazilian Portuguese: see `pipeline.text`.
"""

from __future__ import annotations

import streamlit as st

from pipeline.text import Text, catalogue, round_seconds

__all__ = [
    "COOKIE",
    "LANGUAGES",
    "Text",
    "catalogue",
    "choose_text",
    "current_text",
    "preferred_language",
    "round_seconds",
]

LANGUAGES = {"EN": "en", "PT": "pt_BR"}
COOKIE = "garimpo_language"  # set by live.js when somebody chose


def preferred_language(setting: str, browser: str | None, kept: str | None = None) -> str:
    """The key in LANGUAGES: what was chosen here before, else what the settings say, else the browser, else English."""
    if kept in LANGUAGES:
        return kept
    wanted = (browser or "en") if setting == "auto" else setting
    return "PT" if wanted.lower().startswith("pt") else "EN"


def choose_text(setting: str) -> Text:
    """The language of this session, chosen in the frame or the address, else preferred; kept for the pages to come."""
    asked = st.session_state.get("lang") or st.query_params.get("lang")
    preferred = preferred_language(setting, st.context.locale, st.context.cookies.get(COOKIE))
    text = Text(LANGUAGES[asked if asked in LANGUAGES else preferred], st.context.timezone or "UTC")
    st.session_state["text"] = text
    return text


def current_text() -> Text:
    """What `choose_text` kept: the language of this session."""
    text: Text = st.session_state["text"]
    return text
