"""Rows, cards and badges as HTML for `st.html`. Everything that came from outside is escaped here, and only here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from html import escape
from typing import Any

from pages._images import picture, sparkline
from pages._look import Palette
from pages._text import Text

__all__ = [
    "STATES",
    "artist_head",
    "artist_row",
    "badge",
    "empty",
    "facts",
    "release_card",
    "spotify_link",
    "state_badge",
    "stats",
]

Row = Mapping[str, Any]
DOT = " \u00b7 "

# State of a run or task: English text (translated when shown) and tone.
STATES = {
    "running": ("running", "live"),
    "succeeded": ("succeeded", "good"),
    "failed": ("failed", "bad"),
    "crashed": ("crashed", "bad"),
    "cancelled": ("cancelled", "quiet"),
    "skipped": ("skipped", "quiet"),
    "deferred": ("deferred", "warn"),
}


def stats(rows: Iterable[tuple[str, str, str]]) -> str:
    """Tiles of (label, value, note): a number never stands without what it covers."""
    tiles = "".join(
        f'<div class="g-stat"><dt>{escape(label)}</dt><dd>{escape(value)}</dd><dd class="g-note">{escape(note)}</dd></div>'
        for label, value, note in rows
    )
    return f'<dl class="g-stats">{tiles}</dl>'


def facts(rows: Iterable[tuple[str, str]]) -> str:
    """A compact list of (label, value)."""
    return (
        '<dl class="g-facts">'
        + "".join(f"<div><dt>{escape(label)}</dt><dd>{escape(value)}</dd></div>" for label, value in rows)
        + "</dl>"
    )


def badge(label: str, tone: str = "quiet") -> str:
    """A small label; tone is live, good, bad, warn, demo or quiet."""
    return f'<span class="g-badge g-{tone}">{escape(label)}</span>'


def state_badge(state: str, text: Text) -> str:
    """The badge of a run's or task's state."""
    label, tone = STATES.get(state, (state, "quiet"))
    return badge(text(label), tone)


def empty(title: str, advice: str) -> str:
    """What to say where there is nothing yet: what is missing and what to do."""
    return f'<div class="g-empty"><strong>{escape(title)}</strong><p>{escape(advice)}</p></div>'


def spotify_link(url: str | None, text: Text, *, name: str = "") -> str:
    """A link back to Spotify; nothing for any other address."""
    if not url or not url.startswith("https://open.spotify.com/"):
        return ""
    label = escape(text("Open {name} on Spotify", name=name), quote=True)
    return f'<a class="g-spotify" href="{escape(url, quote=True)}" target="_blank" rel="noopener noreferrer" aria-label="{label}">Spotify\u00a0\u2197</a>'


def artist_row(row: Row, text: Text, palette: Palette, followers: Sequence[int] = ()) -> str:
    """One artist as a line of a list: face, name, genres, recent line, followers, popularity, growth over 30 days."""
    growth, line = row.get("growth"), sparkline(followers, palette.accent)
    face = f'<img class="g-face" src="{escape(picture(row["image_url"], row["artist_id"]))}" alt="" loading="lazy">'
    who = f'<div class="g-who" aria-hidden="true"><b>{escape(row["name"] or row["artist_id"])}</b><span>{escape(_genres(row))}</span></div>'
    spark = f'<div class="g-spark"><img src="{line}" alt=""></div>' if line else '<div class="g-spark"></div>'
    figures = (
        _figure(text.compact(row["followers"]), text("followers"), known=row["followers"] is not None),
        _figure(
            text.number(row["popularity"]), text("popularity"), known=row["popularity"] is not None, extra="g-wide"
        ),
        _figure(_change(growth, text), text("in 30 days"), known=growth is not None, tone=_tone(growth)),
    )
    return f'<div class="g-row">{face}{who}{spark}{"".join(figures)}</div>'


def artist_head(row: Row, text: Text) -> str:
    """The top of an artist's page: large face, name, since when and until when it was seen, link to Spotify."""
    seen = text("Seen from {first} to {last}", first=text.day(row["first_seen_on"]), last=text.day(row["last_seen_on"]))
    return (
        f'<div class="g-head"><img src="{escape(picture(row["image_url"], row["artist_id"]))}" alt=""><div>'
        f"<h1>{escape(row['name'] or row['artist_id'])}</h1><p>{escape(seen)}</p>{spotify_link(row['spotify_url'], text, name=row['name'] or '')}</div></div>"
    )


def release_card(row: Row, text: Text) -> str:
    """A release: cover, title, credits, kind, date, link to Spotify."""
    name, credits = row["name"] or row["album_id"], ", ".join(row["artist_names"] or ())
    kinds = {"album": text("album"), "single": text("single"), "compilation": text("compilation")}
    about = [kinds.get(row["album_type"], row["album_type"] or "")]
    if row["total_tracks"]:
        about.append(text.plural("{count} track", "{count} tracks", row["total_tracks"]))
    day = text.day(row["release_date"], precision=row["release_date_precision"] or "day")
    return (
        f'<div class="g-card"><img src="{escape(picture(row["image_url"], row["album_id"]))}" alt="" loading="lazy">'
        f'<b title="{escape(name, quote=True)}">{escape(name)}</b><span>{escape(credits)}</span>'
        f"<small>{escape(DOT.join(filter(None, about)))}</small>"
        f"<small>{escape(day)}{spotify_link(row['spotify_url'], text, name=name)}</small></div>"
    )


def run_row(run: Row, text: Text, now: datetime) -> str:
    """One run as a line of a list: state, when, by what, how long, requests, rows."""
    return (
        f'<div class="g-run"><div>{state_badge(run["state"], text)}</div>'
        f'<div class="g-who"><b>{escape(text.instant(run["started_at"]))}</b><span>{escape(_trigger(run["trigger"], text))}</span></div>'
        f"{_figure(duration(run, text, now), text('duration'), known=True, extra='g-wide')}"
        f"{_figure(text.number(run['requests']), text('requests'), known=True)}{_figure(text.number(run['rows']), text('rows'), known=True)}</div>"
    )


def run_summary(run: Row, text: Text, now: datetime) -> str:
    """What a run did, in one box; with its message where it did not simply succeed."""
    rows = (
        (text("Began"), text.instant(run["started_at"])),
        (text("Started by"), _trigger(run["trigger"], text)),
        (text("Duration"), duration(run, text, now)),
        (text("Requests"), text.number(run["requests"])),
        (text("Rows"), text.number(run["rows"])),
    )
    message = f'<p class="g-small">{escape(run["message"])}</p>' if run["message"] else ""
    return f'<div class="g-box"><div>{state_badge(run["state"], text)}</div>{facts(rows)}{message}</div>'


def task_table(attempts: Sequence[Row], text: Text) -> str:
    """Tasks of a run in the order they began: items, how they ended, requests, rows."""
    lines = []
    for name in dict.fromkeys(row["task"] for row in attempts):
        mine = [row for row in attempts if row["task"] == name]
        states = Counter(row["state"] for row in mine)
        ended = " ".join(
            badge(
                f"{text.number(count)} {text(STATES.get(state, (state, ''))[0])}", STATES.get(state, ("", "quiet"))[1]
            )
            for state, count in states.items()
        )
        numbers = (
            len({row["batch_id"] for row in mine}),
            sum(row["requests"] for row in mine),
            sum(row["rows"] for row in mine),
        )
        lines.append(
            f"<tr><th scope='row'>{escape(task_label(text, name))}</th><td>{ended}</td>"
            + "".join(f"<td>{text.number(value)}</td>" for value in numbers)
            + "</tr>"
        )
    heads = (text("Task"), text("State"), text("Items"), text("Requests"), text("Rows"))
    head = "".join(f"<th scope='col'>{escape(label)}</th>" for label in heads)
    return f'<div class="g-scroll" tabindex="0"><table class="g-table"><thead><tr>{head}</tr></thead><tbody>{"".join(lines)}</tbody></table></div>'


def duration(row: Row, text: Text, now: datetime) -> str:
    """How long a run or attempt took, or has taken so far."""
    return text.duration(((row["finished_at"] or now) - row["started_at"]).total_seconds())


def task_label(text: Text, name: str) -> str:
    """A task of the graph in the reader's words."""
    labels = {
        "probe": text("probing the source"),
        "plan": text("planning"),
        "discover": text("discovering artists"),
        "refresh_artists": text("reading artists"),
        "refresh_releases": text("reading releases"),
        "refresh_tracks": text("reading tracks"),
        "publish": text("publishing"),
        "check": text("checking"),
    }
    return labels.get(name, name.replace("_", " ") or text("starting"))


def _trigger(trigger: str, text: Text) -> str:
    labels = {
        "schedule": text("the schedule"),
        "button": text("the button Run now"),
        "cli": text("the command line"),
        "external": text("another system"),
    }
    return labels.get(trigger, trigger)


def _genres(row: Row, most: int = 3) -> str:
    names = row.get("found_genres") or row.get("genres") or []
    return DOT.join(names[:most]) + (" \u2026" if len(names) > most else "")


def _change(growth: float | None, text: Text) -> str:
    return "\u2013" if growth is None else text.percent(growth, signed=True)


def _figure(value: str, label: str, *, known: bool, tone: str = "", extra: str = "") -> str:
    shown = f"<b class='{tone}'>{escape(value)}</b>" if known else f"<i>{escape(value)}</i>"
    return f'<div class="g-num {extra}">{shown}<span>{escape(label)}</span></div>'


def _tone(growth: float | None) -> str:
    return "" if growth is None or abs(growth) < 0.0005 else "g-up" if growth > 0 else "g-down"
