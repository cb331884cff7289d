-- The rows of a history file that nothing overrides: from now on they stand in state_snapshots.
INSERT INTO state_snapshots
SELECT artist_id, observed_on, followers, popularity
FROM read_parquet({file}, hive_partitioning = false)
ANTI JOIN state_snapshots USING (artist_id, observed_on)
WHERE observed_on <= $1
