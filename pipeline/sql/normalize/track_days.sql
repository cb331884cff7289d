-- One row per track and day; of several objects the first that knows a value gives it.
SELECT
    file,
    track_id,
    observed_on,
    arg_min(album_id, place) AS album_id,
    arg_min(name, place) AS name,
    arg_min(disc_number, place) AS disc_number,
    arg_min(track_number, place) AS track_number,
    arg_min(duration_ms, place) AS duration_ms,
    arg_min(explicit, place) AS explicit,
    arg_min(isrc, place) AS isrc,
    arg_min(popularity, place) AS popularity,
    arg_min(spotify_url, place) AS spotify_url
FROM track_objects
GROUP BY file, track_id, observed_on
