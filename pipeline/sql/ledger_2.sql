-- From version 1 to 2, in tables there were: events bound to tasks and items, requests that may be retired.
ALTER TABLE runs ADD COLUMN old_requests INTEGER NOT NULL DEFAULT 0;
ALTER TABLE task_runs ADD COLUMN wait_s REAL NOT NULL DEFAULT 0;
ALTER TABLE events ADD COLUMN task TEXT NOT NULL DEFAULT '';
ALTER TABLE events ADD COLUMN item TEXT NOT NULL DEFAULT '';
ALTER TABLE events ADD COLUMN attempt INTEGER NOT NULL DEFAULT 0;
