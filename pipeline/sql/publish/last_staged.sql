-- Of each artist with new snapshots the last of them, as merged.
CREATE OR REPLACE TEMP TABLE last_snapshots AS
SELECT s.artist_id AS key, s.observed_on, s.followers, s.popularity
FROM state_snapshots s
JOIN (SELECT artist_id, max(observed_on) AS observed_on FROM staged_artist_snapshots GROUP BY artist_id) n
    ON s.observed_on = n.observed_on AND s.artist_id = n.artist_id
