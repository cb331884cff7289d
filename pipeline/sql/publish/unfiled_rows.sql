-- The rows of some days that stand in no history file, in the order of ids and days.
SELECT a.artist_no, s.observed_on, s.followers, s.popularity
FROM state_snapshots s
JOIN artists a ON a.artist_id = s.artist_id
WHERE s.observed_on BETWEEN $1 AND $2
ORDER BY s.artist_id, s.observed_on
