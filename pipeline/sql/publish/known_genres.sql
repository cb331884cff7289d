-- The genres of those touched now, and where they stand. (Ids are taken from `touched`: of many rows few are.)
CREATE OR REPLACE TEMP TABLE known_genres AS
SELECT g.rowid AS place, t.key, t.artist_id, g.* EXCLUDE (artist_id, artist_no)
FROM artist_genres g
JOIN touched t ON t.artist_no = g.artist_no
UNION ALL
SELECT g.rowid AS place, t.key, g.* EXCLUDE (artist_no)
FROM artist_genres g
JOIN touched t ON t.artist_id = g.artist_id
WHERE g.artist_no IS NULL;
CREATE OR REPLACE TEMP TABLE known_members AS
SELECT key, genre, min(first_seen_on) AS entered_on
FROM known_genres
GROUP BY key, genre
