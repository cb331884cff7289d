-- The last snapshot of each artist in a month, of those without a later one.
INSERT INTO last_snapshots
SELECT artist_id, max(observed_on), arg_max_null(followers, observed_on), arg_max_null(popularity, observed_on)
FROM artist_snapshots
ANTI JOIN last_snapshots USING (artist_id)
WHERE {within}
GROUP BY artist_id
