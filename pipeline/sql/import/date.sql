-- Names and genres that carry no date, as in tables of their own, belong to the last day on which the same import saw the artist;
-- numbers belong to no day that is not theirs.
UPDATE given SET day = dated.day, followers = NULL, popularity = NULL
FROM (SELECT artist_id, max(day) AS day FROM given WHERE day IS NOT NULL GROUP BY artist_id) AS dated
WHERE given.artist_id = dated.artist_id AND given.day IS NULL AND given.told;
-- An id with no more than a name, and no day, is no history: it says whom to follow.
UPDATE given SET told = false
WHERE told AND day IS NULL AND followers IS NULL AND popularity IS NULL AND genres IS NULL
