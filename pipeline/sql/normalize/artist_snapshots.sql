-- One row per artist and day.
SELECT file, artist_id, observed_on, arg_min(followers, place) AS followers, arg_min(popularity, place) AS popularity
FROM artist_objects
GROUP BY file, artist_id, observed_on
