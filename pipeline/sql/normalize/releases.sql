-- Attributes of a release on a day.
SELECT
    file,
    album_id,
    observed_on,
    name,
    lower(album_type) AS album_type,
    first_day(release_date) AS release_date,
    release_date AS release_date_text,
    release_date_precision,
    total_tracks,
    label,
    popularity,
    upc,
    image_url,
    spotify_url
FROM album_days
