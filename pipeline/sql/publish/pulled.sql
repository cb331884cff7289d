-- Rows of a history file that staged ones will change: from now on they stand in state_snapshots, where they are merged.
INSERT INTO state_snapshots
SELECT artist_id, observed_on, followers, popularity
FROM read_parquet({file}, hive_partitioning = false)
SEMI JOIN (
    SELECT DISTINCT artist_id, observed_on
    FROM staged_artist_snapshots
    WHERE observed_on BETWEEN $1 AND $2
) USING (artist_id, observed_on)
ANTI JOIN (
    SELECT artist_id, observed_on
    FROM state_snapshots
    WHERE observed_on BETWEEN $1 AND $2
) USING (artist_id, observed_on)
