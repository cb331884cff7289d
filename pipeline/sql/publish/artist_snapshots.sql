-- One row per artist and day.
MERGE INTO state_snapshots p
USING (
    FROM merged_snapshots
    ORDER BY observed_on, artist_id
) n
ON p.observed_on = n.observed_on AND p.artist_id = n.artist_id
WHEN MATCHED THEN UPDATE SET followers = coalesce(n.followers, p.followers), popularity = coalesce(n.popularity, p.popularity)
WHEN NOT MATCHED THEN INSERT BY NAME
