"""When a schedule fires: crontab's own rules, time zones, clocks that are set back and forward."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.cron import parse_cron
from pipeline.watching.schedules import Schedule, next_times

BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")


def times(line: str, after: str, count: int, zone: ZoneInfo = BERLIN) -> list[str]:
    """Local times at which a line fires."""
    found = parse_cron(line).instants(zone, datetime.fromisoformat(after).replace(tzinfo=zone))
    return [f"{each.astimezone(zone):%a %m-%d %H:%M}" for each in islice(found, count)]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("0 6 * * *", ["Mon 11-23 06:00", "Tue 11-24 06:00"]),
        ("0 3 * * 0", ["Sun 11-29 03:00", "Sun 12-06 03:00"]),
        ("0 3 * * 7", ["Sun 11-29 03:00", "Sun 12-06 03:00"]),
        ("0 3 * * 1", ["Mon 11-23 03:00", "Mon 11-30 03:00"]),
        ("0 3 * * sat-mon", ["Mon 11-23 03:00", "Sat 11-28 03:00"]),
        ("0 3 * * 5-7", ["Fri 11-27 03:00", "Sat 11-28 03:00"]),
        ("*/20 7,8 * * *", ["Mon 11-23 07:00", "Mon 11-23 07:20"]),
        ("5/25 * * * *", ["Sun 11-22 12:05", "Sun 11-22 12:30"]),
        ("0 0 1 * tue", ["Tue 11-24 00:00", "Tue 12-01 00:00"]),
        ("0 0 31 * *", ["Thu 12-31 00:00", "Sun 01-31 00:00"]),
        ("0 0 29 feb *", ["Tue 02-29 00:00", "Sun 02-29 00:00"]),
        ("@weekly", ["Sun 11-29 00:00", "Sun 12-06 00:00"]),
    ],
)
def test_line_means_what_cron_means(line: str, expected: list[str]) -> None:
    """Numbers, names, ranges, steps and the rule of two day fields are those of crontab."""
    assert times(line, "2026-11-22 12:00", 2) == expected


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("0 6 * *", r"it needs five fields \(minute hour .* and has 4$"),
        ("6-4", r"it needs five fields \(minute hour .* and has 1$"),
        ("@reboot", "@reboot is none of @hourly, @daily,"),
        ("60 6 * * *", "minute '60' is not within 0 to 59"),
        ("0 6 0 * *", "day '0' is not within 1 to 31"),
        ("0 6 * * 8", "weekday '8' is not within 0 to 7"),
        ("0 9-5 * * *", "hour '9-5' ends before it begins: write 9-23,0-5$"),
        ("0 0 28-3/2 * *", "day '28-3/2' ends before it begins: write 28-31/2,1-3/2$"),
        ("0 25-3 * * *", "hour '25-3' is not within 0 to 23"),
        ("0 6 * * funday", "weekday 'funday' is not understood: write numbers from 0 to 7 or sun to sat, as in 5, 1-5"),
        ("0 6- * * *", "hour '6-' is not understood: write numbers from 0 to 23, as in 5, 1-5"),
        ("*/ 6 * * *", "minute '\\*/' is not understood"),
        ("*/0 6 * * *", "minute '\\*/0' has a step below 1: write one as in"),
        ("0 6 30 2 *", "never comes"),
    ],
)
def test_wrong_line_is_explained(line: str, said: str) -> None:
    """A line that cron would refuse, or that never fires, is refused with the field at fault."""
    with pytest.raises(ValueError, match=said):
        parse_cron(line)


def test_advice_is_a_line() -> None:
    """What is advised for a span that runs backwards means what was meant."""
    advised = "0 22-23,0-4 * * *"
    with pytest.raises(ValueError, match=r"write 22-23,0-4$"):
        parse_cron("0 22-4 * * *")
    assert parse_cron(advised).hours == {22, 23, 0, 1, 2, 3, 4}


def test_set_back_clock_fires_once() -> None:
    """In the night the clocks are set back, a fixed time that comes twice fires the first time only."""
    assert times("30 2 * * *", "2026-10-24 12:00", 2) == ["Sun 10-25 02:30", "Mon 10-26 02:30"]
    assert times("30 1 * * *", "2026-10-31 12:00", 2, NEW_YORK) == ["Sun 11-01 01:30", "Mon 11-02 01:30"]


def test_set_forward_clock_fires_still() -> None:
    """In the night the clocks are set forward, a time that does not exist fires in the hour after, once."""
    assert times("30 2 * * *", "2026-03-28 12:00", 2) == ["Sun 03-29 03:30", "Mon 03-30 02:30"]
    assert times("30 2,3 * * *", "2026-03-28 12:00", 2) == ["Sun 03-29 03:30", "Mon 03-30 02:30"]


def test_every_hour_follows_real_hours() -> None:
    """A line for every hour fires 25 times on the longer day, 23 times on the shorter one."""
    for day, hours in (("2026-10-25", 25), ("2026-03-29", 23), ("2026-11-22", 24)):
        begin = datetime.fromisoformat(day).replace(tzinfo=BERLIN)
        end = (begin.replace(tzinfo=None) + timedelta(days=1)).replace(tzinfo=BERLIN)
        found = parse_cron("0 * * * *").instants(BERLIN, begin.astimezone(UTC) - timedelta(seconds=1))
        assert sum(1 for each in islice(found, 30) if each < end.astimezone(UTC)) == hours


def test_interval_counts_from_its_start() -> None:
    """An interval fires at whole steps after its creation, however long ago that was."""
    at_six = datetime(2026, 11, 22, 6, tzinfo=UTC)
    every = Schedule("s", "interval", "6h", "UTC", created_at=at_six)
    assert next_times(every, datetime(2026, 12, 1, 7, tzinfo=UTC), 2) == [
        datetime(2026, 12, 1, 12, tzinfo=UTC),
        datetime(2026, 12, 1, 18, tzinfo=UTC),
    ]


def test_once_is_local_time() -> None:
    """A one-off fires once, at the time of its own zone."""
    once = Schedule("s", "once", "2026-11-23T06:30", "America/Sao_Paulo")
    assert next_times(once, datetime(2026, 11, 22, tzinfo=UTC)) == [datetime(2026, 11, 23, 9, 30, tzinfo=UTC)]
    assert next_times(once, datetime(2026, 11, 24, tzinfo=UTC)) == []


@given(
    st.datetimes(datetime(2014, 1, 1), datetime(2035, 1, 1)),  # noqa: DTZ001  made aware below
    st.sampled_from(["Europe/Berlin", "America/Sao_Paulo", "Australia/Lord_Howe", "America/New_York", "Asia/Kolkata"]),
    st.sampled_from(["30 2 * * *", "0 0 * * *", "59 23 * * *", "15 1 * * *"]),
)
def test_daily_line_fires_daily(start: datetime, zone: str, line: str) -> None:
    """Whatever the zone and its changes, a daily line fires exactly once on each local day, in order."""
    after = start.replace(tzinfo=UTC)
    found = list(islice(parse_cron(line).instants(ZoneInfo(zone), after), 5))
    days = [each.astimezone(ZoneInfo(zone)).date() for each in found]
    assert found == sorted(found)
    assert [(later - day).days for day, later in pairwise(days)] == [1] * 4
