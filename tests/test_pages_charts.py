"""Charts: readable axes in the reader's language, honest scales, gaps where nothing is known."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest

from pages._charts import Style, durations_chart, followers_chart, popularity_chart, releases_chart
from pages._look import PALETTES
from pages._text import Text

EN, PT = (Style(Text(language), PALETTES["light"]) for language in ("en", "pt_BR"))


def history(field, *values):
    """One row a day from 1 November."""
    days = [date(2026, 11, 1) + timedelta(days=place) for place in range(len(values))]
    return pl.DataFrame({"observed_on": days, field: values}, schema={"observed_on": pl.Date, field: pl.Int64})


def ticks(figure, axis="yaxis"):
    """The labels of an axis."""
    return list(figure.layout[axis].ticktext)


def test_ticks_tell_neighbours_apart():
    """Labels have as many decimals as it takes, so that no two are alike."""
    labels = ticks(followers_chart(history("followers", 26_850_000, 26_910_000), EN))
    assert len(set(labels)) == len(labels) >= 3


@pytest.mark.parametrize(("style", "shown"), [(EN, "1,500"), (PT, "1.500")])
def test_ticks_speak_the_language(style, shown):
    """Numbers and days on the axes are written as the reader writes them."""
    figure = followers_chart(history("followers", 1000, 1500, 2000), style)
    assert shown in ticks(figure)
    assert ticks(figure, "xaxis")[0] == {"1,500": "Nov 1<br>2026", "1.500": "1 nov.<br>2026"}[shown]


@pytest.mark.parametrize(("count", "first"), [(365, "11 dez.<br>2026"), (366, "dez. 2026")])
def test_days_of_years_bear_the_year(count, first):
    """Where a day and month stands for two days the axis tells months with their years."""
    assert ticks(followers_chart(history("followers", *range(count)), PT), "xaxis")[0] == first


def test_years_stand_where_they_begin():
    """Days of years gone by are not taken for this year's: the first one of each year bears it."""
    labels = ticks(followers_chart(history("followers", *range(100)), EN), "xaxis")
    assert labels == ["Nov 12<br>2026", "Dec 4", "Dec 26", "Jan 17<br>2027", "Feb 8"]


def test_small_changes_stay_small():
    """A number that hardly moves is not blown up to fill the height."""
    low, high = followers_chart(history("followers", 100_000, 100_001), EN).layout.yaxis.range
    assert high - low >= 2000


def test_popularity_stays_in_its_range():
    """A popularity of a few points does not go below zero, and its axis is not a magnifying glass."""
    low, high = popularity_chart(history("popularity", 1, 2, 1), EN).layout.yaxis.range
    assert (low, high >= 15) == (0, True)


def test_unknown_days_are_gaps():
    """A day on which the number was withheld leaves a gap; it is neither nought nor bridged."""
    line, dot = followers_chart(history("followers", 5, None, 7, None), EN).data
    assert (list(line.y), line.connectgaps) == ([5, None, 7, None], False)
    assert (dot.x[-1], dot.y[-1]) == (date(2026, 11, 3), 7)


def test_numbers_between_gaps_are_dots():
    """A line through a single day has no length: such a number is a dot, as the last one is, or nobody would see it."""
    _, dots = followers_chart(history("followers", 5, None, 6, 7, None, 8, None, 9, 9), EN).data
    assert list(zip(dots.x, dots.y, dots.marker.size, strict=True)) == [
        (date(2026, 11, 1), 5, 5), (date(2026, 11, 6), 8, 5), (date(2026, 11, 9), 9, 9),
    ]  # fmt: skip


def test_hover_says_day_and_number():
    """Pointing at the line tells the day and the number in full."""
    line = followers_chart(history("followers", 1_234_567, 1_300_000), PT).data[0]
    assert list(line.customdata[0]) == ["1 nov. 2026", "1.234.567"]


def test_bars_begin_at_nought():
    """Bars stand on zero, one for each week."""
    weeks = pl.DataFrame({"week": [date(2026, 11, 6), date(2026, 11, 13)], "releases": [3, 0]})
    figure = releases_chart(weeks, EN)
    assert (list(figure.data[0].y), figure.layout.yaxis.range[0]) == ([3, 0], 0)
    assert list(figure.data[0].customdata[0]) == ["Week of Nov 6, 2026", "3 releases"]


@pytest.mark.parametrize("values", [(), (None, None), (5,)])
def test_little_data_draws(values):
    """No value, only unknown ones, or a single one: a figure all the same."""
    assert followers_chart(history("followers", *values), EN).layout.height > 0


def test_traces_are_svg():
    """No trace needs WebGL, which the content policy would stop without a word."""
    figures = (followers_chart(history("followers", *range(2000)), EN), popularity_chart(history("popularity", 1), EN))
    assert {trace.type for figure in figures for trace in figure.data} == {"scatter"}


@pytest.mark.parametrize(
    ("seconds", "ticks"),
    [
        (90.0, ["0", "30\u00a0s", "1\u00a0min", "1\u00a0min 30\u00a0s"]),
        (20_500.0, ["0", "2\u00a0h", "4\u00a0h", "6\u00a0h"]),
        (400_000.0, ["0", "48\u00a0h", "96\u00a0h", "144\u00a0h"]),
    ],
)
def test_durations_have_round_ticks(seconds, ticks):
    """The axis of durations stands at spans that a clock has: never 33 minutes and 20 seconds."""
    rows = {"run_id": ["a"], "state": ["succeeded"], "started_at": [1.8e9], "seconds": [seconds]}
    assert list(durations_chart(pl.DataFrame(rows), EN).layout.yaxis.ticktext) == ticks


@pytest.mark.parametrize(
    ("days", "shown"),
    [([], []), ([0, 0], ["Jan 15"]), ([0, 1], ["Jan 15"]), ([0, 0, 0], ["Jan 15", ""]),
     ([0, 1, 2], ["Jan 15", "Jan 17"]), ([0, 0, 1, 1, 1], ["Jan 15", "Jan 16", ""])],
)  # fmt: skip
def test_days_of_runs_do_not_meet(days, shown):
    """Days below the bars stand two bars apart at least, and each once: on a telephone they ran into one another."""
    rows = {
        "run_id": [str(place) for place in range(len(days))],
        "state": ["succeeded"] * len(days),
        "started_at": [1.8e9 + 86_400 * day for day in days],
        "seconds": [3.0] * len(days),
    }
    schema = {"run_id": pl.String, "state": pl.String, "started_at": pl.Float64, "seconds": pl.Float64}
    assert ticks(durations_chart(pl.DataFrame(rows, schema), EN), "xaxis") == shown


def test_durations_are_bars_by_outcome():
    """Each run is a bar from zero in the colour of its outcome; its day, zone and duration can be read."""
    rows = {
        "run_id": ["a", "b"],
        "state": ["succeeded", "failed"],
        "started_at": [1.8e9, 1.8e9],
        "seconds": [3.0, 90.0],
    }
    figure = durations_chart(pl.DataFrame(rows), EN)
    palette = PALETTES["light"]
    assert list(figure.data[0].marker.color) == [palette.up, palette.down]
    assert figure.layout.yaxis.range[0] == 0
    assert figure.data[0].customdata[1] == ["Jan 15, 08:00 UTC", "1\u00a0min 30\u00a0s, failed"]
