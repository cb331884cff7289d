-- From version 2 to 3: what the checks found.
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
