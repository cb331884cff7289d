-- One row per artist and day.
SELECT file, artist_id, observed_on, followers, popularity
FROM artist_objects
ANTI JOIN artist_repeats USING (file, artist_id, observed_on)
UNION ALL
SELECT file, artist_id, observed_on, arg_min(followers, place) AS followers, arg_min(popularity, place) AS popularity
FROM artist_objects
SEMI JOIN artist_repeats USING (file, artist_id, observed_on)
GROUP BY file, artist_id, observed_on
