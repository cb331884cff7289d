-- One row per artist, genre and provenance: first and last day seen under it.
CREATE OR REPLACE TEMP TABLE news AS
SELECT
    n.artist_id,
    n.genre,
    n.provenance,
    least(n.first_seen_on, p.first_seen_on) AS first_seen_on,
    greatest(n.last_seen_on, p.last_seen_on) AS last_seen_on
FROM (
    SELECT artist_id, genre, provenance, min(observed_on) AS first_seen_on, max(observed_on) AS last_seen_on
    FROM staged_artist_genres
    GROUP BY artist_id, genre, provenance
) n
LEFT JOIN artist_genres p USING (artist_id, genre, provenance);
DELETE FROM artist_genres p USING news n WHERE p.artist_id = n.artist_id AND p.genre = n.genre AND p.provenance = n.provenance;
INSERT INTO artist_genres BY NAME SELECT * FROM news ORDER BY artist_id, genre, provenance;
