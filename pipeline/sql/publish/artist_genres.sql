-- One row per artist, genre and provenance: first and last day seen under it.
MERGE INTO artist_genres p
USING (
    SELECT s.*, a.artist_no
    FROM (
        SELECT artist_id, genre, provenance, min(observed_on) AS first_seen_on, max(observed_on) AS last_seen_on
        FROM staged_artist_genres
        GROUP BY artist_id, genre, provenance
    ) s
    LEFT JOIN artists a ON a.artist_id = s.artist_id
    ORDER BY a.artist_no, s.artist_id, genre
) n
ON p.artist_id = n.artist_id AND p.genre = n.genre AND p.provenance = n.provenance
WHEN MATCHED THEN UPDATE SET
    first_seen_on = least(n.first_seen_on, p.first_seen_on),
    last_seen_on = greatest(n.last_seen_on, p.last_seen_on)
WHEN NOT MATCHED THEN INSERT BY NAME
