-- From version 8 to 9: several parts may lie in one file. Numbers that were given are not given again.
CREATE TABLE parts_9 (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    table_name TEXT NOT NULL,
    path TEXT NOT NULL,
    day TEXT NOT NULL,
    rows INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    schema_version INTEGER NOT NULL,
    run_id TEXT NOT NULL,
    batch_id TEXT NOT NULL,
    seal TEXT NOT NULL DEFAULT '',
    UNIQUE (run_id, batch_id, table_name)
) STRICT;
INSERT INTO parts_9 (seq, table_name, path, day, rows, bytes, sha256, schema_version, run_id, batch_id, seal)
    SELECT seq, table_name, path, day, rows, bytes, sha256, schema_version, run_id, batch_id, seal FROM parts;
DELETE FROM sqlite_sequence WHERE name = 'parts_9';
INSERT INTO sqlite_sequence SELECT 'parts_9', seq FROM sqlite_sequence WHERE name = 'parts';
DROP TABLE parts;
ALTER TABLE parts_9 RENAME TO parts;
