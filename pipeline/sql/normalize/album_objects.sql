-- One row per album object, simplified or full, in the order received.
SELECT
    row_number() OVER () AS place,
    file,
    line,
    observed_on,
    object.id AS album_id,
    object.name,
    object.album_type,
    object.release_date,
    object.release_date_precision,
    object.total_tracks,
    object.label,
    object.popularity,
    object.external_ids.upc AS upc,
    object.images[1].url AS image_url,
    object.external_urls.spotify AS spotify_url,
    object.artists AS credits,
    object.tracks AS tracks
FROM (SELECT file, line, observed_on, unnest(albums) AS object FROM answers)
WHERE object.id IS NOT NULL
