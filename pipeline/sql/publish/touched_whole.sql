-- In a database built from nothing every artist is touched, since its first day.
INSERT INTO touched SELECT artist_id, min(observed_on) FROM artist_snapshots GROUP BY artist_id;
INSERT INTO touched SELECT DISTINCT artist_id, NULL::DATE FROM artist_genres
