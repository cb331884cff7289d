-- In a database built from nothing every merged snapshot is new to the steps that follow.
CREATE OR REPLACE TEMP VIEW staged_artist_snapshots AS
SELECT *, (observed_on - DATE '1970-01-01') AS arrival, arrival AS moment
FROM artist_snapshots
