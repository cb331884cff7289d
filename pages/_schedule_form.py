"""The form of a schedule: its widgets, what they mean together, and when it would fire before it is kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import streamlit as st

from pages import _access, _schedule_cards
from pages._html import tag
from pages._text import Text, current_text
from pipeline.errors import SettingsError
from pipeline.service.scheduler import service
from pipeline.watching.freshness import watched_genres
from pipeline.watching.schedules import Kind, Schedule

__all__ = ["close_form", "is_open", "open_form", "show_form"]

OPEN = "schedule_form"  # in the session: whether the form is open, and for which schedule ("" for a new one)
GIVEN = "sf_given"  # what the fields held last, those of other kinds too, which are not on the page
FIELDS = {"cron": {"sf_cron"}, "interval": {"sf_count", "sf_unit"}, "once": {"sf_day", "sf_time"}}  # of one kind alone
SPECS = {"cron": "sf_cron", "interval": "sf_count", "once": "sf_day"}  # where it is told when
KINDS: tuple[Kind, ...] = ("cron", "interval", "once")
UNITS = ("m", "h", "d", "w")
HOUR_S = 3_600


def is_open() -> bool:
    """Whether the form stands on the page."""
    return OPEN in st.session_state


def open_form(schedule: Schedule | None = None) -> None:
    """Put the form on the page: empty, or with a schedule to change."""
    made = schedule or Schedule("", "cron", "0 6 * * *", service().settings.timezone)
    count, unit = _schedule_cards.interval_parts(made.spec) if made.kind == "interval" else (6, "h")
    at = datetime.fromisoformat(made.spec) if made.kind == "once" else _tomorrow(made.timezone)
    given = {
        "sf_name": made.name,
        "sf_kind": made.kind,
        "sf_cron": made.spec if made.kind == "cron" else "0 6 * * *",
        "sf_count": count,
        "sf_unit": unit,
        "sf_day": at.date(),
        "sf_time": at.time(),
        "sf_zone": made.timezone,
        "sf_genres": list(made.genres),
        "sf_most": made.max_requests,
        "sf_priority": made.priority,
        "sf_grace": None if made.grace_s is None else made.grace_s / HOUR_S,
    }
    for field in given:
        st.session_state.pop(field, None)
    st.session_state.update({OPEN: made.name, GIVEN: given})


def close_form() -> None:
    """Take the form away."""
    st.session_state.pop(OPEN, None)


def show_form(text: Text) -> None:
    """The form, and below it when the schedule would fire; kept only by the button."""
    changing = str(st.session_state[OPEN])
    _fill_fields()
    with st.container(border=True, key="schedule_form_box"):
        st.header(text("Change {name}", name=changing) if changing else text("New schedule"), anchor=False)
        left, right = st.columns(2, gap="medium")
        with left:
            name = st.text_input(text("Name"), key="sf_name", disabled=bool(changing), max_chars=40)
            kind, spec = _when(text)
            zone = st.selectbox(text("Time zone"), _zones(), key="sf_zone")
        with right:
            genres, most, first, grace_s = _limits(text)
            wanted = Schedule((name or "").strip(), kind, spec, zone, genres, most, first, grace_s=grace_s)
            is_good = _preview(wanted, text)
        with st.container(horizontal=True):
            if st.button(text("Keep it"), type="primary", disabled=not (is_good and wanted.name), key="sf_keep"):
                _keep(wanted, changing)
            if st.button(text("Leave it"), key="sf_leave"):
                close_form()
                st.rerun()
            if not wanted.name:
                advice = text("Give it a name of letters, digits and hyphens, without spaces.")
                st.html(tag("p", advice, cls="g-small", **_bound_to("sf_name")))


def _fill_fields() -> None:
    """Give back what Streamlit forgot: the fields that the last run of the page passed by.

    Those of other kinds are left alone: the browser shows a value only where its field is on the page in the same run.
    """
    held: dict[str, Any] = st.session_state[GIVEN]
    held.update({field: st.session_state[field] for field in held if field in st.session_state})
    hidden = set().union(*(fields for kind, fields in FIELDS.items() if kind != held["sf_kind"]))
    for field in held.keys() - hidden:
        st.session_state.setdefault(field, held[field])


def _preview(wanted: Schedule, text: Text) -> bool:
    """When it would fire, or what is wrong with it; whether it can be kept."""
    try:
        kept = service().check_schedule(replace(wanted, name=wanted.name or "new"))
    except SettingsError as error:
        field = "sf_name" if str(error).startswith("name") else SPECS[wanted.kind]
        st.html(tag("p", text.error(error), cls="g-small g-wrong", role="alert", **_bound_to(field)))
        return False
    st.html(tag("p", text("It would fire next at"), cls="g-small"))
    st.html(_schedule_cards.fire_times(service().next_times(kept), text, wanted.timezone))
    return True


def _bound_to(field: str) -> dict[str, str]:
    """What binds words to the field that they are about; live.js says so at the field."""
    return {"id": f"about-{field}", "data_about": field}


def _limits(text: Text) -> tuple[tuple[str, ...], int | None, int, float | None]:
    """Genres, most requests, priority, and after how many seconds a missed time is dropped."""
    chosen = st.multiselect(
        text("Genres"),
        list(dict.fromkeys((*watched_genres(service().ledger, service().settings), *st.session_state["sf_genres"]))),
        key="sf_genres",
        accept_new_options=True,
        placeholder=text("All genres of the settings")
        if service().settings.genres
        else text("None: only artists of your list, and those known already"),
    )
    columns = st.columns(3, vertical_alignment="bottom")
    most = columns[0].number_input(
        text("Most requests"), 1, None, key="sf_most", placeholder=str(service().settings.max_requests)
    )
    about = text("Of two that are due the higher one runs first.")
    first = columns[1].number_input(text("Priority"), -100, 100, key="sf_priority", help=about)
    about = text("A time missed by more is dropped; without a number it is caught up by one run.")
    hours = columns[2].number_input(
        text("Drop after hours"), 0.0, None, step=1.0, key="sf_grace", placeholder=text("never"), help=about
    )
    genres = tuple(dict.fromkeys(" ".join(genre.lower().split()) for genre in chosen))
    return genres, most, int(first), hours * HOUR_S if hours else None


def _when(text: Text) -> tuple[Kind, str]:
    """Kind and spec."""
    labels = {"cron": text("Crontab"), "interval": text("Interval"), "once": text("Once")}
    kind: Kind | None = st.segmented_control(
        text("Kind"), KINDS, format_func=lambda each: labels[each], key="sf_kind", required=True
    )
    first, second = st.columns(2)
    match kind:
        case "interval":
            units = {"m": text("minutes"), "h": text("hours"), "d": text("days"), "w": text("weeks")}
            count = first.number_input(text("Every"), 1, 10_000, key="sf_count")
            unit = second.selectbox(text("Unit"), UNITS, format_func=lambda each: units[each], key="sf_unit")
            return kind, f"{count}{unit}"
        case "once":
            day: date = first.date_input(text("Day"), key="sf_day", format=text.day_field)
            hour: time = second.time_input(text("Time"), key="sf_time")
            return kind, f"{day.isoformat()}T{hour:%H:%M}"
        case _:
            about = text("Minute, hour, day of month, month, weekday; as in 30 7 * * mon-fri.")
            return "cron", st.text_input(text("Crontab line"), key="sf_cron", help=about) or ""


def _keep(wanted: Schedule, changing: str) -> None:
    if not _access.may_operate():
        return
    try:
        if changing:
            service().change_schedule(wanted)
        else:
            service().add_schedule(wanted)
    except SettingsError as error:
        st.error(current_text().error(error))
        return
    close_form()
    st.rerun()


def _tomorrow(zone: str) -> datetime:
    now = service().ledger.now().astimezone(ZoneInfo(zone))
    return datetime.combine(now.date() + timedelta(days=1), time(6))


@cache
def _zones() -> list[str]:
    """Names of time zones, those by place; cached, as they are read from the disk."""
    return sorted(name for name in available_timezones() if "/" in name or name == "UTC")
