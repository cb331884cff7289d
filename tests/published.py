"""Published generations made of given rows, for tests of what reads them: real DuckDB, nothing collected.

Making one takes 140 ms of processor time, mostly for statements, however few its rows: the same rows are made once in a
process, and are a copy of that file, 5 ms, wherever they are asked for again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import duckdb
import zstandard

from pipeline.published.building import run_step, shape
from pipeline.published.generations import Generation, generation_path, open_generation
from pipeline.published.steps import STEPS
from pipeline.schema import PUBLISHED, VIEWS, create_statements
from pipeline.workspace import Workspace

__all__ = ["LAST_DAY", "OF_RUNS", "answers", "every_row", "publish_many", "publish_rows"]

LAST_DAY = date(2026, 11, 22)
OF_RUNS = {"runs", "task_runs"}
Row = Mapping[str, Any]
Found = dict[str, list[tuple[Any, ...]]]


def every_row(shown: Workspace | Generation, tables: Iterable[str] = PUBLISHED) -> Found:
    """Every row of every published table, or of these; of a workspace those that are current."""
    generation = shown if isinstance(shown, Generation) else open_generation(shown)
    return {name: generation.rows(f"FROM {name} ORDER BY ALL") for name in tables}


def answers(shown: Workspace | Generation) -> Found:
    """Every published row but those that tell of runs, and so when it was published."""
    return every_row(shown, sorted(PUBLISHED.keys() - OF_RUNS))


def publish_rows(workspace: Workspace, number: int = 1, **tables: Sequence[Row]) -> Generation:
    """A generation that holds these rows by table, and what follows from them; a column not given is NULL."""

    def insert(con: duckdb.DuckDBPyConnection) -> None:
        for name, rows in tables.items():
            for row in rows:
                marks = ", ".join("?" for _ in row)
                values = f"({', '.join(row)}) VALUES ({marks})"
                con.execute(f"INSERT INTO {VIEWS.get(name, name)} {values}", list(row.values()))

    return _published(workspace, number, repr(tables), insert)


def publish_many(
    workspace: Workspace, artists: int, days: int, *, withheld: bool = False, number: int = 1
) -> Generation:
    """A generation of so many synthetic artists on so many days up to LAST_DAY, two releases each."""

    def insert(con: duckdb.DuckDBPyConnection) -> None:
        span = [LAST_DAY - timedelta(days=days - 1), LAST_DAY]
        con.execute("CREATE TEMP TABLE span AS SELECT ?::DATE AS first_on, ?::DATE AS last_on", span)
        con.execute(
            "CREATE TEMP TABLE n AS SELECT range AS i, printf('artist%06d', range) AS id FROM range(?)", [artists]
        )
        con.execute(
            "CREATE TEMP TABLE d AS SELECT range AS k, last_on - range::INTEGER AS day FROM range(?), span", [days]
        )
        con.execute(MANY)
        if withheld:
            con.execute(WITHHOLD)

    return _published(workspace, number, repr((artists, days, withheld)), insert)


MANY = """
    INSERT INTO state_snapshots SELECT id, day, 5000 + 300 * i - i * k, i % 100 FROM n, d;
    INSERT INTO artists BY NAME
        SELECT id AS artist_id, 'Banda ' || i AS name, 5000 + 300 * i AS followers, i % 100 AS popularity,
            ['mpb'] AS genres, 'https://open.spotify.com/artist/' || id AS spotify_url,
            first_on AS first_seen_on, last_on AS last_seen_on, last_on AS releases_checked_on
        FROM n, span;
    INSERT INTO artist_genres (artist_id, genre, provenance, first_seen_on, last_seen_on)
        SELECT id, g, 'search', first_on, last_on FROM n, span, (VALUES ('mpb'), ('samba')) t(g)
        UNION ALL SELECT id, 'mpb', 'spotify', first_on, last_on FROM n, span;
    INSERT INTO releases BY NAME
        SELECT 'album' || id || j AS album_id, 'Canto ' || i || '-' || j AS name, 'single' AS album_type,
            last_on - (2 + 7 * j)::INTEGER AS release_date, 'day' AS release_date_precision, 3 AS total_tracks,
            'https://open.spotify.com/album/' || id || j AS spotify_url, 3 AS tracks_read
        FROM n, range(2) r(j), span;
    INSERT INTO release_artists BY NAME
        SELECT 'album' || id || j AS album_id, id AS artist_id, 0 AS position, 'Banda ' || i AS artist_name
        FROM n, range(2) r(j);
"""
WITHHOLD = """
    UPDATE artists SET followers = NULL, popularity = NULL, genres = NULL;
    UPDATE state_snapshots SET followers = NULL, popularity = NULL;
    DELETE FROM artist_genres WHERE provenance = 'spotify';
"""


# What the derived tables are made from, as if it were all new.
STAGED = """
    UPDATE artists SET artist_no = rowid;
    UPDATE artist_genres g SET artist_no = a.artist_no FROM artists a WHERE a.artist_id = g.artist_id;
    UPDATE release_artists r SET artist_no = a.artist_no FROM artists a WHERE a.artist_id = r.artist_id;
    CREATE TEMP VIEW staged_artists AS SELECT *, last_seen_on AS observed_on FROM artists;
    CREATE TEMP VIEW staged_artist_snapshots AS FROM artist_snapshots;
    UPDATE artist_genres g SET first_seen_on = (SELECT min(observed_on) FROM artist_snapshots)
        WHERE first_seen_on IS NULL;
    UPDATE artist_genres g SET last_seen_on = (SELECT max(observed_on) FROM artist_snapshots)
        WHERE last_seen_on IS NULL;
    CREATE TEMP VIEW staged_artist_genres AS
        SELECT artist_id, genre, provenance, unnest([first_seen_on, last_seen_on]) AS observed_on FROM artist_genres;
"""
GIVEN = {"artists", "artist_snapshots", "artist_genres"}
MERGED = {"latest_whole", "artist_snapshots_whole", "artist_numbers", "artist_genres", "releases_checked"}


def _derive(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(STAGED)
    for step in STEPS:
        if step.file not in MERGED and step.applies(GIVEN, fresh=True, size="small"):
            run_step(con, step, ordered=True)


def _published(
    workspace: Workspace, number: int, rows: str, insert: Callable[[duckdb.DuckDBPyConnection], None]
) -> Generation:
    path, made = generation_path(workspace, number), (shape(), rows)
    if made in _made:
        path.write_bytes(zstandard.decompress(_made[made]))
    else:
        with duckdb.connect(path) as con:
            for statement in create_statements():
                con.execute(statement)
            con.execute("INSERT INTO state_meta VALUES ('shape', ?)", [made[0]])
            insert(con)
            _derive(con)
        _made[made] = zstandard.compress(path.read_bytes())
    (workspace.db / "CURRENT").write_text(str(number), encoding="utf-8")
    return open_generation(workspace)


_made: dict[tuple[str, str], bytes] = {}  # files by the shape of their tables and what is in them
