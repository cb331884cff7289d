-- Attributes of a track on a day.
SELECT
    file,
    track_id,
    observed_on,
    album_id,
    name,
    disc_number,
    track_number,
    duration_ms,
    explicit,
    isrc,
    popularity,
    spotify_url
FROM track_days
