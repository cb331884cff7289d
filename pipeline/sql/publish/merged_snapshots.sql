-- What staged snapshots say: of several answers on a day the last that knew a number gives it.
CREATE OR REPLACE TEMP VIEW merged_snapshots AS
SELECT artist_id, observed_on, arg_max(followers, arrival) AS followers, arg_max(popularity, arrival) AS popularity
FROM staged_artist_snapshots
GROUP BY artist_id, observed_on
