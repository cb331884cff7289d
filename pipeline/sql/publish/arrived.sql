-- What new snapshots say, in the order in which they will lie.
CREATE OR REPLACE TEMP TABLE arrived AS
FROM merged_snapshots
ORDER BY observed_on, artist_id
