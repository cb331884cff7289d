"""What a newcomer sees first: how much is known, what is new, who grows, how a genre moves, what the last run did."""

from __future__ import annotations

import streamlit as st

from pages import _cards, _data, _genre, _parts, _radar, _run_cards
from pages._html import tag
from pages._text import Text, current_text
from pipeline import queries
from pipeline.service.scheduler import service


def show_numbers(text: Text) -> None:
    """Counts, each with what it covers."""
    known = _data.ask(queries.coverage)
    artists = max(known["artists"], 1)
    followers = text("followers known of {share}", share=text.percent(known["artists_with_followers"] / artists))
    if not _data.ask(queries.numbers_given)["followers"]:
        followers = _cards.no_followers(text, was_asked=_data.was_asked())
    releases = text("read for {share} of artists", share=text.percent(known["artists_with_releases"] / artists))
    until = text("up to {day}", day=text.day(known["last_on"]))
    tracks = text.plural("{count} track known", "{count} tracks known", known["tracks"])
    tiles = (
        (text("Artists"), text.number(known["artists"]), followers),
        (text("Releases"), text.number(known["releases"]), releases),
        (text("Released in 30 days"), text.number(known["releases_recent"]), until),
        (text("Genres"), text.number(known["genres"]), tracks),
        (text("Days of history"), text.number(known["days"]), text("since {day}", day=text.day(known["days_from"]))),
    )
    st.html(_cards.stats(tiles))


def show_growth(text: Text) -> None:
    """Who grew most in proportion."""
    st.header(text("Growing fastest"), anchor=False)
    days = _data.ask(queries.coverage)["days"]
    known = text.plural("So far {count} day is known.", "So far {count} days are known.", days) if days <= 30 else ""
    st.html(_cards.note(text("Followers gained in 30 days, in proportion, from at least 1,000.") + f" {known}"))
    found = _data.ask(queries.growth_leaders, 30, 7)
    if found.is_empty():
        then = _data.is_looking_back()
        advice = text("Growth needs followers of two days; it appears with the second one.")
        if days > 1:
            advice = text("Of nobody with at least 1,000 followers do numbers show a gain in the last 30 days of data.")
        missing = text("No growth was known then") if then else text("No growth to show yet")
        st.html(_cards.empty(missing, advice))
    else:
        _parts.artist_list(found.to_dicts(), text, key="growth")


def show_active(text: Text) -> None:
    """Who released most: what can be said where Spotify gives no followers."""
    st.header(text("Most active"), anchor=False)
    st.html(_cards.note(text("Albums and singles in the last twelve months.")))
    found = _data.ask(queries.most_active, 365, 7)
    if found.is_empty():
        _radar.show_none(text)
    else:
        _parts.artist_list(found.to_dicts(), text, key="active")


def show_run(text: Text) -> None:
    """What the last run did."""
    st.header(text("The last run"), anchor=False)
    run = _data.last_run()
    if run is None:
        st.html(_cards.empty(text("No run yet"), text("Start one on the page Runs.")))
    else:
        st.html(_run_cards.run_summary(run, text))
        st.page_link("runs.py", label=text("All runs"))


def main() -> None:
    """The page."""
    text = current_text()
    lead = text("Artists found genre by genre, watched day by day: what they release, and who is growing.")
    if not service().settings.genres:
        lead = text("The artists of your list, watched day by day: what they release, and who is growing.")
    st.html(tag("p", lead, cls="g-lead"))
    show_numbers(text)
    newest, growth = st.columns(2, gap="medium")
    with newest:
        _radar.show_newest(text)
    with growth:
        (show_growth if _data.ask(queries.numbers_given)["followers"] else show_active)(text)
    _genre.show_genre(text)
    if not _data.is_looking_back():  # the last run is that of today
        show_run(text)


main()
