-- From version 3 to 4: what was let go of on purpose.
-- Files let go of on purpose, so that a trace can say so: the raw file of a batch, or its part of a lake table.
CREATE TABLE IF NOT EXISTS withdrawals (
    run_id TEXT NOT NULL,
    batch_id TEXT NOT NULL,
    layer TEXT NOT NULL,                          -- raw, or the name of a lake table
    day TEXT NOT NULL,                            -- UTC day on which it went
    reason TEXT NOT NULL,                         -- retention, request or damage
    PRIMARY KEY (run_id, batch_id, layer)
) STRICT, WITHOUT ROWID;
