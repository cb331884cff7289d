-- One row per artist and day; of several objects the first that knows a value gives it.
SELECT file, artist_id, observed_on, name, list_sort(list_distinct(genres)) AS genres, image_url, spotify_url
FROM artist_objects
ANTI JOIN artist_repeats USING (file, artist_id, observed_on)
UNION ALL
SELECT
    file,
    artist_id,
    observed_on,
    arg_min(name, place) AS name,
    list_sort(list_distinct(arg_min(genres, place))) AS genres,
    arg_min(image_url, place) AS image_url,
    arg_min(spotify_url, place) AS spotify_url
FROM artist_objects
SEMI JOIN artist_repeats USING (file, artist_id, observed_on)
GROUP BY file, artist_id, observed_on
