-- The same in a table without rows.
INSERT INTO state_snapshots BY NAME
FROM merged_snapshots
ORDER BY observed_on, artist_id
