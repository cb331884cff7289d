"""Settings: what each one is and where it comes from, what Spotify really gives this app, and what its terms ask."""

from __future__ import annotations

import streamlit as st

from pages import _access, _cards
from pages._capabilities import show_capabilities
from pages._settings_parts import show_retention, show_terms, word_table
from pages._text import Text, current_text
from pipeline.errors import GarimpoError
from pipeline.service.scheduler import service
from pipeline.settings import describe_settings

EXAMPLES = """. .venv/bin/activate
pip install "apprise>=2.2"
export GARIMPO_NOTIFY_URLS="ntfy://my-topic"
export GARIMPO_NOTIFY_URLS="mailto://name:password@example.org jsons://example.org/hook"
export GARIMPO_LANGUAGE=pt_BR
python -m pipeline doctor --notify
"""


def show_settings(text: Text) -> None:
    """Every setting; secrets are only told to be set. Where login is set up, for those who may change things."""
    if not _access.may_operate():
        return
    about = text("Settings and their origin")
    st.header(about, anchor=False)
    st.html(_cards.note(text("Change them in the environment or in garimpo.toml, then start the app again.")))
    state = {"": text("not set"), "not set": text("not set"), "set (hidden)": text("set (hidden)")}
    origin = {"default": text("default"), "environment": text("environment")}
    rows = [
        (variable, state.get(value, value), origin.get(where, where), text(meaning))
        for _, variable, value, where, meaning in (row.values() for row in describe_settings())
    ]
    st.html(word_table(about, (text("Setting"), text("Value"), text("Origin"), text("Meaning")), rows))


def show_notifications(text: Text) -> None:
    """Who is told of what, and how to change that."""
    st.header(text("Notifications"), anchor=False)
    try:
        service().check_notifications()
        is_set = bool(service().settings.notify_urls.get_secret_value())
        state = text("Somebody is notified.") if is_set else text("Nobody is notified yet.")
        st.html(_cards.badge(state, "good" if is_set else "quiet"))
    except GarimpoError as error:
        st.error(text.error(error))
    words = text(
        "Told once each: a run that fails, and the first one that goes well again; a run that is put off; a check that "
        "stops publishing; genres that grow too old; what artists you follow have released."
    )
    st.html(_cards.note(words))
    how = text("Set an address of any service that Apprise knows, send a trial, then start the app again. Examples:")
    st.html(_cards.note(how))
    st.code(EXAMPLES, language="sh", wrap_lines=True)


def main() -> None:
    """The whole page."""
    text = current_text()
    show_capabilities(text)
    show_terms(text)
    show_retention(text)
    show_notifications(text)
    show_settings(text)


main()
