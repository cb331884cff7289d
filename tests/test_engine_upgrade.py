"""A ledger of an earlier version becomes one of today's, its rows kept."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

from pipeline.records.events import UNKNOWN
from pipeline.records.followed import followed_list
from pipeline.records.ledger import Ledger, Part, TaskOutcome
from pipeline.records.places import LEDGER_VERSION

# The tables of version 1 that later versions changed, as they were.
FIRST = """
CREATE TABLE runs (run_id TEXT PRIMARY KEY, trigger TEXT NOT NULL, params TEXT NOT NULL DEFAULT '{}',
    state TEXT NOT NULL,
    pid INTEGER NOT NULL, started_at REAL NOT NULL, finished_at REAL, due_at REAL,
    cancel_requested INTEGER NOT NULL DEFAULT 0, message TEXT NOT NULL DEFAULT '') STRICT;
CREATE TABLE task_runs (run_id TEXT NOT NULL, batch_id TEXT NOT NULL, attempt INTEGER NOT NULL, task TEXT NOT NULL,
    item TEXT NOT NULL DEFAULT '', state TEXT NOT NULL, started_at REAL NOT NULL, finished_at REAL,
    requests INTEGER NOT NULL DEFAULT 0, rows INTEGER NOT NULL DEFAULT 0, rejects INTEGER NOT NULL DEFAULT 0,
    message TEXT NOT NULL DEFAULT '', PRIMARY KEY (run_id, batch_id, attempt)) STRICT, WITHOUT ROWID;
CREATE TABLE requests (id INTEGER PRIMARY KEY, at REAL NOT NULL, bucket TEXT NOT NULL, endpoint TEXT NOT NULL,
    run_id TEXT NOT NULL DEFAULT '') STRICT;
CREATE TABLE events (id INTEGER PRIMARY KEY, at REAL NOT NULL, level TEXT NOT NULL, event TEXT NOT NULL,
    run_id TEXT NOT NULL DEFAULT '', batch_id TEXT NOT NULL DEFAULT '', message TEXT NOT NULL DEFAULT '',
    fields TEXT NOT NULL DEFAULT '{}') STRICT;
CREATE TABLE parts (seq INTEGER PRIMARY KEY AUTOINCREMENT, table_name TEXT NOT NULL, path TEXT NOT NULL UNIQUE,
    day TEXT NOT NULL, rows INTEGER NOT NULL, bytes INTEGER NOT NULL, sha256 TEXT NOT NULL,
    schema_version INTEGER NOT NULL, run_id TEXT NOT NULL, batch_id TEXT NOT NULL,
    UNIQUE (run_id, batch_id, table_name)) STRICT;
INSERT INTO parts VALUES (4, 'artists', 'lake/a', '2026-11-22', 1, 2, 'aa', 1, 'r1', 'b1');
INSERT INTO runs (run_id, trigger, state, pid, started_at) VALUES ('r1', 'cli', 'succeeded', 7, 1);
INSERT INTO events (at, level, event, run_id) VALUES (1, 'INFO', 'run_started', 'r1');
PRAGMA user_version = 1;
"""


def columns(path: Path) -> dict[str, set[str]]:
    """Columns of each table of a file."""
    with closing(sqlite3.connect(path)) as connection:
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: {row[1] for row in connection.execute(f"PRAGMA table_info({name})")} for name in names}


def plan_of(ledger: Ledger) -> str:
    """How a run's first look for artists whom the source does not know is answered."""
    return str(ledger.read(f"EXPLAIN QUERY PLAN {UNKNOWN}", (0.0,))[0]["detail"])


def test_numbers_are_not_given_again(tmp_path: Path) -> None:
    """The next part gets a place that none had before the upgrade, also where the last ones were let go of."""
    with closing(sqlite3.connect(tmp_path / "old.sqlite")) as connection:
        connection.executescript(FIRST)
        connection.execute("UPDATE sqlite_sequence SET seq = 9 WHERE name = 'parts'")
        connection.commit()
    with closing(Ledger(tmp_path / "old.sqlite")) as old:
        old.begin_task("r1", "b2", 1, "discover")
        part = Part("artists", "lake/b", "2026-11-22", 1, 2, "bb", 1)
        old.commit_batch(TaskOutcome("r1", "b2", 1, "succeeded"), None, [part])
        assert [each.seq for each in old.parts()] == [4, 10]
        assert old.read("SELECT name FROM sqlite_sequence WHERE name LIKE 'parts%'") == [{"name": "parts"}]


def test_first_version_is_upgraded(tmp_path: Path) -> None:
    """Rows of version 1 are there afterwards, and the tables are those of a new file."""
    with closing(sqlite3.connect(tmp_path / "old.sqlite")) as connection:
        connection.executescript(FIRST)
    with closing(Ledger(tmp_path / "old.sqlite")) as old, closing(Ledger(tmp_path / "new.sqlite")):
        assert [(row["run_id"], row["old_requests"]) for row in old.runs()] == [("r1", 0)]
        assert old.read("SELECT event, task, attempt FROM events") == [
            {"event": "run_started", "task": "", "attempt": 0}
        ]
        assert old.parts() == [Part("artists", "lake/a", "2026-11-22", 1, 2, "aa", 1, seq=4, seal="")]
        assert old.read("PRAGMA user_version") == [{"user_version": LEDGER_VERSION}]
        assert "unknown_artists" in plan_of(old)
    found, fresh = columns(tmp_path / "old.sqlite"), columns(tmp_path / "new.sqlite")
    assert {name: fresh[name] for name in set(found) - {"requests"}} == {
        name: found[name] for name in set(found) - {"requests"}
    }


def test_list_is_kept_by_an_upgrade(tmp_path: Path) -> None:
    """Who was followed before the list had names stays on it, since the same instant."""
    with closing(sqlite3.connect(tmp_path / "old.sqlite")) as connection:
        connection.executescript(FIRST)
        connection.execute("CREATE TABLE followed (artist_id TEXT PRIMARY KEY, followed_at REAL NOT NULL) STRICT")
        connection.execute("INSERT INTO followed VALUES ('a', 7)")
        connection.commit()
    with closing(Ledger(tmp_path / "old.sqlite")) as old:
        assert followed_list(old) == {"a": (datetime.fromtimestamp(7, UTC), "")}


def test_each_version_has_its_upgrade() -> None:
    """No version is without the script that leads to it."""
    names = {path.name for path in files("pipeline").joinpath("sql").iterdir() if path.name.startswith("ledger")}
    assert names == {"ledger.sql", *(f"ledger_{number}.sql" for number in range(2, LEDGER_VERSION + 1))}


def test_upgrade_happens_once(tmp_path: Path) -> None:
    """A second opening of an upgraded file finds nothing to do."""
    with closing(sqlite3.connect(tmp_path / "old.sqlite")) as connection:
        connection.executescript(FIRST)
    for _ in range(2):
        with closing(Ledger(tmp_path / "old.sqlite")) as ledger:
            assert len(ledger.runs()) == 1
