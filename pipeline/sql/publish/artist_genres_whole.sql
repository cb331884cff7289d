-- The same of a table without rows.
INSERT INTO artist_genres BY NAME
SELECT s.*, a.artist_no
FROM (
    SELECT artist_id, genre, provenance, min(observed_on) AS first_seen_on, max(observed_on) AS last_seen_on
    FROM staged_artist_genres
    GROUP BY artist_id, genre, provenance
) s
LEFT JOIN known_artists a ON a.artist_id = s.artist_id
ORDER BY a.artist_no
