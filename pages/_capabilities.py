"""What Spotify was seen to give this app: a row for each kind of thing, and below it everything with its evidence."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

import streamlit as st

from pages import _cards, _data
from pages._settings_parts import word_table
from pages._text import Text
from pipeline.service.scheduler import service

__all__ = ["show_capabilities"]

ASKED = re.compile(r"\b(not answered|not asked, no id was found|seen in a run|answered|refused|limit)\b")
Seen = Mapping[str, Any]


def show_capabilities(text: Text) -> None:
    """What was probed and seen, with its date; a thing that went away says since when."""
    about = text("What Spotify gives this app")
    st.header(about, anchor=False)
    known = {name: row for name, row in _data.capabilities().items() if name != "probe"}
    if not known:
        st.html(_cards.empty(text("Not asked yet"), text("The first run asks, with five or six requests.")))
        return
    asked = text("Asked at the first run, every week, and when an answer contradicts it.")
    st.html(_cards.note(" ".join(filter(None, (asked, _answered_by(text))))))
    st.html(word_table(about, (text("Of"), text("Given"), text("Withheld"), text("Seen on")), _summary(known, text)))
    each = text("Each one with its evidence")
    with st.expander(each):
        rows = [
            (name, _state(row, text), text.instant(row["checked_at"]), _evidence(row["evidence"], text))
            for name, row in known.items()
        ]
        st.html(word_table(each, (text("What"), text("Value"), text("Seen on"), text("Evidence")), rows))


def _answered_by(text: Text) -> str:
    """Who answered, where that was not Spotify."""
    if _data.is_synthetic():
        return text("In the demo a simulator answered in Spotify's place: your own app may be given less.")
    if service().settings.is_spotify:
        return ""
    host = urlsplit(service().settings.api_url).hostname
    return text("It was {host} that answered, in Spotify's place (GARIMPO_API_URL).", host=host)


def _summary(known: Mapping[str, Seen], text: Text) -> Iterable[tuple[str, str, str, str]]:
    """One row per kind: what is given of it, what is not, and the newest sighting."""
    for prefix, label in _kinds(text).items():
        found = {name.removeprefix(prefix): row for name, row in known.items() if name.startswith(prefix)}
        if found:
            given = [_with_number(name, row) for name, row in found.items() if row["value"]]
            withheld = [_with_date(name, row, text) for name, row in found.items() if not row["value"]]
            seen = max(row["checked_at"] for row in found.values())
            yield label, ", ".join(given) or "–", ", ".join(withheld) or "–", text.instant(seen)


def _kinds(text: Text) -> dict[str, str]:
    """Beginnings of the names of capabilities, and what they are about."""
    return {
        "limit:": text("most per page"),
        "endpoint:": text("several by one request"),
        "field:artist.": text("an artist"),
        "field:album.": text("a release"),
        "field:listed_album.": text("a release in a list"),
        "field:track.": text("a track"),
    }


def _with_number(name: str, row: Seen) -> str:
    return name if row["value"] is True else f"{name} {row['value']}"


def _with_date(name: str, row: Seen, text: Text) -> str:
    return f"{name} ({_state(row, text)})" if row["withdrawn_since"] else name


def _evidence(said: str, text: Text) -> str:
    """What was asked and how it was answered, in the reader's words; the source's names of things stay."""
    words = {
        "answered": text("answered"),
        "refused": text("refused"),
        "not answered": text("not answered"),
        "not asked, no id was found": text("not asked, no id was found"),
        "seen in a run": text("seen in a run"),
        "limit": text("with at most"),
    }
    return ASKED.sub(lambda found: words[found[0]], said)


def _state(row: Seen, text: Text) -> str:
    """A probed value in words."""
    if row["withdrawn_since"]:
        return text("withdrawn since {day}", day=text.instant(row["withdrawn_since"]))
    if isinstance(row["value"], bool):
        return text("yes") if row["value"] else text("no")
    return str(row["value"])
