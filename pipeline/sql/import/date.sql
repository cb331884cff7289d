-- What carries no date belongs to the last day on which the same import saw the artist: names and genres in tables of their own.
UPDATE given SET day = dated.day
FROM (SELECT artist_id, max(day) AS day FROM given WHERE day IS NOT NULL GROUP BY artist_id) AS dated
WHERE given.artist_id = dated.artist_id AND given.day IS NULL AND given.told
