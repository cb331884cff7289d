-- The operational file. Times are UTC seconds since 1970 (REAL); paths are relative to the workspace, with forward slashes.
CREATE TABLE IF NOT EXISTS meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE IF NOT EXISTS runs (
    run_id TEXT PRIMARY KEY,
    trigger TEXT NOT NULL,
    params TEXT NOT NULL DEFAULT '{}',
    state TEXT NOT NULL,
    pid INTEGER NOT NULL,
    started_at REAL NOT NULL,
    finished_at REAL,
    due_at REAL,                                  -- deferred: when the rest may be asked
    cancel_requested INTEGER NOT NULL DEFAULT 0,
    message TEXT NOT NULL DEFAULT '',
    old_requests INTEGER NOT NULL DEFAULT 0       -- requests whose rows were retired: the run's total still counts them
) STRICT;

CREATE TABLE IF NOT EXISTS task_runs (
    run_id TEXT NOT NULL,
    batch_id TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    task TEXT NOT NULL,
    item TEXT NOT NULL DEFAULT '',
    state TEXT NOT NULL,
    started_at REAL NOT NULL,
    finished_at REAL,
    requests INTEGER NOT NULL DEFAULT 0,
    rows INTEGER NOT NULL DEFAULT 0,
    rejects INTEGER NOT NULL DEFAULT 0,
    message TEXT NOT NULL DEFAULT '',
    wait_s REAL NOT NULL DEFAULT 0,               -- waited before this attempt
    PRIMARY KEY (run_id, batch_id, attempt)
) STRICT, WITHOUT ROWID;

-- The graph of one run: a row per task from the run's start on, pending until it is reached.
CREATE TABLE IF NOT EXISTS run_tasks (
    run_id TEXT NOT NULL,
    position INTEGER NOT NULL,
    task TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'pending',
    started_at REAL,
    finished_at REAL,
    due_at REAL,
    items INTEGER NOT NULL DEFAULT 0,
    missing INTEGER NOT NULL DEFAULT 0,           -- calls without an answer
    message TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (run_id, task)
) STRICT, WITHOUT ROWID;

-- Mapped items, from the moment they are planned; `batch_id` is that of the last attempt.
CREATE TABLE IF NOT EXISTS items (
    run_id TEXT NOT NULL,
    item_id TEXT NOT NULL,
    batch_id TEXT NOT NULL,
    task TEXT NOT NULL,
    item TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'pending',
    attempts INTEGER NOT NULL DEFAULT 0,
    requests INTEGER NOT NULL DEFAULT 0,
    rows INTEGER NOT NULL DEFAULT 0,
    planned_at REAL NOT NULL,
    started_at REAL,
    finished_at REAL,
    next_try_at REAL,                             -- retrying: not before
    max_requests INTEGER NOT NULL,
    calls TEXT NOT NULL,                          -- JSON: what is still to be asked
    message TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS items_by_run ON items (run_id, item_id);
CREATE INDEX IF NOT EXISTS items_by_batch ON items (run_id, batch_id);
CREATE INDEX IF NOT EXISTS items_by_state ON items (run_id, task, state);   -- counted several times a second while a run is watched

CREATE TABLE IF NOT EXISTS raw_files (
    run_id TEXT NOT NULL,
    batch_id TEXT NOT NULL,
    path TEXT NOT NULL UNIQUE,
    day TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    lines INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    PRIMARY KEY (run_id, batch_id)
) STRICT, WITHOUT ROWID;

-- The commit point: a part that is in no row here does not exist.
CREATE TABLE IF NOT EXISTS parts (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    table_name TEXT NOT NULL,
    path TEXT NOT NULL,                           -- its own file, or a volume, in which others lie as well
    day TEXT NOT NULL,
    rows INTEGER NOT NULL,
    bytes INTEGER NOT NULL,                       -- of the file
    sha256 TEXT NOT NULL,
    schema_version INTEGER NOT NULL,
    run_id TEXT NOT NULL,
    batch_id TEXT NOT NULL,
    seal TEXT NOT NULL DEFAULT '',                -- of its rows and its file: rows that fit need not be written again
    UNIQUE (run_id, batch_id, table_name)
) STRICT;

CREATE TABLE IF NOT EXISTS rejects (
    run_id TEXT NOT NULL,
    batch_id TEXT NOT NULL,
    line INTEGER NOT NULL,
    reason TEXT NOT NULL
) STRICT;

-- One row per request: written before it is sent (status NULL), settled after. A killed run's rows stay counted.
CREATE TABLE IF NOT EXISTS requests (
    id INTEGER PRIMARY KEY,
    at REAL NOT NULL,
    bucket TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    run_id TEXT NOT NULL DEFAULT '',
    batch_id TEXT NOT NULL DEFAULT '',            -- and attempt: of those granted to workers of another system
    attempt INTEGER NOT NULL DEFAULT 1,
    status INTEGER,                               -- HTTP status; 0: no answer; NULL: reserved, outcome unknown
    retry_after_s REAL,
    duration_ms REAL,
    bytes INTEGER
) STRICT;
CREATE INDEX IF NOT EXISTS requests_by_bucket ON requests (bucket, at);
CREATE INDEX IF NOT EXISTS requests_by_time ON requests (at);
CREATE INDEX IF NOT EXISTS requests_by_run ON requests (run_id);   -- the runs page counts them, run by run

CREATE TABLE IF NOT EXISTS buckets (
    bucket TEXT PRIMARY KEY,                      -- '*' is the whole app: the 30 s window
    ceiling REAL,                                 -- learned; NULL: the planning figure of the settings
    learned_at REAL,
    locked_until REAL NOT NULL DEFAULT 0,
    reason TEXT NOT NULL DEFAULT '',
    next_slot_at REAL NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE IF NOT EXISTS capabilities (
    name TEXT PRIMARY KEY,                        -- endpoint:artists, field:artist.followers, limit:search …
    value TEXT NOT NULL,                          -- JSON
    evidence TEXT NOT NULL,
    checked_at REAL NOT NULL,
    withdrawn_since REAL                          -- set while a thing once seen is absent
) STRICT;

CREATE TABLE IF NOT EXISTS events (
    id INTEGER PRIMARY KEY,
    at REAL NOT NULL,
    level TEXT NOT NULL,
    event TEXT NOT NULL,
    run_id TEXT NOT NULL DEFAULT '',
    batch_id TEXT NOT NULL DEFAULT '',
    message TEXT NOT NULL DEFAULT '',
    fields TEXT NOT NULL DEFAULT '{}',
    task TEXT NOT NULL DEFAULT '',
    item TEXT NOT NULL DEFAULT '',
    attempt INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX IF NOT EXISTS events_by_run ON events (run_id, id);
CREATE INDEX IF NOT EXISTS unknown_artists ON events (at) WHERE event = 'artist_unknown';

-- When runs start by themselves. Fire times up to `dealt_until` are dealt with: later ones that have passed are due.
CREATE TABLE IF NOT EXISTS schedules (
    name TEXT PRIMARY KEY,
    kind TEXT NOT NULL,                           -- cron, interval or once
    spec TEXT NOT NULL,                           -- crontab line, seconds, or local date and time
    timezone TEXT NOT NULL,
    genres TEXT NOT NULL DEFAULT '[]',            -- JSON; empty: the settings'
    max_requests INTEGER,                         -- NULL: the settings'
    priority INTEGER NOT NULL DEFAULT 0,          -- of two that are due the higher one runs first
    paused INTEGER NOT NULL DEFAULT 0,
    grace_s REAL,                                 -- NULL: however late, a missed time is caught up
    created_at REAL NOT NULL,
    dealt_until REAL NOT NULL,
    last_run_id TEXT NOT NULL DEFAULT ''
) STRICT;

-- Causes of notifications that were told and still stand: each is told once.
CREATE TABLE IF NOT EXISTS notices (
    cause TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    message TEXT NOT NULL,
    since REAL NOT NULL
) STRICT;

-- What each data-quality check found, one row per check and generation that was proved.
CREATE TABLE IF NOT EXISTS check_results (
    id INTEGER PRIMARY KEY,
    at REAL NOT NULL,
    run_id TEXT NOT NULL DEFAULT '',
    generation INTEGER NOT NULL,                  -- the one that was, or would have become, current
    name TEXT NOT NULL,
    severity TEXT NOT NULL,                       -- blocking or warning
    violations INTEGER NOT NULL,                  -- rows that break the promise; 0 is good
    details TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX IF NOT EXISTS check_results_by_name ON check_results (name, id);

-- Files let go of on purpose, so that a trace can say so: the raw file of a batch, or its part of a lake table.
CREATE TABLE IF NOT EXISTS withdrawals (
    run_id TEXT NOT NULL,
    batch_id TEXT NOT NULL,
    layer TEXT NOT NULL,                          -- raw, or the name of a lake table
    day TEXT NOT NULL,                            -- UTC day on which it went
    reason TEXT NOT NULL,                         -- retention, request or damage
    PRIMARY KEY (run_id, batch_id, layer)
) STRICT, WITHOUT ROWID;

-- Artists that somebody follows: a list of one's own, which nothing that was collected could give back.
CREATE TABLE IF NOT EXISTS followed (
    artist_id TEXT PRIMARY KEY,
    followed_at REAL NOT NULL,
    name TEXT NOT NULL DEFAULT ''                 -- as a list that was imported had it; the source's own is in the lake
) STRICT, WITHOUT ROWID;
