"""Questions about growth: how much artists gained over 1, 7, 30 or 90 days, and who gained most. Imports `generations`.

Growth is that until the artist's own last day with a number. While there are fewer days than asked for, it is that
since the first number, of artists known from the first week on: others would be compared over less.

Nobody leads by numbers that are no news: where Spotify withdrew them, lists end a month after the last.
"""

from __future__ import annotations

from datetime import date
from weakref import WeakKeyDictionary

import polars as pl

from pipeline.published.generations import Generation
from pipeline.schema import GROWTH_DAYS, LEAST

__all__ = ["genre_leaders", "genre_spans", "grown", "growth_leaders", "last_day"]

NEWS_DAYS = 30  # the last numbers are told as today's for so long

_last_days: WeakKeyDictionary[Generation, date | None] = WeakKeyDictionary()
_spans: WeakKeyDictionary[Generation, tuple[date | None, date | None]] = WeakKeyDictionary()


def _span(generation: Generation) -> tuple[date | None, date | None]:
    """First and last day with a number of anybody; asked once of each generation, since it does not change."""
    if generation not in _spans:
        _spans[generation] = generation.rows("SELECT min(first_on), max(until) FROM artist_growth")[0]
    return _spans[generation]


def last_day(generation: Generation) -> date | None:
    """The last day of data: somebody was seen then, with numbers or without. Asked once of each generation."""
    if generation not in _last_days:
        seen = "SELECT greatest(max(last_seen_on), (SELECT max(until) FROM artist_growth)) FROM artists"
        _last_days[generation] = generation.rows(seen)[0][0]
    return _last_days[generation]


def grown(generation: Generation, days: int, condition: str = "true") -> str:
    """SQL of one row per artist of whom it can be said: artist_no, until, followers, before, gained, growth, since.

    `condition`: on artist_growth, which artists are asked for.
    """
    if days not in GROWTH_DAYS:
        raise ValueError(f"growth over {days} days is not kept (there are {GROWTH_DAYS})")
    first_on = _span(generation)[0] or date.max
    young = f"until < DATE '{first_on}' + {days} AND first_on < until AND first_on <= DATE '{first_on}' + 7"
    return _proportions(f"""
        SELECT artist_no, until, followers, coalesce(since_{days}, first_on) AS since,
            coalesce(gained_{days}, followers - first_followers) AS gained
        FROM artist_growth WHERE {condition} AND (since_{days} IS NOT NULL OR {young})""")


def _proportions(numbers: str) -> str:
    return f"""
        SELECT artist_no, until, followers, followers - gained AS before, gained,
            gained / nullif(followers - gained, 0) AS growth, since
        FROM ({numbers})"""


def growth_leaders(generation: Generation, days: int, limit: int) -> pl.DataFrame:
    """Artists whose followers, `LEAST` or more, grew most in proportion: with before, gained, growth, since, until.

    Those without a number in the last `days` of data are left out: nobody knows how they do now.
    """
    numbers, (first_on, last_on) = grown(generation, days), _span(generation)
    if first_on and last_on and (last_on - first_on).days >= 2 * days:  # then nobody was first seen too lately
        kept = f"artist_no, until, followers, since_{days} AS since, gained_{days} AS gained"
        numbers = _proportions(f"SELECT {kept} FROM artist_growth WHERE since IS NOT NULL")
    return generation.frame(
        f"""
        WITH leaders AS (
            SELECT * FROM ({numbers})
            WHERE before >= ? AND gained > 0 AND until > ?::DATE - {days} AND artist_no IS NOT NULL
            ORDER BY growth DESC, artist_no LIMIT ?)
        SELECT a.artist_id, a.name, a.image_url, a.genres, a.followers, a.popularity,
            g.before, g.gained, g.growth, g.since, g.until
        FROM leaders g JOIN artists a USING (artist_no) ORDER BY g.growth DESC, g.artist_no
        """,
        [LEAST, last_day(generation), limit],
    )


def genre_spans(generation: Generation, genre: str) -> list[int]:
    """Over how many days there is growth to show in a genre, the fewest first; none that ended a month ago."""
    query = "SELECT days FROM genre_growth WHERE genre = ? GROUP BY days HAVING max(until) > ?::DATE - ? ORDER BY days"
    rows = generation.rows(query, [genre, last_day(generation), NEWS_DAYS])
    return [days for (days,) in rows]


def genre_leaders(generation: Generation, genre: str, days: int = 30, limit: int = 25) -> pl.DataFrame:
    """Artists of a genre that grew most in proportion, from 1,000 followers on; at most a hundred, in their order.

    Each row says over how many artists of the genre growth is known: compared.
    """
    return generation.frame(
        """
        SELECT g.place, a.artist_id, a.name, a.image_url, a.genres, a.followers, a.popularity, g.days,
            g.followers - g.gained AS before, g.gained, g.growth, g.since, g.until, g.compared
        FROM genre_growth g JOIN artists a USING (artist_no)
        WHERE g.genre = ? AND g.days = ? AND g.place <= ? ORDER BY g.place
        """,
        [genre, days, limit],
    )
