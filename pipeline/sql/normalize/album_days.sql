-- One row per release and day; of several objects the first that knows a value gives it, so a full album adds what the simplified one leaves out.
SELECT
    file,
    album_id,
    observed_on,
    arg_min(name, place) AS name,
    arg_min(album_type, place) AS album_type,
    arg_min(release_date, place) AS release_date,
    arg_min(release_date_precision, place) AS release_date_precision,
    arg_min(total_tracks, place) AS total_tracks,
    arg_min(label, place) AS label,
    arg_min(popularity, place) AS popularity,
    arg_min(upc, place) AS upc,
    arg_min(image_url, place) AS image_url,
    arg_min(spotify_url, place) AS spotify_url
FROM album_objects
GROUP BY file, album_id, observed_on
