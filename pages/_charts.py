"""Figures: a frame in, a plotly Figure out, its content in words as `meta`. The only importer of plotly; no Streamlit.

Ticks and hover texts are written in the reader's language beforehand, since plotly speaks English alone. SVG traces
only: WebGL ones would need a looser content policy.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import plotly.graph_objects as go
import polars as pl

from pages._chart_words import bars_words, durations_words, line_words
from pages._look import Palette
from pages._run_words import state_label
from pages._text import Text, round_seconds

__all__ = ["CONFIG", "Style", "durations_chart", "followers_chart", "popularity_chart", "releases_chart"]

CONFIG = {"displayModeBar": False, "scrollZoom": False, "responsive": True}
FONT = '"Source Sans", "Source Sans 3", system-ui, sans-serif'
HEIGHT = 260
MOST_DAYS = 5  # below an axis
SHAPES = {"failed": "/", "crashed": "x", "deferred": "-", "cancelled": "."}  # beside the colour; as in runs.css
A_YEAR = timedelta(days=365)
HOVER = "%{customdata[0]}<br><b>%{customdata[1]}</b><extra></extra>"


@dataclass(frozen=True)
class Style:
    """How a chart speaks and looks."""

    text: Text
    palette: Palette


@dataclass(frozen=True)
class Scale:
    """An axis of numbers: its ends and its round ticks."""

    low: float
    high: float
    ticks: tuple[int, ...]


def followers_chart(frame: pl.DataFrame, style: Style) -> go.Figure:
    """Followers by day as a line; rows: observed_on, followers (NULL leaves a gap)."""
    return _line(frame, "followers", style, style.palette.accent, least_span=8)


def popularity_chart(frame: pl.DataFrame, style: Style) -> go.Figure:
    """Popularity by day, in steps since it is a whole number; rows: observed_on, popularity (NULL leaves a gap)."""
    figure = _line(frame, "popularity", style, style.palette.second, least_span=16)
    return figure.update_traces(line_shape="hv")


def releases_chart(frame: pl.DataFrame, style: Style) -> go.Figure:
    """Releases by week as bars from zero; rows: week (its Friday), releases."""
    text, weeks, counts = style.text, frame["week"].to_list(), frame["releases"].to_list()
    hover = [
        [text("Week of {day}", day=text.day(week)), text.plural("{count} release", "{count} releases", count)]
        for week, count in zip(weeks, counts, strict=True)
    ]
    bars = go.Bar(x=weeks, y=counts, marker={"color": style.palette.second, "cornerradius": 3}, customdata=hover)
    figure = go.Figure(bars.update(hovertemplate=HOVER))
    figure.update_layout(meta=bars_words(weeks, counts, text))
    return _dressed(figure, weeks, _scale([0, *counts], least_span=4), style, margin_days=4)


def durations_chart(frame: pl.DataFrame, style: Style) -> go.Figure:
    """How long runs took as bars coloured by outcome, the oldest first; rows: started_at (s), seconds, state."""
    text, seconds = style.text, [max(0.0, value) for value in frame["seconds"].to_list()]
    begun = [datetime.fromtimestamp(value, UTC) for value in frame["started_at"].to_list()]
    states = frame["state"].to_list()
    hover = [
        [text.zoned(at), f"{text.duration(took)}, {state_label(state, text)}"]
        for at, took, state in zip(begun, seconds, states, strict=True)
    ]
    colours = [_state_colour(state, style.palette) for state in states]
    pattern = {"shape": [SHAPES.get(state, "") for state in states], "fgcolor": style.palette.surface, "size": 5}
    pattern |= {"fillmode": "overlay", "solidity": 0.3}
    marker = {"color": colours, "cornerradius": 3, "pattern": pattern}
    bars = go.Bar(x=list(range(len(begun))), y=seconds, marker=marker, customdata=hover)
    scale = _scale([math.ceil(value) for value in seconds], least_span=4, from_zero=True, step_of=round_seconds)
    figure = _dressed(go.Figure(bars.update(hovertemplate=HOVER)), [], scale, style, margin_days=0)
    figure.update_layout(meta=durations_words(seconds, states, text))
    places = _told_places(len(begun))
    days = [text.short_day(begun[place].date()) for place in places]
    once = [day if day not in days[:at] else "" for at, day in enumerate(days)]
    figure.update_xaxes(tickvals=places, ticktext=once)
    figure.update_yaxes(ticktext=[text.duration(tick) if tick else "0" for tick in scale.ticks])
    return figure.update_xaxes(range=[-0.6, max(len(begun), 8) - 0.4])


def _told_places(bars: int) -> list[int]:
    """The bars whose day is told; days of neighbours would run into one another on a telephone."""
    if bars < 3:
        return [0][:bars]
    return [0, bars // 2, bars - 1] if bars > 4 else [0, bars - 1]


def _state_colour(state: str, palette: Palette) -> str:
    colours = {"succeeded": palette.up, "failed": palette.down, "crashed": palette.down, "deferred": palette.accent}
    return colours.get(state, palette.muted)


def _line(frame: pl.DataFrame, field: str, style: Style, colour: str, *, least_span: int) -> go.Figure:
    text, days, values = style.text, frame["observed_on"].to_list(), frame[field].to_list()
    hover = [[text.day(day), text.number(value)] for day, value in zip(days, values, strict=True)]
    known = [(day, value) for day, value in zip(days, values, strict=True) if value is not None]
    figure = go.Figure(go.Scatter(x=days, y=values, mode="lines", line={"color": colour, "width": 2.4}))
    figure.update_traces(customdata=hover, hovertemplate=HOVER, connectgaps=False)
    if known:
        dots = [*_alone(days, values), known[-1]]
        dot = {"color": colour, "size": [*[5] * (len(dots) - 1), 9], "opacity": 1}
        x, y = [day for day, _ in dots], [value for _, value in dots]
        figure.add_scatter(x=x, y=y, mode="markers", marker=dot, hoverinfo="skip", cliponaxis=False)
    figure.update_layout(meta=line_words(known, text))
    scale = _scale([value for _, value in known], least_span=least_span)
    return _dressed(figure, days, scale, style, margin_days=0)


def _alone(days: Sequence[date], values: Sequence[int | None]) -> list[tuple[date, int]]:
    """Numbers between two gaps, of which a line shows nothing."""
    beside = zip([None, *values[:-1]], [*values[1:], None], strict=True)
    return [
        (day, value)
        for day, value, neighbours in zip(days, values, beside, strict=True)
        if value is not None and neighbours == (None, None)
    ]


def _dressed(figure: go.Figure, days: Sequence[date], scale: Scale, style: Style, *, margin_days: int) -> go.Figure:
    palette, places = style.palette, _days_between(days)
    writing = {"family": FONT, "size": 13}
    figure.update_layout(
        height=HEIGHT,
        margin={"l": 4, "r": 26, "t": 12, "b": 4},
        showlegend=False,
        hovermode="x",
        dragmode=False,
        bargap=0.25,
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={**writing, "color": palette.muted},
        hoverlabel={
            "bgcolor": palette.surface,
            "bordercolor": palette.line,
            "font": {**writing, "color": palette.text},
        },
    )
    axis = {"fixedrange": True, "zeroline": False, "ticks": "", "ticklabelstandoff": 6, "automargin": True}
    unlike = days and days[-1] - days[0] < A_YEAR  # then no day and month stands for two days
    labels = (
        _days_with_years(places, style.text) if unlike else [style.text.day(day, precision="month") for day in places]
    )
    figure.update_xaxes(tickvals=places, ticktext=labels, showgrid=False, linecolor=palette.line, tickangle=0, **axis)
    figure.update_yaxes(tickvals=scale.ticks, ticktext=_tick_labels(scale, style.text), gridcolor=palette.line, **axis)
    figure.update_yaxes(range=[scale.low, scale.high])
    if days:
        margin = timedelta(days=margin_days)
        figure.update_xaxes(range=[days[0] - margin, days[-1] + margin])
    return figure


def _days_with_years(places: Sequence[date], text: Text) -> list[str]:
    """Days and months, with the year below where it begins: imported history is of other years than this one."""
    years = [None, *(day.year for day in places)]
    return [
        text.short_day(day) + (f"<br>{day.year}" if day.year != before else "")
        for day, before in zip(places, years, strict=False)
    ]


def _round_step(rough: float) -> int:
    power = int(10 ** math.floor(math.log10(max(rough, 1))))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)


def _scale(
    values: Sequence[int], *, least_span: int, from_zero: bool = False, step_of: Callable[[float], int] = _round_step
) -> Scale:
    """Three to five round ticks around the values; values that hardly move are not blown up into mountains."""
    if not values:
        return Scale(0, 1, ())
    low, high = 0 if from_zero else min(values), max(values)
    span = math.ceil(max(least_span, 0.02 * high, high - low))
    low = max(0, low - (span - (high - low)) // 2)
    high = low + span
    step = step_of((high - low) / 4)
    first, last = math.floor(low / step), math.ceil(high / step)
    return Scale(first * step, (last + 0.15) * step, tuple(step * place for place in range(first, last + 1)))


def _tick_labels(scale: Scale, text: Text) -> list[str]:
    """Labels with as many decimals as it takes to tell neighbours apart."""
    if not scale.ticks or scale.ticks[-1] < 10_000:
        return [text.number(tick) for tick in scale.ticks]
    unit = 1000 ** int(math.log(scale.ticks[-1], 1000))
    step = scale.ticks[1] - scale.ticks[0]
    digits = max(0, -math.floor(math.log10(step / unit)))
    return [text.compact(tick, digits=digits, least=1) for tick in scale.ticks]


def _days_between(days: Sequence[date]) -> list[date]:
    if len(days) < 2:
        return list(days)
    span = (days[-1] - days[0]).days
    step = max(1, math.ceil(span / (MOST_DAYS - 0.5)))
    return [days[-1] - timedelta(days=step * place) for place in range(span // step, -1, -1)]
