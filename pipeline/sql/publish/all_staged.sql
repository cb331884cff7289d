-- In a database built from nothing every merged snapshot is new to the steps that follow.
CREATE OR REPLACE TEMP VIEW staged_artist_snapshots AS
SELECT *, (observed_on - DATE '1970-01-01') AS arrival, arrival AS moment
FROM artist_snapshots;
CREATE OR REPLACE TEMP TABLE last_snapshots AS
SELECT artist_id AS key, max(observed_on) AS observed_on, arg_max_null(followers, observed_on) AS followers,
    arg_max_null(popularity, observed_on) AS popularity
FROM artist_snapshots
GROUP BY artist_id
