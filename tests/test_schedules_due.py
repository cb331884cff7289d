"""Which schedules are due: what was missed is caught up by one run, whoever watches, and told."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import SettingsError
from pipeline.records.ledger import Ledger
from pipeline.watching.schedules import (
    Schedule,
    add_schedule,
    change_schedule,
    claim,
    due_schedules,
    keep_default,
    list_schedules,
    next_times,
    pause_schedule,
    remove_schedule,
    resume_schedule,
    unclaim,
)

DAILY = Schedule("daily", "cron", "0 7 * * *", "UTC", genres=("forró",), max_requests=50)


def at(text: str) -> datetime:
    """An instant of November 2026."""
    return datetime.fromisoformat(f"2026-11-{text}").replace(tzinfo=UTC)


def test_schedule_is_kept_whole(ledger: Ledger) -> None:
    """A schedule comes back as it was given, from this process or another one."""
    add_schedule(ledger, DAILY)
    with closing(Ledger(ledger.place)) as other:
        [found] = list_schedules(other)
    assert (found.name, found.kind, found.spec, found.genres, found.max_requests, found.grace_s) == (
        "daily",
        "cron",
        "0 7 * * *",
        ("forró",),
        50,
        None,
    )


def test_next_five_times(ledger: Ledger) -> None:
    """The next five fire times follow one another; a paused schedule has none."""
    add_schedule(ledger, DAILY)
    [found] = list_schedules(ledger)
    assert next_times(found, at("22 06:00")) == [at(f"{day} 07:00") for day in range(22, 27)]
    pause_schedule(ledger, "daily")
    assert next_times(list_schedules(ledger)[0], at("22 06:00")) == []


def test_nothing_is_due_early(ledger: Ledger, clock: Any) -> None:
    """Before its time a schedule is not due; on it, it is; once claimed, it is not any more."""
    add_schedule(ledger, DAILY)
    assert due_schedules(ledger, at("22 06:59:59")) == []
    [due] = due_schedules(ledger, at("22 07:00:00"))
    assert (due.due_at, due.missed, due.is_late) == (at("22 07:00"), (), False)
    assert claim(ledger, due, "r1") is True
    assert due_schedules(ledger, at("22 07:00:01")) == []


def test_sleep_is_caught_up_once(ledger: Ledger) -> None:
    """Asleep over three fire times, there is one run to catch up, and three missed times to tell."""
    add_schedule(ledger, DAILY)
    [due] = due_schedules(ledger, at("24 09:30"))
    assert (due.due_at, due.is_late, due.missed) == (at("24 07:00"), True, (at("22 07:00"), at("23 07:00")))
    assert claim(ledger, due) is True
    assert due_schedules(ledger, at("24 09:31")) == []


@pytest.mark.parametrize(("first", "line"), [("2026-10-24", "30 1 * * *"), ("2026-03-28", "30 1 * * *")])
def test_clock_change_gives_one_run_a_day(first: str, line: str, ledger: Ledger, clock: Any) -> None:
    """Watched minute by minute over the nights on which Lisbon's clocks change, a daily line starts one run a day."""
    clock.instant = datetime.fromisoformat(f"{first}T00:00+00:00")
    add_schedule(ledger, Schedule("nightly", "cron", line, "Europe/Lisbon"))
    started = list[datetime]()
    for _ in range(3 * 24 * 12):
        for due in due_schedules(ledger, clock.move(minutes=5)):
            assert claim(ledger, due) is True
            started.append(due.due_at)
    assert len(started) == 3
    assert [each.date().isoformat() for each in started] == sorted({each.date().isoformat() for each in started})


def test_missed_time_outlives_the_program(ledger: Ledger, tmp_path: Path) -> None:
    """What passed while no program ran is due at the next start: the ledger knows how far was dealt with."""
    add_schedule(ledger, DAILY)
    claim(ledger, due_schedules(ledger, at("22 07:00"))[0])
    with closing(Ledger(ledger.place)) as restarted:
        [due] = due_schedules(restarted, at("23 08:00"))
    assert due.due_at == at("23 07:00")


def test_two_processes_claim_once(ledger: Ledger) -> None:
    """Of two processes that see the same time pass only one starts a run."""
    add_schedule(ledger, DAILY)
    with closing(Ledger(ledger.place)) as other:
        mine, theirs = due_schedules(ledger, at("22 07:00"))[0], due_schedules(other, at("22 07:00"))[0]
        assert (claim(ledger, mine), claim(other, theirs)) == (True, False)


def test_unstarted_run_stays_due(ledger: Ledger) -> None:
    """A claim whose run could not start is taken back: the time is due still."""
    add_schedule(ledger, DAILY)
    [due] = due_schedules(ledger, at("22 07:00"))
    claim(ledger, due, "r1")
    unclaim(ledger, due)
    assert due_schedules(ledger, at("22 07:00")) == [due]


@pytest.mark.parametrize(("now", "dropped"), [("22 07:30", False), ("22 08:30", True)])
def test_grace_bounds_lateness(now: str, dropped: bool, ledger: Ledger) -> None:  # noqa: FBT001
    """Later than its grace a time is dropped: dealt with, not run."""
    add_schedule(ledger, Schedule("daily", "cron", "0 7 * * *", "UTC", grace_s=3_600))
    assert [due.is_dropped for due in due_schedules(ledger, at(now))] == [dropped]


def test_higher_priority_goes_first(ledger: Ledger) -> None:
    """Of several that are due the highest priority is first, then what is due longest."""
    for name, spec, priority in (("b", "0 7 * * *", 0), ("a", "30 6 * * *", 0), ("c", "15 7 * * *", 5)):
        add_schedule(ledger, Schedule(name, "cron", spec, "UTC", priority=priority))
    assert [due.schedule.name for due in due_schedules(ledger, at("22 08:00"))] == ["c", "a", "b"]


def test_pause_is_not_caught_up(ledger: Ledger, clock: Any) -> None:
    """A paused schedule is never due, and after it is resumed what passed meanwhile stays past.

    One that was not paused stays due when it is resumed.
    """
    add_schedule(ledger, DAILY)
    pause_schedule(ledger, "daily")
    clock.move(days=3)
    assert due_schedules(ledger, clock.now()) == []
    resume_schedule(ledger, "daily")
    assert due_schedules(ledger, clock.now()) == []
    assert [due.due_at for due in due_schedules(ledger, clock.now() + timedelta(days=1))] == [at("25 07:00")]
    clock.move(days=1)
    resume_schedule(ledger, "daily")
    assert [due.due_at for due in due_schedules(ledger, clock.now())] == [at("25 07:00")]


def test_one_off_fires_once(ledger: Ledger) -> None:
    """A one-off is due after its time, once, and has no next time."""
    once = add_schedule(ledger, Schedule("once", "once", "2026-11-22T08:00", "America/Sao_Paulo"))
    [due] = due_schedules(ledger, at("22 11:00"))
    claim(ledger, due)
    assert (due_schedules(ledger, at("29 11:00")), next_times(once, at("22 11:00"))) == ([], [])


def test_clock_set_back_fires_once(ledger: Ledger) -> None:
    """When the machine's clock is set back over a fire time, that time does not come again."""
    add_schedule(ledger, DAILY)
    claim(ledger, due_schedules(ledger, at("22 07:00"))[0])
    assert due_schedules(ledger, at("22 06:30")) == []
    assert due_schedules(ledger, at("22 07:00")) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": "a b"}, "letters"),
        ({"kind": "weekly"}, "none of cron, interval, once"),
        ({"spec": "0 25 * * *"}, "hour '25' is not within"),
        ({"kind": "interval", "spec": "5s"}, "shorter than 60"),
        ({"kind": "interval", "spec": "often"}, "no interval"),
        ({"kind": "once", "spec": "2020-01-01T00:00"}, "in the past"),
        ({"kind": "once", "spec": "tomorrow"}, "cannot be used: it is no local date and time, as in 2027-01-31T06:00."),
        ({"kind": "once", "spec": "2030-13-01T06:00"}, "it is no local date and time, as in 2027-01-31T06:00."),
        ({"kind": "once", "spec": "2030-01-01T06:00Z"}, "it names an offset: write the time without one, as in 2027"),
        ({"timezone": "Mars/Base"}, "not a time zone"),
        ({"max_requests": 0}, "less than 1"),
    ],
)
def test_wrong_schedule_is_refused(changes: dict[str, Any], said: str, ledger: Ledger) -> None:
    """What cannot work is refused with the value at fault, and nothing is kept."""
    wanted = {"name": "x", "kind": "cron", "spec": "0 6 * * *", "timezone": "UTC", **changes}
    with pytest.raises(SettingsError, match=said):
        add_schedule(ledger, Schedule(**wanted))
    assert list_schedules(ledger) == []


def test_names_are_unique_and_known(ledger: Ledger) -> None:
    """A second schedule of one name is refused, and so is a change to one that is not there."""
    add_schedule(ledger, DAILY)
    with pytest.raises(SettingsError, match="There is a schedule named daily"):
        add_schedule(ledger, DAILY)
    for change in (pause_schedule, resume_schedule, remove_schedule):
        with pytest.raises(SettingsError, match=r"nightly is not a schedule \(there are: daily\)"):
            change(ledger, "nightly")
    remove_schedule(ledger, "daily")
    assert list_schedules(ledger) == []


def test_change_takes_its_place(ledger: Ledger, clock: Any) -> None:
    """A changed schedule fires by its new line from now on, stays paused where it was, and must be known."""
    add_schedule(ledger, DAILY)
    pause_schedule(ledger, "daily")
    clock.move(hours=5)
    change_schedule(ledger, Schedule("daily", "interval", "6h", "UTC", ("samba",), 9, 2))
    [found] = list_schedules(ledger)
    assert (found.kind, found.spec, found.genres, found.max_requests, found.priority, found.paused) == (
        "interval",
        "6h",
        ("samba",),
        9,
        2,
        True,
    )
    resume_schedule(ledger, "daily")
    assert next_times(list_schedules(ledger)[0], clock.now(), 1) == [at("22 17:00")]
    with pytest.raises(SettingsError, match="nightly is not a schedule"):
        change_schedule(ledger, Schedule("nightly", "cron", "0 7 * * *", "UTC"))


def test_setting_becomes_default(ledger: Ledger) -> None:
    """The setting is made a schedule once; what people do to it then stays until the setting itself changes."""
    keep_default(ledger, "0 6 * * *", "UTC")
    pause_schedule(ledger, "default")
    keep_default(ledger, "0 6 * * *", "UTC")
    assert [(each.name, each.paused) for each in list_schedules(ledger)] == [("default", True)]
    keep_default(ledger, "0 7 * * *", "UTC")
    assert [(each.spec, each.paused) for each in list_schedules(ledger)] == [("0 7 * * *", False)]
    with pytest.raises(SettingsError, match="Nothing was changed"):
        keep_default(ledger, "9 9", "UTC")
    assert [each.spec for each in list_schedules(ledger)] == ["0 7 * * *"]
    keep_default(ledger, "", "UTC")
    assert list_schedules(ledger) == []
