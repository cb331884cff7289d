"""Tables as data: columns, types, units, key, grain and source endpoint of every lake and published table.

Owns the names. The lake (Parquet parts) holds observations as they came; the published database holds one row per key.
Imports nothing of ours.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["LAKE", "LEADERS", "PUBLISHED", "SCHEMA_VERSION", "STATE", "Column", "Table", "create_statement", "latest_attributes"]

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Column:
    """One column: DuckDB type and what it means (unit included)."""

    name: str
    type: str
    meaning: str


@dataclass(frozen=True)
class Table:
    """One table: `key` is unique in the published form; `grain` says what one row is; `source` is the endpoint."""

    name: str
    key: tuple[str, ...]
    grain: str
    source: str
    columns: tuple[Column, ...]

    def column_names(self) -> list[str]:
        """Column names in order."""
        return [column.name for column in self.columns]


def _columns(text: str) -> tuple[Column, ...]:
    rows = [line.split("|") for line in text.splitlines() if line.strip()]
    return tuple(Column(name.strip(), type_.strip(), meaning.strip()) for name, type_, meaning in rows)


_OBSERVED = "observed_on | DATE | UTC day of the answer\n"

_LAKE_TABLES = (
    Table("artists", ("artist_id", "observed_on"), "attributes of an artist as answered on a day", "search, artists", _columns(
        "artist_id | VARCHAR | Spotify id\n" + _OBSERVED + """
        name | VARCHAR | name as shown by Spotify
        genres | VARCHAR[] | genres Spotify gives the artist; NULL where the field is withheld
        image_url | VARCHAR | widest image; NULL where there is none
        spotify_url | VARCHAR | page on open.spotify.com
        """)),
    Table("artist_snapshots", ("artist_id", "observed_on"), "numbers of an artist on a day", "search, artists", _columns(
        "artist_id | VARCHAR | Spotify id\n" + _OBSERVED + """
        followers | BIGINT | followers, people; NULL where withheld
        popularity | SMALLINT | 0 to 100, Spotify's own index; NULL where withheld
        """)),
    Table("artist_genres", ("artist_id", "genre", "provenance", "observed_on"), "an artist seen under a genre on a day",
          "search, artists", _columns("artist_id | VARCHAR | Spotify id\n" + _OBSERVED + """
        genre | VARCHAR | genre, lower case
        provenance | VARCHAR | search: found by our query for the genre; spotify: in the artist's own genres
        """)),
    Table("releases", ("album_id", "observed_on"), "a release as answered on a day", "artist_albums, albums", _columns(
        "album_id | VARCHAR | Spotify id\n" + _OBSERVED + """
        name | VARCHAR | title
        album_type | VARCHAR | album, single or compilation
        release_date | DATE | first day that the given date can mean
        release_date_text | VARCHAR | date as given: YYYY, YYYY-MM or YYYY-MM-DD
        release_date_precision | VARCHAR | year, month or day
        total_tracks | INTEGER | tracks on the release
        label | VARCHAR | label; NULL where withheld or not asked
        popularity | SMALLINT | 0 to 100; NULL where withheld or not asked
        upc | VARCHAR | barcode; NULL where not asked
        image_url | VARCHAR | widest cover image
        spotify_url | VARCHAR | page on open.spotify.com
        """)),
    Table("release_artists", ("album_id", "artist_id"), "an artist credited on a release", "artist_albums, albums", _columns(
        "album_id | VARCHAR | Spotify id of the release\nartist_id | VARCHAR | Spotify id of the artist\n" + _OBSERVED + """
        position | SMALLINT | place in the credits, from 0
        artist_name | VARCHAR | name in the credits
        """)),
    Table("tracks", ("track_id", "observed_on"), "a track as answered on a day", "albums, album_tracks", _columns(
        "track_id | VARCHAR | Spotify id\n" + _OBSERVED + """
        album_id | VARCHAR | release it was read from
        name | VARCHAR | title
        disc_number | SMALLINT | disc, from 1
        track_number | SMALLINT | place on the disc, from 1
        duration_ms | INTEGER | length, milliseconds
        explicit | BOOLEAN | marked explicit
        isrc | VARCHAR | recording code; NULL where not given
        popularity | SMALLINT | 0 to 100; NULL where withheld
        spotify_url | VARCHAR | page on open.spotify.com
        """)),
    Table("track_artists", ("track_id", "artist_id"), "an artist credited on a track", "albums, album_tracks", _columns(
        "track_id | VARCHAR | Spotify id of the track\nartist_id | VARCHAR | Spotify id of the artist\n" + _OBSERVED + """
        position | SMALLINT | place in the credits, from 0
        artist_name | VARCHAR | name in the credits
        """)),
    Table("search_pages", ("genre", "sweep_on", "page_offset"), "a page of a genre search that was read", "search", _columns(
        "genre | VARCHAR | genre that was asked\n" + _OBSERVED + """
        sweep_on | DATE | day the sweep of this genre began
        page_offset | INTEGER | offset asked, artists
        page_limit | INTEGER | limit asked, artists
        total | INTEGER | total Spotify claimed
        returned | INTEGER | artists on the page
        last_page | BOOLEAN | nothing follows (no next, an empty page, or the cap of 1,000)
        """)),
    Table("release_pages", ("artist_id", "album_group", "page_offset", "observed_on"), "a page of an artist's releases that was read",
          "artist_albums", _columns("artist_id | VARCHAR | Spotify id\n" + _OBSERVED + """
        album_group | VARCHAR | album, single, compilation or appears_on, as asked
        page_offset | INTEGER | offset asked, releases
        total | INTEGER | total Spotify claimed
        returned | INTEGER | releases on the page
        last_page | BOOLEAN | nothing follows
        """)),
    Table("album_pages", ("album_id", "page_offset", "observed_on"), "a page of a release's tracks that was read", "albums, album_tracks",
          _columns("album_id | VARCHAR | Spotify id\n" + _OBSERVED + """
        page_offset | INTEGER | offset, tracks; 0 is the page embedded in the album
        total | INTEGER | total Spotify claimed
        returned | INTEGER | tracks on the page
        last_page | BOOLEAN | nothing follows
        """)),
)

_PUBLISHED_TABLES = (
    Table("artists", ("artist_id",), "an artist, latest known", "artists, artist_snapshots", _columns("""
        artist_id | VARCHAR | Spotify id
        name | VARCHAR | latest name
        followers | BIGINT | followers on the last day seen, people; NULL where withheld
        popularity | SMALLINT | popularity on the last day seen, 0 to 100; NULL where withheld
        genres | VARCHAR[] | latest genres Spotify gave, sorted; NULL where never given
        image_url | VARCHAR | latest image
        spotify_url | VARCHAR | page on open.spotify.com
        first_seen_on | DATE | first day seen
        last_seen_on | DATE | last day seen
        releases_checked_on | DATE | last day its releases were read; NULL where never
        """)),
    Table("artist_snapshots", ("artist_id", "observed_on"), "numbers of an artist on a day", "artist_snapshots", _columns("""
        artist_id | VARCHAR | Spotify id
        observed_on | DATE | UTC day
        followers | BIGINT | followers, people; NULL where withheld
        popularity | SMALLINT | 0 to 100; NULL where withheld
        """)),
    Table("artist_genres", ("artist_id", "genre", "provenance"), "an artist under a genre", "artist_genres", _columns("""
        artist_id | VARCHAR | Spotify id
        genre | VARCHAR | genre, lower case
        provenance | VARCHAR | search or spotify
        first_seen_on | DATE | first day seen under it
        last_seen_on | DATE | last day seen under it
        """)),
    Table("releases", ("album_id",), "a release, latest known", "releases", _columns("""
        album_id | VARCHAR | Spotify id
        name | VARCHAR | title
        album_type | VARCHAR | album, single or compilation
        release_date | DATE | first day that the given date can mean
        release_date_text | VARCHAR | date as given
        release_date_precision | VARCHAR | year, month or day
        total_tracks | INTEGER | tracks on the release
        label | VARCHAR | label
        popularity | SMALLINT | 0 to 100
        upc | VARCHAR | barcode
        image_url | VARCHAR | widest cover image
        spotify_url | VARCHAR | page on open.spotify.com
        first_seen_on | DATE | first day seen
        last_seen_on | DATE | last day seen
        tracks_read | INTEGER | tracks of it read so far
        """)),
    Table("release_artists", ("album_id", "artist_id"), "an artist credited on a release", "release_artists", _columns("""
        album_id | VARCHAR | Spotify id of the release
        artist_id | VARCHAR | Spotify id of the artist
        position | SMALLINT | place in the credits, from 0
        artist_name | VARCHAR | name in the credits
        first_seen_on | DATE | first day seen
        last_seen_on | DATE | last day seen
        """)),
    Table("tracks", ("track_id",), "a track, latest known", "tracks", _columns("""
        track_id | VARCHAR | Spotify id
        album_id | VARCHAR | release it was read from
        name | VARCHAR | title
        disc_number | SMALLINT | disc, from 1
        track_number | SMALLINT | place on the disc, from 1
        duration_ms | INTEGER | length, milliseconds
        explicit | BOOLEAN | marked explicit
        isrc | VARCHAR | recording code
        popularity | SMALLINT | 0 to 100
        spotify_url | VARCHAR | page on open.spotify.com
        first_seen_on | DATE | first day seen
        last_seen_on | DATE | last day seen
        """)),
    Table("track_artists", ("track_id", "artist_id"), "an artist credited on a track", "track_artists", _columns("""
        track_id | VARCHAR | Spotify id of the track
        artist_id | VARCHAR | Spotify id of the artist
        position | SMALLINT | place in the credits, from 0
        artist_name | VARCHAR | name in the credits
        first_seen_on | DATE | first day seen
        last_seen_on | DATE | last day seen
        """)),
    Table("search_pages", ("genre", "sweep_on", "page_offset"), "a page of a genre search that was read", "search_pages", _columns("""
        genre | VARCHAR | genre that was asked
        sweep_on | DATE | day the sweep began
        page_offset | INTEGER | offset asked, artists
        page_limit | INTEGER | limit asked, artists
        observed_on | DATE | UTC day it was read
        total | INTEGER | total Spotify claimed
        returned | INTEGER | artists on the page
        last_page | BOOLEAN | nothing follows
        """)),
    Table("runs", ("run_id",), "a run", "ledger", _columns("""
        run_id | VARCHAR | id, sorts by time
        trigger | VARCHAR | schedule, button, cli or external
        state | VARCHAR | running, succeeded, failed, cancelled, deferred or crashed
        started_at | TIMESTAMP | UTC
        finished_at | TIMESTAMP | UTC; NULL while running
        requests | INTEGER | requests sent
        rows | BIGINT | rows committed
        message | VARCHAR | why it ended as it did, in a sentence
        """)),
    Table("task_runs", ("run_id", "batch_id", "attempt"), "an attempt at a task or at one mapped item of it", "ledger", _columns("""
        run_id | VARCHAR | run
        batch_id | VARCHAR | id within the run
        attempt | INTEGER | from 1
        task | VARCHAR | name in the DAG
        item | VARCHAR | label of the mapped item: a genre or an artist; empty for an unmapped task
        state | VARCHAR | succeeded, failed, skipped, cancelled, deferred or running
        started_at | TIMESTAMP | UTC
        finished_at | TIMESTAMP | UTC
        requests | INTEGER | requests sent
        rows | BIGINT | rows committed
        message | VARCHAR | error or note
        """)),
)

LAKE: dict[str, Table] = {table.name: table for table in _LAKE_TABLES}
PUBLISHED: dict[str, Table] = {table.name: table for table in _PUBLISHED_TABLES}

def latest_attributes(name: str) -> list[str]:
    """Attributes of a published table of which the latest known value stands: those that its lake table carries too."""
    observed = {column.name for column in LAKE[name].columns} - {"observed_on", *PUBLISHED[name].key}
    return [column.name for column in PUBLISHED[name].columns if column.name in observed]


# Attributes that say one thing together are latest together: whether they are known is what the leader says.
LEADERS = {"release_date": "release_date_text", "release_date_precision": "release_date_text"}


def _days(name: str) -> Table:
    key = PUBLISHED[name].key[0]
    leaders = dict.fromkeys(LEADERS.get(attribute, attribute) for attribute in latest_attributes(name))
    days = "\n".join(f"{leader}_on | DATE | day of the latest {leader} known" for leader in leaders)
    return Table(f"state_{name}", (key,), "when each attribute was last known", name, _columns(f"{key} | VARCHAR | Spotify id\n{days}"))


def _pages(name: str) -> Table:
    return Table(f"state_{name}", LAKE[name].key[:-1], LAKE[name].grain, name, LAKE[name].columns)


# Beside the published tables, for publishing and planning alone: what merges must remember, and pages of requests.
_STATE_TABLES = (
    _days("artists"), _days("releases"), _days("tracks"), _pages("release_pages"), _pages("album_pages"),
    Table("state_parts", ("seq",), "a part that is in this generation", "ledger", _columns("""
        seq | BIGINT | place in the order of commits
        table_name | VARCHAR | lake table
        path | VARCHAR | file, relative to the workspace
        day | VARCHAR | UTC day of its folder
        rows | BIGINT | rows
        bytes | BIGINT | size of the file, bytes
        sha256 | VARCHAR | hash of the file
        schema_version | INTEGER | version of the tables it was written with
        run_id | VARCHAR | run that brought it
        batch_id | VARCHAR | batch that brought it
        """)),
    Table("state_meta", ("key",), "a fact about this generation", "publish", _columns("""
        key | VARCHAR | name
        value | VARCHAR | value
        """)),
)  # fmt: skip
STATE: dict[str, Table] = {table.name: table for table in _STATE_TABLES}


def create_statement(table: Table, *, keyed: bool = True) -> str:
    """The CREATE TABLE statement in DuckDB's SQL, columns commented in `duckdb_columns()` by the publisher."""
    columns = ", ".join(f'"{column.name}" {column.type}' for column in table.columns)
    key = ", ".join(f'"{name}"' for name in table.key)
    return f'CREATE TABLE "{table.name}" ({columns}{f", PRIMARY KEY ({key})" if keyed else ""})'
