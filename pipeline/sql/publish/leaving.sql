CREATE OR REPLACE TEMP TABLE leaving AS
SELECT m.rowid AS place, m.genre, g.last_seen_on + 1 AS left_on
FROM genre_membership m
JOIN gone g ON g.genre = m.genre AND g.artist_id = m.artist_id
WHERE m.left_on IS NULL AND m.provenance = '{provenance}';
INSERT INTO stays SELECT genre, '{provenance}', -count(*) FROM leaving GROUP BY genre;
UPDATE genre_membership m SET left_on = n.left_on FROM leaving n WHERE m.rowid = n.place
