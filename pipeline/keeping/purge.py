"""Removal on request: one artist, or everything, from raw files, parts, ledger and all that was derived from them.

The workspace alone is purged: backups, exports and bundles elsewhere are their owner's. Imports `cutting`, `erasure`,
`exchange`, `ledger`, `workspace`, `engine`, `files`, `truth`, `volumes`, `publish`, `copying`, `sqlite_file`.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import uuid4

from pipeline.errors import DamagedFile, SettingsError
from pipeline.keeping.cutting import cut_parts, cut_raw, intact
from pipeline.keeping.erasure import Subject
from pipeline.keeping.exchange import LEAVING, Exchange, settle
from pipeline.lake import engine
from pipeline.lake.files import explained
from pipeline.lake.truth import claim_store, fetch_truth, named_files, stored_names
from pipeline.lake.volumes import SCRUB_DUE
from pipeline.published.publish import EXCHANGED
from pipeline.records.copying import LEDGER_TABLES, empty_tables, require_unused
from pipeline.records.database import Connection, Row
from pipeline.records.ledger import SET_META, Ledger
from pipeline.records.sqlite_file import read_only
from pipeline.schema import LAKE
from pipeline.workspace import ServerLedger, Workspace

__all__ = ["EVERYTHING", "Purged", "purge_all", "purge_artist", "require_id", "untouched_folders"]

FREE_TEXT = ("item", "message", "fields", "reason", "details", "params", "calls", "evidence")  # may say a name
NOT_TEXT = ("path", "sha256", "seal", "day", "run_id", "batch_id", "state", "bucket", "endpoint")
EVERYTHING = "everything"  # subject of a purge of all
MEMORY_DAYS = 1  # requests of the last day are still counted by whoever answered them


@dataclass(frozen=True)
class Purged:
    """What went, or would go. `rows`: by lake table; `elsewhere`: copies in the workspace that were not looked into."""

    subject: str
    dry_run: bool
    raw_files: int = 0
    raw_lines: int = 0
    parts: int = 0
    rows: dict[str, int] = field(default_factory=dict)
    releases: int = 0
    tracks: int = 0
    ledger_rows: int = 0
    elsewhere: tuple[str, ...] = ()

    @property
    def is_anything(self) -> bool:
        """Whether there was, or is, anything to let go of; everything is taken for something."""
        return self.subject == EVERYTHING or bool(self.raw_files or self.parts or self.ledger_rows)


def require_id(text: str) -> str:
    """The id as given; SettingsError when no artist can have it."""
    if not text.isascii() or not text.isalnum() or not 1 <= len(text) <= 64:
        raise SettingsError(f"{text[:70]!r} is no artist's id. Nothing was changed.")
    return text


def purge_artist(workspace: Workspace, ledger: Ledger, artist_id: str, *, dry_run: bool = False) -> Purged:
    """Take an artist out of everything the workspace keeps; a run that finds it again would keep it anew.

    For the holder of the run lock. All or nothing: one ledger transaction, then files and generations go. Raises
    DamagedFile naming a file that cannot be looked into: `recover` first.
    """
    fetch_truth(workspace, named_files(ledger))
    subject, exchange = _subject(workspace, ledger, require_id(artist_id)), Exchange(workspace, ledger)
    try:
        raw_files, raw_lines = cut_raw(exchange, subject, dry_run=dry_run)
        parts, rows = cut_parts(exchange, subject, dry_run=dry_run)
        told = _count_mentions(ledger, subject)
        if not dry_run and (raw_files or parts or told):
            exchange.set_meta(SCRUB_DUE, "1")
            exchange.touches_parts = True  # generations show names of the ledger, too
            exchange.carry_out(lambda connection: _redact(connection, subject))
    except BaseException:
        exchange.discard()
        raise
    if not dry_run:
        settle(workspace, ledger)  # also what an interrupted purge left
    own = (len(subject.albums), len(subject.tracks))
    return Purged(artist_id, dry_run, raw_files, raw_lines, parts, rows, *own, told, untouched_folders(workspace))


def purge_all(workspace: Workspace, now: Callable[[], datetime], *, dry_run: bool = False) -> Purged:
    """Delete everything the workspace keeps but the count of the last day's requests, which the source still counts.

    For the holder of the run lock. Raises WriterBusy while another program has the workspace open.
    """
    files = {path for root in (workspace.raw, workspace.lake) for path in root.rglob("*") if path.is_file()}
    files |= {workspace.root / name for name in stored_names(workspace)}
    raw = [path for path in files if workspace.raw in path.parents]
    said = Purged(EVERYTHING, dry_run, raw_files=len(raw), parts=len(files) - len(raw))
    if dry_run:
        return said
    spent = _spent_requests(workspace, now)
    require_unused(workspace)
    if workspace.store is not None:  # first: what is left there after the ledger went would come back by `recover`
        workspace.store.remove(list(workspace.store.names()))
    leaving, ledger = workspace.root / LEAVING, workspace.ledger_file
    with explained(workspace.root):
        leaving.mkdir(exist_ok=True)
        inner = [path for path in workspace.root.iterdir() if path.is_dir() and path != leaving]
        for number, path in enumerate([*inner, *sorted(ledger.parent.glob(f"{ledger.name}*"), reverse=True)]):
            path.replace(leaving / f"{number}-{now():%H%M%S%f}-{path.name}")
        shutil.rmtree(leaving)
        for folder in (workspace.raw, workspace.lake, workspace.db):
            folder.mkdir()
    with closing(Ledger(workspace.ledger, now)) as fresh:
        with fresh.write() as connection:
            empty_tables(connection)  # those of a server are there still
            if isinstance(workspace.ledger, ServerLedger):  # and other machines may show what was in them
                connection.execute(SET_META, (EXCHANGED, uuid4().hex))
            for table, rows in spent.items():
                for row in rows:
                    marks = ", ".join("?" for _ in row)
                    connection.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", list(row.values()))
        if isinstance(workspace.ledger, ServerLedger):
            fresh.scrub()
    return said


def _spent_requests(workspace: Workspace, now: Callable[[], datetime]) -> dict[str, list[Row]]:
    """Counts of requests and limits that the source does not forget, without what they were for."""
    since = (now() - timedelta(days=MEMORY_DAYS)).timestamp()
    try:
        with closing(Ledger(workspace.ledger, now)) as ledger:
            claim_store(workspace, ledger)  # what another ledger put there is not ours to delete
            return {
                "requests": ledger.read("SELECT at, bucket, endpoint, status FROM requests WHERE at > ?", (since,)),
                "buckets": ledger.read("SELECT * FROM buckets"),
                "meta": ledger.read("SELECT * FROM meta WHERE key = 'generation'"),
            }
    except DamagedFile:
        if workspace.store is not None:
            raise
        return {}


def _subject(workspace: Workspace, ledger: Ledger, artist_id: str) -> Subject:
    """The artist with the releases and tracks that credit nobody else, and the names they were shown by."""
    parts: dict[str, list[str]] = {}
    for row in ledger.read("SELECT DISTINCT table_name, path, sha256 FROM parts"):
        parts.setdefault(row["table_name"], []).append(str(intact(workspace, row)))
    with engine.cursor() as con:
        for name, table in LAKE.items():
            empty = ", ".join(f"NULL::{column.type} AS {column.name}" for column in table.columns)
            rows = f"FROM {engine.parquet(parts[name], by_name=True)}" if name in parts else f"SELECT {empty} LIMIT 0"
            con.execute(f"CREATE TEMP VIEW kept_{name} AS {rows}")
        albums = {row[0] for row in con.execute(ALONE.format(of="release", key="album_id"), [artist_id]).fetchall()}
        tracks = {row[0] for row in con.execute(ALONE.format(of="track", key="track_id"), [artist_id]).fetchall()}
        on_albums = "SELECT DISTINCT track_id FROM kept_tracks WHERE list_contains(?, album_id)"
        tracks |= {row[0] for row in con.execute(on_albums, [list(albums)]).fetchall()}
        names = {row[0] for row in con.execute(NAMES, {"id": artist_id, "albums": list(albums)}).fetchall()}
    return Subject(artist_id, frozenset(albums), frozenset(tracks), frozenset(names - {None}))


ALONE = """
    SELECT {key} FROM kept_{of}_artists WHERE {key} IN (SELECT {key} FROM kept_{of}_artists WHERE artist_id = ?)
    GROUP BY {key} HAVING count(DISTINCT artist_id) = 1
"""
NAMES = """
    SELECT name FROM kept_artists WHERE artist_id = $id
    UNION SELECT artist_name FROM kept_release_artists WHERE artist_id = $id
    UNION SELECT artist_name FROM kept_track_artists WHERE artist_id = $id
    UNION SELECT name FROM kept_releases WHERE list_contains($albums, album_id)
"""


def _text_columns(connection: sqlite3.Connection) -> Iterator[tuple[str, str]]:
    tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    for (table,) in tables.fetchall():
        for column in connection.execute(f"PRAGMA table_info({table})").fetchall():
            if column[2] == "TEXT" and column[1] not in NOT_TEXT:
                yield table, column[1]


def _teach(connection: sqlite3.Connection, subject: Subject) -> None:
    def is_mine(text: str | None, free: int) -> bool:
        return text is not None and bool(subject.is_mentioned(text) if free else subject.pattern.search(text))

    connection.create_function("is_mine", 2, is_mine, deterministic=True)
    connection.create_function("redacted", 1, subject.redacted, deterministic=True)


def _count_mentions(ledger: Ledger, subject: Subject) -> int:
    """Rows of the ledger that name the subject, one for each column that does."""
    if isinstance(ledger.place, ServerLedger):
        with ledger.write(durable=False) as there:
            return sum(rows for *_, rows in _mentions(there, subject))
    with closing(read_only(ledger.place)) as connection:
        _teach(connection, subject)
        return sum(
            int(connection.execute(f"SELECT count(*) FROM {table} WHERE is_mine({column}, {column in FREE_TEXT})")
                .fetchone()[0])
            for table, column in _text_columns(connection)
        )  # fmt: skip


def _redact(connection: Connection, subject: Subject) -> None:
    connection.execute("DELETE FROM followed WHERE artist_id = ?", (subject.artist_id,))
    connection.executemany("DELETE FROM notices WHERE cause = ?", [(f"release:{each}",) for each in subject.albums])
    if not isinstance(connection, sqlite3.Connection):
        for table, column, said, _ in list(_mentions(connection, subject)):
            connection.execute(f"UPDATE {table} SET {column} = ? WHERE {column} = ?", (subject.redacted(said), said))
        return
    _teach(connection, subject)
    for table, column in list(_text_columns(connection)):
        connection.execute(
            f"UPDATE {table} SET {column} = redacted({column}) WHERE is_mine({column}, {column in FREE_TEXT})"
        )


def _mentions(connection: Connection, subject: Subject) -> Iterator[tuple[str, str, str, int]]:
    """Texts of a ledger on a server that name the subject: table, column, text, and in how many rows."""
    for table, columns in LEDGER_TABLES.items():
        for column in (name for name, kind in columns.items() if kind == "TEXT" and name not in NOT_TEXT):
            is_mine = subject.is_mentioned if column in FREE_TEXT else subject.pattern.search
            query = f"SELECT {column}, count(*) FROM {table} WHERE {column} IS NOT NULL GROUP BY {column}"
            for said, rows in connection.execute(query).fetchall():
                if is_mine(said):
                    yield table, column, said, rows


def untouched_folders(workspace: Workspace) -> tuple[str, ...]:
    """Folders that a restore left, with what was there before it."""
    return tuple(str(path) for path in sorted(workspace.root.glob("replaced-*")))
