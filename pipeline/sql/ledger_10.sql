-- From version 9 to 10: the list knows a name of those it follows. Ledgers older than the list get it here.
CREATE TABLE IF NOT EXISTS followed (
    artist_id TEXT PRIMARY KEY,
    followed_at REAL NOT NULL
) STRICT, WITHOUT ROWID;
ALTER TABLE followed ADD COLUMN name TEXT NOT NULL DEFAULT '';
