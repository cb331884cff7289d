"""Rows, cards, tiles and badges of artists and releases as HTML for `st.html`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pages._html import Html, join, tag
from pages._images import drawing, picture, sparkline
from pages._look import Palette
from pages._text import Text

__all__ = [
    "artist_head",
    "artist_row",
    "badge",
    "empty",
    "facts",
    "figure",
    "no_followers",
    "note",
    "release_card",
    "spotify_link",
    "stats",
    "withheld",
]

Row = Mapping[str, Any]
DOT = " \u00b7 "
NONE = "\u2013"


def stats(rows: Iterable[tuple[str, str, str]]) -> Html:
    """Tiles of (label, value, note): a number never stands without what it covers."""
    tiles = [
        tag("div", tag("dt", label), tag("dd", value), tag("dd", about, cls="g-note"), cls="g-stat")
        for label, value, about in rows
    ]
    return tag("dl", *tiles, cls="g-stats")


def facts(rows: Iterable[tuple[str, str]]) -> Html:
    """A compact list of (label, value)."""
    return tag("dl", *(tag("div", tag("dt", label), tag("dd", value)) for label, value in rows), cls="g-facts")


def badge(label: str, tone: str = "quiet") -> Html:
    """A small label; tone is live, good, bad, warn, demo or quiet."""
    return tag("span", label, cls=f"g-badge g-{tone}")


def note(words: str, *, is_told: bool = False) -> Html:
    """A line of small print; with `is_told` those who hear the page hear of it when it changes."""
    return tag("p", words, cls="g-small", data_told="" if is_told else None)


def empty(title: str, advice: str) -> Html:
    """What to say where there is nothing yet: what is missing and what to do."""
    return tag("div", tag("strong", title, data_told=""), tag("p", advice), cls="g-empty")


def figure(value: str, label: str, *, known: bool = True, tone: str = "") -> Html:
    """A number above its name, for lists; `tone` is a class of its own."""
    shown = tag("b", value) if known else tag("i", value)
    return tag("div", shown, tag("span", label), cls=f"g-num {tone}".strip())


def no_followers(text: Text, *, was_asked: bool) -> str:
    """Why nobody's followers are known."""
    if was_asked:
        return text("followers not given by Spotify to this app")
    return text("Spotify was not asked yet")


def withheld(text: Text, *, was_asked: bool) -> str:
    """Why a number of an artist is not known."""
    return text("not given by Spotify to this app") if was_asked else text("not asked yet")


def image(url: str | None, key: str, cls: str = "") -> Html:
    """A picture lying on the drawing of `key`, which is seen until it is loaded, and for good where it cannot be."""
    address = picture(url, key)
    ground = f"background: url({drawing(key)}) center / cover" if address == url else None
    return tag("img", cls=f"g-image {cls}".strip(), src=address, style=ground, alt="", loading="lazy")


def spotify_link(url: str | None, text: Text, name: str) -> Html:
    """A link back to Spotify; nothing for any other address."""
    if not url or not url.startswith("https://open.spotify.com/"):
        return Html()
    about = text("Open {name} on Spotify", name=name)
    new = {"target": "_blank", "rel": "noopener noreferrer"}
    return tag("a", "Spotify\u00a0\u2197", cls="g-spotify", href=url, aria_label=about, **new)


def artist_row(row: Row, text: Text, palette: Palette, followers: Sequence[int] = ()) -> Html:
    """One artist as a line of a list: face, name, genres, then followers and growth, or releases where those count."""
    genres = row.get("found") or row.get("genres") or []
    names = DOT.join(genres[:3]) + (" \u2026" if len(genres) > 3 else "")
    line = sparkline(followers, palette.accent)
    return tag(
        "div",
        image(row["image_url"], row["artist_id"], "g-face"),
        tag("div", tag("b", _name(row), aria_hidden="true"), tag("span", names), cls="g-who"),  # the link says the name
        tag("div", tag("img", src=line, alt="") if line else "", cls="g-spark"),
        *(_release_figures(row, text) if "releases" in row else _follower_figures(row, text)),
        cls="g-row",
    )


def _follower_figures(row: Row, text: Text) -> tuple[Html, ...]:
    if "entered_on" in row:
        return (*_known_figures(row, text), figure(text.short_day(row["entered_on"]), text("entered")))
    growth, since = row.get("growth"), row.get("since")
    change = NONE if growth is None else text.percent(growth, signed=True)
    over = text.plural("in {count} day", "in {count} days", row.get("days", 30))
    if since and "days" not in row:  # while there are fewer than thirty, growth is that since the first one
        over = text("since {day}", day=text.short_day(since))
    return (*_known_figures(row, text), figure(change, over, known=growth is not None, tone=_tone(growth)))


def _known_figures(row: Row, text: Text) -> tuple[Html, ...]:
    return (
        figure(text.compact(row["followers"]), text("followers"), known=row["followers"] is not None),
        figure(text.number(row["popularity"]), text("popularity"), known=row["popularity"] is not None, tone="g-wide"),
    )


def _release_figures(row: Row, text: Text) -> tuple[Html, ...]:
    many, latest = row["releases"], row["latest_release_on"]
    return (
        figure("", "", tone="g-wide"),
        figure(NONE if many is None else text.number(many), text("releases"), known=many is not None),
        figure(text.day(latest, precision="month") if latest else NONE, text("latest"), known=latest is not None),
    )


def artist_head(row: Row, text: Text, *, is_read: bool = True) -> Html:
    """The top of an artist's page: large face, name, since when and until when it was seen if ever, link to Spotify."""
    first, last = (text.day(row[name]) for name in ("first_seen_on", "last_seen_on"))
    seen = (
        text("Seen on {day}", day=first)
        if first == last
        else text("Seen from {first} to {last}", first=first, last=last)
    )
    face = image(row["image_url"], row["artist_id"])
    link = spotify_link(row["spotify_url"], text, _name(row))
    return tag("div", face, tag("div", tag("h1", _name(row)), tag("p", seen) if is_read else "", link), cls="g-head")


def release_card(row: Row, text: Text) -> Html:
    """A release: cover, title, credits, kind, date, link to Spotify."""
    name = row["name"] or row["album_id"]
    kinds = {"album": text("album"), "single": text("single"), "compilation": text("compilation")}
    kind = kinds.get(row["album_type"], row["album_type"] or "")
    tracks = text.plural("{count} track", "{count} tracks", row["total_tracks"]) if row["total_tracks"] else ""
    day = text.day(row["release_date"], precision=row["release_date_precision"] or "day")
    return tag(
        "div",
        image(row["image_url"], row["album_id"]),
        tag("b", name),
        tag("span", ", ".join(row["artist_names"] or ())),
        tag("small", DOT.join(filter(None, (kind, tracks)))),
        tag("small", join(day, spotify_link(row["spotify_url"], text, name))),
        cls="g-card",
    )


def _name(row: Row) -> str:
    return str(row["name"] or row["artist_id"])


def _tone(growth: float | None) -> str:
    return "" if growth is None or abs(growth) < 0.0005 else "g-up" if growth > 0 else "g-down"
