"""Schedules in the reader's words, as HTML for `st.html`. Fire times stand in the schedule's own time zone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from pages._cards import badge
from pages._html import Html, tag
from pages._text import Text
from pipeline.watching.schedules import Schedule

__all__ = ["clock_of", "fire_times", "interval_parts", "schedule_row", "when_label"]

SIMPLE = re.compile(r"(\d{1,2}) (\d{1,2}) \* \* (\*|1-5|mon-fri|[0-7]|[a-z]{3})", re.IGNORECASE)
DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
SUNDAY = datetime(2026, 11, 22, tzinfo=UTC)
PARTS = re.compile(r"(\d+)\s*([mhdw])", re.IGNORECASE)


def clock_of(text: Text, zone: str) -> Text:
    """The same language, in another time zone."""
    return Text(text.language, zone)


def when_label(schedule: Schedule, text: Text) -> str:
    """When it fires, in words where the line is a simple one."""
    if schedule.kind == "once":
        at = datetime.fromisoformat(schedule.spec)
        return text("once, {when}", when=f"{text.day(at.date())}, {at:%H:%M}")
    if schedule.kind == "interval":
        return _every(schedule.spec, text)
    simple = SIMPLE.fullmatch(" ".join(schedule.spec.split()))
    if simple is None:
        return text("crontab {line}", line=schedule.spec)
    time = f"{int(simple[2]):02}:{int(simple[1]):02}"
    if simple[3] == "*":
        return text("every day at {time}", time=time)
    if simple[3].lower() in ("1-5", "mon-fri"):
        return text("Monday to Friday at {time}", time=time)
    return text("{day} at {time}", day=_weekday(simple[3].lower(), text), time=time)


def _weekday(field: str, text: Text) -> str:
    number = int(field) % 7 if field.isdigit() else DAYS.index(field)
    return text.weekday(SUNDAY + timedelta(days=number))


def interval_parts(spec: str) -> tuple[int, str]:
    """Count and unit (m, h, d, w) of an interval; one in bare seconds counts as minutes."""
    found = PARTS.fullmatch(spec.strip())
    if found:
        return int(found[1]), found[2].lower()
    seconds = re.match(r"\d+", spec.strip())
    return (max(1, int(seconds[0]) // 60) if seconds else 6), "m"


def _every(spec: str, text: Text) -> str:
    count, unit = interval_parts(spec)
    match unit:
        case "h":
            return text.plural("every hour", "every {count} hours", count)
        case "d":
            return text.plural("every day", "every {count} days", count)
        case "w":
            return text.plural("every week", "every {count} weeks", count)
        case _:
            return text.plural("every minute", "every {count} minutes", count)


def fire_times(times: Iterable[datetime], text: Text, zone: str) -> Html:
    """Fire times one beside the other, with the time zone they are told in."""
    local = clock_of(text, zone)
    chips = [tag("li", local.moment(each)) for each in times]
    if not chips:
        return tag("p", text("It does not fire again."), cls="g-small")
    return tag("ul", *chips, tag("li", zone, cls="g-zone"), cls="g-times")


def schedule_row(
    schedule: Schedule, times: Sequence[datetime], text: Text, *, is_idle: bool = False, has_genres: bool = True
) -> Html:
    """One schedule: its state, when it fires, what it asks, and the next times.

    `is_idle`: nothing is collected; `has_genres`: the settings name some.
    """
    if schedule.paused:
        state = badge(text("paused"), "quiet")
    elif times and is_idle:
        state = badge(text("waits for credentials"), "warn")
    elif times:
        state = badge(text("active"), "good")
    else:
        state = badge(text("over"), "quiet")
    usual = text("all genres of the settings") if has_genres else text("the artists of your list")
    genres = ", ".join(schedule.genres) or usual
    parts = [when_label(schedule, text), genres]
    if schedule.max_requests:
        parts.append(text.plural("at most {count} request", "at most {count} requests", schedule.max_requests))
    if schedule.priority:
        parts.append(text("priority {number}", number=schedule.priority))
    if schedule.grace_s is not None:
        parts.append(text("dropped when missed by more than {span}", span=text.duration(schedule.grace_s)))
    about = tag("span", " \u00b7 ".join(parts))
    return tag(
        "div",
        tag("div", tag("h2", schedule.name), state, cls="g-name"),
        about,
        fire_times(times, text, schedule.timezone) if not schedule.paused else "",
        cls="g-plan",
    )
