-- In a database built from nothing: artists in all their genres from their first day on are alike as far as these are the
-- same (`sets`, of a `kind`). The others, whose days count for a genre from mid-history on, are counted one by one.
CREATE OR REPLACE TEMP TABLE known_members AS
SELECT artist_no AS key, genre, min(first_seen_on) AS entered_on
FROM artist_genres
GROUP BY artist_no, genre;
CREATE OR REPLACE TEMP TABLE firsts AS
SELECT key, any_value(artist_id) AS artist_id, min(first_on) AS first_on
FROM (
    SELECT key, artist_id, first_on FROM ends
    UNION ALL
    SELECT a.artist_no, a.artist_id, s.observed_on
    FROM artist_snapshots s
    JOIN artists a ON a.artist_id = s.artist_id
    WHERE s.followers IS NULL
)
GROUP BY key;
CREATE OR REPLACE TEMP TABLE sets AS
SELECT f.key, f.artist_id, coalesce(g.genres, []) AS genres
FROM firsts f
LEFT JOIN (
    SELECT key, list(genre ORDER BY genre) AS genres, max(entered_on) AS entered_on FROM known_members GROUP BY key
) g ON g.key = f.key
WHERE g.entered_on IS NULL OR g.entered_on <= f.first_on;
CREATE OR REPLACE TEMP TABLE kinds AS
SELECT genres, row_number() OVER () AS kind FROM (SELECT DISTINCT genres FROM sets);
CREATE OR REPLACE TEMP TABLE sets AS
SELECT s.key, s.artist_id, k.kind FROM sets s JOIN kinds k ON k.genres = s.genres;
CREATE OR REPLACE TEMP TABLE touched AS
SELECT artist_id, first_on AS since, key AS artist_no, key FROM firsts ANTI JOIN sets USING (key)
