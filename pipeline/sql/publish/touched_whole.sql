-- In a database built from nothing: artists in all their genres from their first day on are alike as far as these are the
-- same (`sets`, of a `kind`). The others, whose days count for a genre from mid-history on, are counted one by one.
CREATE OR REPLACE TEMP TABLE firsts AS
SELECT artist_id, min(first_on) AS first_on
FROM (
    SELECT artist_id, first_on FROM ends
    UNION ALL
    SELECT artist_id, min(observed_on) FROM artist_snapshots WHERE followers IS NULL GROUP BY artist_id
)
GROUP BY artist_id;
CREATE OR REPLACE TEMP TABLE sets AS
SELECT f.artist_id, coalesce(g.genres, []) AS genres
FROM firsts f
LEFT JOIN (
    SELECT artist_id, list(genre ORDER BY genre) AS genres, max(entered_on) AS entered_on
    FROM (SELECT artist_id, genre, min(first_seen_on) AS entered_on FROM artist_genres GROUP BY artist_id, genre)
    GROUP BY artist_id
) g ON g.artist_id = f.artist_id
WHERE g.entered_on IS NULL OR g.entered_on <= f.first_on;
CREATE OR REPLACE TEMP TABLE kinds AS
SELECT genres, row_number() OVER () AS kind FROM (SELECT DISTINCT genres FROM sets);
CREATE OR REPLACE TEMP TABLE sets AS
SELECT s.artist_id, k.kind FROM sets s JOIN kinds k ON k.genres = s.genres;
INSERT INTO touched SELECT artist_id, first_on FROM firsts ANTI JOIN sets USING (artist_id);
INSERT INTO touched SELECT artist_id, NULL FROM sets UNION SELECT artist_id, NULL FROM artist_genres;
CREATE OR REPLACE TEMP TABLE touched AS SELECT artist_id, min(since) AS since FROM touched GROUP BY artist_id
