-- One row per artist object, in the order received.
SELECT
    row_number() OVER () AS place,
    file,
    line,
    observed_on,
    genre AS asked_genre,
    object.id AS artist_id,
    object.name,
    object.genres,
    object.images[1].url AS image_url,
    object.external_urls.spotify AS spotify_url,
    object.followers.total AS followers,
    object.popularity
FROM (SELECT file, line, observed_on, genre, unnest(artists) AS object FROM answers)
WHERE object.id IS NOT NULL
