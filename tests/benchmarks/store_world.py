"""A store of a hundred million rows, made without collecting: parts and commits are as the pipeline's."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import duckdb
import pyarrow as pa

from pipeline.lake.parquet import parquet_bytes
from pipeline.records.ledger import Ledger, Part, TaskOutcome
from pipeline.schema import LAKE, SCHEMA_VERSION
from pipeline.workspace import Workspace

__all__ = ["LAST_DAY", "World", "add_day", "add_releases", "make_store"]

LAST_DAY = date(2026, 11, 22)

# Names of one to four made-up words. A word's share falls with its rank, as in languages: the commonest stands in one
# name in twelve, half of them in three or fewer.
_WORDS = """
    CREATE OR REPLACE TABLE words AS
    SELECT rank, upper(left(spelt, 1)) || substr(spelt, 2) AS word
    FROM (
        SELECT range AS rank, list_aggregate(list_transform(
            [1, 20, 400, 8000], lambda size: if(size > 1 AND range < size, '', syllables[1 + range // size % 20])
        ), 'string_agg', '') AS spelt
        FROM range(160000), (
            SELECT string_split('ba cu de di fo ga ju la li lo má mi na no pe ra ri são te vi', ' ') AS syllables)
    )
"""
_POPULATION = """
    CREATE OR REPLACE TABLE population AS
    SELECT
        left(translate(to_base64(unhex(md5(range::VARCHAR) || md5('x' || range))), '+/', 'ab'), 22) AS id,
        range AS number, concat_ws(' ', a.word, b.word, c.word, d.word) AS name,
        exp(hash(range) / 18446744073709551615 * 14)::BIGINT AS base,
        (hash(range + 1) % 100)::SMALLINT AS popularity, (hash(range + 2) % 1000) / 500000 AS growth
    FROM (
        SELECT range, list_transform(
            [1, 2, 3, 4], lambda place: (exp(hash(range * 4 + place) / 18446744073709551615 * 11.98) - 1)::INTEGER
        ) AS ranks
        FROM range(?)
    )
    JOIN words a ON a.rank = ranks[1]
    LEFT JOIN words b ON b.rank = ranks[2] AND range % 20 < 13
    LEFT JOIN words c ON c.rank = ranks[3] AND range % 20 < 4
    LEFT JOIN words d ON d.rank = ranks[4] AND range % 20 < 1
    ORDER BY id
"""
_PHASE = "(hash(number * 777) % 100)::INTEGER"  # the day, of each hundred, on which an artist has another picture
_ROWS = {
    "artist_snapshots": """
        SELECT id AS artist_id, $day AS observed_on,
            (base * (1 + growth * $age) + hash(number * 1000 + $age) % 3)::BIGINT AS followers,
            least(100, popularity + (hash(number * 1000 + $age) % 5 == 0)::INT)::SMALLINT AS popularity
        FROM chosen ORDER BY id""",
    "artists": f"""
        SELECT id AS artist_id, $day AS observed_on, name,
            ['genre ' || number % 500, 'genre ' || number % 37] AS genres,
            'https://i.scdn.co/image/' || md5('i' || number || ($age + {_PHASE}) // 100) AS image_url,
            'https://open.spotify.com/artist/' || id AS spotify_url
        FROM chosen WHERE $whole OR $age == 0 OR ($age + {_PHASE}) % 100 == 0 ORDER BY id""",
    "artist_genres": """
        SELECT id AS artist_id, $day AS observed_on,
            unnest(['genre ' || number % 500, 'genre ' || number % 37]) AS genre, 'spotify' AS provenance
        FROM chosen WHERE $whole OR $age % 14 == 0 ORDER BY id, genre""",
}


@dataclass(frozen=True)
class World:
    """How much: artists seen every day, days up to LAST_DAY, parts a day."""

    artists: int
    days: int
    parts: int = 10


def make_store(workspace: Workspace, ledger: Ledger, world: World, *, whole: bool = False) -> Iterator[int]:
    """Commit every day of a world, oldest first; the days committed so far.

    Attributes only when they changed, genres every two weeks: who was not seen under one for a month has left it.
    `whole`: all of them every day, as runs write them.
    """
    with duckdb.connect(config={"threads": 1}) as con:
        con.execute(_WORDS)
        con.execute(_POPULATION, [world.artists])
        for age in range(world.days):
            _commit_day(workspace, ledger, con, world, age, whole=whole)
            yield age + 1


def add_day(
    workspace: Workspace, ledger: Ledger, world: World, age: int, *, artists: int, parts: int = 10, whole: bool = False
) -> None:
    """Commit a day for some artists of a world; `whole`: attributes and genres of all of them, as a run writes them."""
    with duckdb.connect(config={"threads": 1}) as con:
        con.execute(_WORDS)
        con.execute(_POPULATION, [world.artists])
        con.execute("DELETE FROM population WHERE number >= ?", [artists])
        _commit_day(workspace, ledger, con, World(artists, world.days, parts), age, whole=whole)


def add_releases(workspace: Workspace, ledger: Ledger, world: World) -> None:
    """Commit a release for one artist in three, of the last ten years."""
    run_id, day = f"releases-{world.artists}", LAST_DAY
    ledger.begin_run(run_id, "cli", {}, 1)
    ledger.begin_task(run_id, "batch-0000", 1, "refresh_releases")
    with duckdb.connect(config={"threads": 1}) as con:
        con.execute(_WORDS)
        con.execute(_POPULATION, [world.artists])
        con.execute("DELETE FROM population WHERE number % 3 > 0")
        tables = {name: con.sql(select, params={"day": day}).to_arrow_table() for name, select in _RELEASES.items()}
    parts = [_write(workspace, name, run_id, day, table) for name, table in tables.items()]
    ledger.commit_batch(TaskOutcome(run_id, "batch-0000", 1, "succeeded"), None, parts)
    ledger.finish_run(run_id, "succeeded")


_RELEASES = {
    "releases": """
        SELECT reverse(id) AS album_id, $day AS observed_on, 'Canto ' || number AS name,
            ['album', 'single', 'compilation'][(1 + hash(number) % 3)::INTEGER] AS album_type,
            ($day - (hash(number) % 3650)::INTEGER)::DATE AS release_date,
            strftime($day - (hash(number) % 3650)::INTEGER, '%Y-%m-%d') AS release_date_text,
            'day' AS release_date_precision, 10 AS total_tracks, NULL::VARCHAR AS label, NULL::SMALLINT AS popularity,
            NULL::VARCHAR AS upc, 'https://i.scdn.co/image/' || md5('r' || number) AS image_url,
            'https://open.spotify.com/album/' || reverse(id) AS spotify_url
        FROM population ORDER BY 1""",
    "release_artists": """
        SELECT reverse(id) AS album_id, id AS artist_id, $day AS observed_on, 0::SMALLINT AS position,
            name AS artist_name
        FROM population ORDER BY 1, 2""",
}


def _commit_day(
    workspace: Workspace, ledger: Ledger, con: duckdb.DuckDBPyConnection, world: World, age: int, *, whole: bool = False
) -> None:
    day = LAST_DAY - timedelta(days=world.days - 1 - age)
    given = {"day": day, "age": age, "whole": whole}
    run_id = f"run-{age:05d}-{world.artists}-{len(ledger.read('SELECT run_id FROM runs'))}"
    ledger.begin_run(run_id, "cli", {}, 1)
    for number in range(world.parts):
        con.execute(f"CREATE OR REPLACE TABLE chosen AS FROM population WHERE number % {world.parts} = {number}")
        batch, parts = f"batch-{number:04d}", []
        for name, select in _ROWS.items():
            params = {name: value for name, value in given.items() if f"${name}" in select}
            table = con.sql(select, params=params).to_arrow_table()
            if table.num_rows:
                parts.append(_write(workspace, name, f"{run_id}-{batch}", day, table))
        ledger.begin_task(run_id, batch, 1, "discover")
        ledger.commit_batch(TaskOutcome(run_id, batch, 1, "succeeded"), None, parts)
    ledger.finish_run(run_id, "succeeded")


def _write(workspace: Workspace, name: str, stem: str, day: date, table: pa.Table) -> Part:
    path = workspace.lake / name / f"day={day}" / f"{stem}-1.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    content = parquet_bytes(name, table.select(LAKE[name].column_names()))
    path.write_bytes(content)
    place = path.relative_to(workspace.root).as_posix()
    digest = hashlib.sha256(content).hexdigest()
    return Part(name, place, day.isoformat(), table.num_rows, len(content), digest, SCHEMA_VERSION)
