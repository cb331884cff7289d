-- One row per release and day; a full album adds what the simplified one leaves out.
SELECT
    file,
    album_id,
    observed_on,
    arg_min(name, place) AS name,
    arg_min(lower(album_type), place) AS album_type,
    first_day(arg_min(release_date, place)) AS release_date,
    arg_min(release_date, place) AS release_date_text,
    arg_min(release_date_precision, place) AS release_date_precision,
    arg_min(total_tracks, place) AS total_tracks,
    arg_min(label, place) AS label,
    arg_min(popularity, place) AS popularity,
    arg_min(upc, place) AS upc,
    arg_min(image_url, place) AS image_url,
    arg_min(spotify_url, place) AS spotify_url
FROM album_objects
GROUP BY file, album_id, observed_on
