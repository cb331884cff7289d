-- One row per artist and day: of several answers on a day the last that knew a number gives it.
MERGE INTO state_snapshots p
USING (
    SELECT artist_id, observed_on, arg_max(followers, arrival) AS followers, arg_max(popularity, arrival) AS popularity
    FROM staged_artist_snapshots
    GROUP BY artist_id, observed_on
    ORDER BY observed_on, artist_id
) n
ON p.observed_on = n.observed_on AND p.artist_id = n.artist_id
WHEN MATCHED THEN UPDATE SET followers = coalesce(n.followers, p.followers), popularity = coalesce(n.popularity, p.popularity)
WHEN NOT MATCHED THEN INSERT BY NAME
