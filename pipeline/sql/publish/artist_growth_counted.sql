-- What each artist gained until the last number, from what was counted.
INSERT INTO artist_growth BY NAME
SELECT c.* EXCLUDE ({all_before_names}), a.artist_id, {all_gained}
FROM counted_growth c
JOIN (SELECT artist_id, artist_no FROM artists) a ON a.artist_no = c.artist_no
ORDER BY c.artist_no
