-- Touched artists, once each: looked up by their ids this once, everywhere else by `key`. It stands for their number, or is
-- one below 0 for who has none yet. (Keys lie far apart: DuckDB would join by narrow ones through arrays with a place for
-- every key there could be, and fill them anew for each statement.)
CREATE OR REPLACE TEMP TABLE asked AS
SELECT artist_id, min(since) AS since FROM touched GROUP BY artist_id;
CREATE OR REPLACE TEMP TABLE looked_up AS
SELECT
    t.artist_id,
    t.since,
    coalesce(a.artist_no * 1000000::BIGINT, -1 - t.rowid) AS key,
    a.rowid AS place,
    a.artist_no,
    a.followers,
    a.last_seen_on,
    a.releases_checked_on
FROM asked t
LEFT JOIN artists a ON a.artist_id = t.artist_id;
CREATE OR REPLACE TEMP TABLE touched AS
SELECT artist_id, since, artist_no, key FROM looked_up;
CREATE OR REPLACE TEMP TABLE known_artists AS
SELECT * EXCLUDE (since) FROM looked_up WHERE artist_no IS NOT NULL;
CREATE OR REPLACE TEMP TABLE known_growth AS
SELECT g.rowid AS place, t.key, g.* EXCLUDE (artist_id, artist_no)
FROM artist_growth g
JOIN touched t ON t.artist_no = g.artist_no
UNION ALL
SELECT g.rowid AS place, t.key, g.* EXCLUDE (artist_id, artist_no)
FROM artist_growth g
JOIN touched t ON t.artist_id = g.artist_id
WHERE g.artist_no IS NULL
