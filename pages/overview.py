"""What a newcomer sees first: how much is known and how well, what is new, who grows, how a genre moves, what the last run did."""

from __future__ import annotations

import streamlit as st

from pages import _cards, _charts, _data, _lists
from pages._look import current_palette
from pages._text import Text, current_text
from pipeline import queries

GROWTH_DAYS = 30


def show_numbers(text: Text) -> None:
    """Counts, each with what it covers."""
    known = _data.ask(queries.coverage)
    artists = max(known["artists"], 1)
    followers = text("followers known of {share}", share=text.percent(known["artists_with_followers"] / artists))
    if not known["artists_with_followers"]:
        followers = text("followers not given by Spotify to this app")
    releases = text("read for {share} of artists", share=text.percent(known["artists_with_releases"] / artists))
    tracks = text.plural("{count} track known", "{count} tracks known", known["tracks"])
    tiles = (
        (text("Artists"), text.number(known["artists"]), followers),
        (text("Releases"), text.number(known["releases"]), releases),
        (
            text("Released in 30 days"),
            text.number(known["releases_recent"]),
            text("up to {day}", day=text.day(known["last_on"])),
        ),
        (text("Genres"), text.number(known["genres"]), tracks),
        (text("Days of history"), text.number(known["days"]), text("since {day}", day=text.day(known["first_on"]))),
    )
    st.html(_cards.stats(tiles))


def show_newest(text: Text) -> None:
    """The newest releases as covers."""
    st.subheader(text("Newest releases"), anchor=False)
    found = _data.ask(queries.newest_releases, 6)
    if found.is_empty():
        advice = text("Releases are read after the artists; the next run goes on where the last one ended.")
        st.html(_cards.empty(text("No releases yet"), advice))
    else:
        _lists.release_grid(found.to_dicts(), text, key="newest", columns=3)


def show_growth(text: Text) -> None:
    """Who grew most in proportion."""
    st.subheader(text("Growing fastest"), anchor=False)
    st.html(f'<p class="g-small">{text("Followers gained in 30 days, in proportion, from at least 1,000.")}</p>')
    found = _data.ask(queries.growth_leaders, GROWTH_DAYS, 7)
    if found.is_empty():
        advice = text(
            "Growth needs followers of two days. Where Spotify does not give them to this app, it cannot be said."
        )
        st.html(_cards.empty(text("No growth to show yet"), advice))
    else:
        _lists.artist_list(found.to_dicts(), text, key="growth")


def show_genre(text: Text) -> None:
    """A genre over time: followers of its artists where they are given, and its releases by week."""
    genres = _data.ask(queries.genres)["genre"].to_list()
    heading, choice = st.columns([3, 2], vertical_alignment="bottom")
    heading.subheader(text("A genre over time"), anchor=False)
    genre = choice.selectbox(text("Genre"), genres, key="genre", bind="query-params")
    if genre is None:
        return
    history, weeks = _data.ask(queries.followers_over_time, genre), _data.ask(queries.releases_per_week, genre)
    style = _charts.Style(text, current_palette())
    left, right = st.columns(2)
    with left:
        if history.height > 1:
            about = text.plural(
                "Followers of the {count} artist known from the start",
                "Followers of the same {count} artists, day by day",
                history["artists"][0],
            )
            st.html(f'<p class="g-small">{about}</p>')
            figure = _charts.followers_chart(history, style)
            st.plotly_chart(figure, theme=None, config=_charts.CONFIG, alt=about, key="genre_followers")
        else:
            advice = text(
                "A line needs two days of followers. Where Spotify does not give them to this app, there is none."
            )
            st.html(_cards.empty(text("No followers to show yet"), advice))
    with right:
        about = text("Albums and singles by week of release")
        st.html(f'<p class="g-small">{about}</p>')
        figure = _charts.releases_chart(weeks, style)
        st.plotly_chart(figure, theme=None, config=_charts.CONFIG, alt=about, key="genre_releases")


def show_run(text: Text) -> None:
    """What the last run did."""
    st.subheader(text("The last run"), anchor=False)
    run = _data.last_run()
    if run is None:
        st.html(_cards.empty(text("No run yet"), text("Start one on the page Runs.")))
        return
    st.html(_cards.run_summary(run, text, _data.now()))
    st.page_link("runs.py", label=text("All runs"), query_params={"run": run["run_id"]})


def main() -> None:
    """The page."""
    text = current_text()
    st.title(text("Overview"), anchor=False)
    lead = text("Artists found genre by genre, watched day by day: what they release, and who is growing.")
    st.html(f'<p class="g-lead">{lead}</p>')
    show_numbers(text)
    newest, growth = st.columns([1, 1], gap="medium")
    with newest:
        show_newest(text)
    with growth:
        show_growth(text)
    show_genre(text)
    show_run(text)


main()
