-- An artist shows the numbers of its last day, absent ones too.
UPDATE artists a
SET followers = s.followers, popularity = s.popularity, last_seen_on = s.observed_on
FROM (
    SELECT s.artist_id, s.observed_on, s.followers, s.popularity
    FROM state_snapshots s
    JOIN (SELECT artist_id, max(observed_on) AS observed_on FROM staged_artist_snapshots GROUP BY artist_id) n
        ON s.observed_on = n.observed_on AND s.artist_id = n.artist_id
) s
WHERE a.artist_id = s.artist_id AND s.observed_on >= a.last_seen_on
