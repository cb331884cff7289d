-- One row per artist, genre and provenance: first and last day seen under it.
MERGE INTO artist_genres p
USING (
    SELECT s.*, a.artist_no, k.place
    FROM (
        SELECT artist_id, genre, provenance, min(observed_on) AS first_seen_on, max(observed_on) AS last_seen_on
        FROM staged_artist_genres
        GROUP BY artist_id, genre, provenance
    ) s
    LEFT JOIN known_artists a ON a.artist_id = s.artist_id
    LEFT JOIN known_genres k ON k.artist_id = s.artist_id AND k.genre = s.genre AND k.provenance = s.provenance
    ORDER BY a.artist_no
) n
ON p.rowid = n.place
WHEN MATCHED THEN UPDATE SET
    first_seen_on = least(n.first_seen_on, p.first_seen_on),
    last_seen_on = greatest(n.last_seen_on, p.last_seen_on)
WHEN NOT MATCHED THEN INSERT (artist_id, artist_no, genre, provenance, first_seen_on, last_seen_on)
    VALUES (n.artist_id, n.artist_no, n.genre, n.provenance, n.first_seen_on, n.last_seen_on)
