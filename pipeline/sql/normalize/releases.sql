-- Attributes of a release on a day. Days are told as '2021', '2021-05' and '2021-05-17', by their own shape; the year 0000,
-- which Spotify gives for unknown, is no date.
SELECT
    file,
    album_id,
    observed_on,
    name,
    lower(album_type) AS album_type,
    CASE
        WHEN release_date[:4] = '0000' THEN NULL
        WHEN regexp_full_match(release_date, '\d{4}') THEN try_cast(release_date || '-01-01' AS DATE)
        WHEN regexp_full_match(release_date, '\d{4}-\d{2}') THEN try_cast(release_date || '-01' AS DATE)
        WHEN regexp_full_match(release_date, '\d{4}-\d{2}-\d{2}') THEN try_cast(release_date AS DATE)
    END AS release_date,
    release_date AS release_date_text,
    release_date_precision,
    total_tracks,
    label,
    popularity,
    upc,
    image_url,
    spotify_url
FROM album_days
