-- Touched artists, once each: looked up by their ids this once, everywhere else by `key`. It is their number, or one below
-- 0 for who has none yet.
CREATE OR REPLACE TEMP TABLE touched AS
SELECT t.artist_id, t.since, a.artist_no, a.artist_no AS key
FROM (SELECT artist_id, min(since) AS since FROM touched GROUP BY artist_id) t
LEFT JOIN artists a ON a.artist_id = t.artist_id;
UPDATE touched t
SET key = -n.number
FROM (SELECT rowid AS place, row_number() OVER () AS number FROM touched WHERE key IS NULL) n
WHERE t.rowid = n.place;
CREATE OR REPLACE TEMP TABLE known_growth AS
SELECT g.rowid AS place, t.key, g.* EXCLUDE (artist_id, artist_no)
FROM artist_growth g
JOIN touched t ON t.artist_no = g.artist_no
UNION ALL
SELECT g.rowid AS place, t.key, g.* EXCLUDE (artist_id, artist_no)
FROM artist_growth g
JOIN touched t ON t.artist_id = g.artist_id
WHERE g.artist_no IS NULL
