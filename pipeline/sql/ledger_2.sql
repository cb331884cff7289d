-- From version 1 to 2: tasks and items of a run, events bound to them, requests that may be retired.
ALTER TABLE runs ADD COLUMN old_requests INTEGER NOT NULL DEFAULT 0;
ALTER TABLE task_runs ADD COLUMN wait_s REAL NOT NULL DEFAULT 0;
ALTER TABLE events ADD COLUMN task TEXT NOT NULL DEFAULT '';
ALTER TABLE events ADD COLUMN item TEXT NOT NULL DEFAULT '';
ALTER TABLE events ADD COLUMN attempt INTEGER NOT NULL DEFAULT 0;

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
