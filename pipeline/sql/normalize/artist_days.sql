-- One row per artist and day; of several objects the first that knows a value gives it.
SELECT
    file,
    artist_id,
    observed_on,
    arg_min(name, place) AS name,
    arg_min(genres, place) AS genres,
    arg_min(image_url, place) AS image_url,
    arg_min(spotify_url, place) AS spotify_url,
    arg_min(followers, place) AS followers,
    arg_min(popularity, place) AS popularity
FROM artist_objects
GROUP BY file, artist_id, observed_on
