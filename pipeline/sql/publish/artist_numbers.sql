-- An artist shows the numbers of its last day, absent ones too.
UPDATE artists a
SET followers = s.followers, popularity = s.popularity, last_seen_on = s.observed_on
FROM last_snapshots s
WHERE a.artist_id = s.artist_id AND s.observed_on >= a.last_seen_on
