"""Tables as data: columns, types, units, key, grain and source endpoint of every lake and published table.

Owns the names. The lake (Parquet parts) holds observations as they came; the published database holds one row per key.
The text of the tables is in `tables`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import reduce

from pipeline.tables import LAKE_TABLES, PUBLISHED_TABLES, STATE_TABLES

__all__ = [
    "GROWTH_DAYS",
    "LAKE",
    "LEADERS",
    "LEAST",
    "LETTERS",
    "PUBLISHED",
    "SCHEMA_VERSION",
    "STATE",
    "VIEWS",
    "Column",
    "Table",
    "create_statement",
    "create_statements",
    "folded",
    "latest_attributes",
    "name_tokens",
]

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


def _tables(text: str) -> dict[str, Table]:
    tables: dict[str, Table] = {}
    for line in text.strip().splitlines():
        fields = [field.strip() for field in line.split("|")]
        if line.startswith(" "):
            table = tables.popitem()[1]
            tables[table.name] = replace(table, columns=(*table.columns, Column(*fields)))
        else:
            name, key, grain, source = fields
            tables[name] = Table(name, tuple(key.split(", ")), grain, source, ())
    return tables


def _kept(name: str) -> Table:
    """A lake table kept whole, one row per key, because planning needs it."""
    return replace(LAKE[name], name=f"state_{name}", key=LAKE[name].key[:-1])


def _leaders() -> Table:
    """Those whom `genre_growth` shows and some behind them, without their places."""
    shown = PUBLISHED["genre_growth"]
    columns = tuple(column for column in shown.columns if column.name not in ("place", "compared"))
    return replace(shown, name="state_leaders", key=("genre", "days", "artist_id"), columns=columns)


LAKE: dict[str, Table] = _tables(LAKE_TABLES)
PUBLISHED: dict[str, Table] = _tables(PUBLISHED_TABLES)
STATE: dict[str, Table] = _tables(STATE_TABLES) | {
    table.name: table for table in (_kept("release_pages"), _kept("album_pages"), _leaders())
}

# Published names that are views, each with the table whose rows it shows: of snapshots those of history files too, of
# leaders as many as there are places.
VIEWS = {"artist_snapshots": "state_snapshots", "genre_growth": "state_leaders"}

# Over how many days growth is kept. The earlier number may be older by a quarter of them, rounded up: artists are not
# read every day, and a number of yesterday says nothing about a week.
GROWTH_DAYS = {1: 1, 7: 2, 30: 8, 90: 23}
LEAST = 1000  # followers before, below which growth in proportion says nothing

# Stored as they are. Texts of which some rows are looked up: to unpack any of a dictionary, all of it is unpacked. And
# what a publish changes of artists here and there: to pack a column anew takes as long as all else of a commit.
_UNPACKED = {
    ("artists", "artist_id"),
    ("artists", "name"),
    ("artists", "followers"),
    ("artists", "popularity"),
    ("artists", "last_seen_on"),
    ("release_artists", "album_id"),
    ("release_artists", "artist_name"),
}

# Letters of their own, which lose nothing when accents go, and what is typed where a keyboard lacks them.
LETTERS = {
    "ł": "l", "ø": "o", "đ": "d", "ħ": "h", "ŧ": "t", "ı": "i", "ð": "d", "þ": "th", "ß": "ss", "æ": "ae", "œ": "oe",
}  # fmt: skip

PLACES = 100  # in a list of those that grew most

# Attributes that say one thing together: what was last known of one is what the leader's answer said.
LEADERS = {"release_date": "release_date_text", "release_date_precision": "release_date_text"}


def latest_attributes(name: str) -> list[str]:
    """Attributes of a published table of which the latest known value stands: those that its lake table carries too."""
    observed = set(LAKE[name].column_names()) - {"observed_on", *PUBLISHED[name].key}
    return [column for column in PUBLISHED[name].column_names() if column in observed]


def folded(text: str) -> str:
    """SQL of a text as it is looked up and sorted: without case and accents, `LETTERS` as most keyboards write them."""
    plain = f"lower(strip_accents({text}))"
    written = reduce(lambda sql, letter: f"replace({sql}, '{letter}', '{LETTERS[letter]}')", LETTERS, plain)
    return f"if(strlen({plain}) = length({plain}), {plain}, {written})"  # most names are plain: a quarter of the time


def name_tokens(text: str) -> str:
    """SQL of the words of a text, `folded`; of one that has no letters, what stands between blanks."""
    plain = folded(text)
    words = f"regexp_extract_all({plain}, '[\\p{{L}}\\p{{M}}\\p{{N}}]+')"
    return f"if(len({words}) > 0, {words}, list_filter(string_split({plain}, ' '), lambda word: word <> ''))"


def create_statement(table: Table) -> str:
    """The CREATE TABLE statement in DuckDB's SQL; keys are kept unique by how rows are merged (docs/decisions/0002)."""
    columns = ", ".join(
        f'"{column.name}" {column.type}' + " USING COMPRESSION uncompressed" * ((table.name, column.name) in _UNPACKED)
        for column in table.columns
    )
    return f'CREATE TABLE "{table.name}" ({columns})'


def create_statements() -> list[str]:
    """What makes an empty database: every table, published and of state, and the views over them."""
    tables = [table for name, table in (PUBLISHED | STATE).items() if name not in VIEWS]
    views = [
        f"CREATE VIEW {view} AS SELECT {', '.join(PUBLISHED[view].column_names())} FROM {rows}"
        for view, rows in (VIEWS | {"genre_growth": _RANKING.format(places=PLACES)}).items()
    ]
    return [*map(create_statement, tables), *views]


_RANKING = """(
    SELECT *, row_number() OVER (PARTITION BY genre, days ORDER BY growth DESC, artist_id DESC)::INTEGER AS place
    FROM state_leaders
) JOIN state_lists USING (genre, days) WHERE place <= {places}"""
