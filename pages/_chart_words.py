"""What there is to see in a chart, in words for those who do not see it. No plotly and no Streamlit here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date

from pages._run_words import state_label
from pages._text import Text

__all__ = ["bars_words", "durations_words", "line_words"]


def line_words(known: Sequence[tuple[date, int]], text: Text) -> str:
    """Where a line begins and ends, and between which numbers it lies; nothing where no number is known."""
    if not known:
        return ""
    (since, first), (until, last), values = known[0], known[-1], [value for _, value in known]
    return text(
        "{first} on {since}, {last} on {until}; lowest {low}, highest {high}.",
        first=text.number(first), since=text.day(since), last=text.number(last), until=text.day(until),
        low=text.number(min(values)), high=text.number(max(values)),
    )  # fmt: skip


def bars_words(weeks: Sequence[date], counts: Sequence[int], text: Text) -> str:
    """How many releases there are in all weeks, and which week has most."""
    if not any(counts):
        return ""
    most = max(counts)
    return text(
        "{releases} in {weeks}; most in the week of {day}: {most}.",
        releases=text.plural("{count} release", "{count} releases", sum(counts)),
        weeks=text.plural("{count} week", "{count} weeks", len(weeks)),
        day=text.day(weeks[counts.index(most)]), most=text.number(most),
    )  # fmt: skip


def durations_words(seconds: Sequence[float], states: Sequence[str], text: Text) -> str:
    """How many runs there are, how they ended, and how long they took."""
    if not seconds:
        return ""
    ended = ", ".join(f"{state_label(state, text)} {text.number(many)}" for state, many in Counter(states).items())
    return text(
        "{runs} ({ended}); from {shortest} to {longest}, the last one {last}.",
        runs=text.plural("{count} run", "{count} runs", len(seconds)), ended=ended,
        shortest=text.duration(min(seconds)), longest=text.duration(max(seconds)), last=text.duration(seconds[-1]),
    )  # fmt: skip
