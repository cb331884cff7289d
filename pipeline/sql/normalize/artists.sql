-- One row per artist and day; of several objects the first that knows a value gives it.
SELECT
    file,
    artist_id,
    observed_on,
    arg_min(name, place) AS name,
    list_sort(list_distinct(arg_min(genres, place))) AS genres,
    arg_min(image_url, place) AS image_url,
    arg_min(spotify_url, place) AS spotify_url
FROM artist_objects
GROUP BY file, artist_id, observed_on
