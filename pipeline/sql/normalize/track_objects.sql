-- One row per track object: embedded in an album first, then from pages of tracks.
SELECT
    row_number() OVER () AS place,
    file,
    line,
    observed_on,
    album_id,
    object.id AS track_id,
    object.name,
    object.disc_number,
    object.track_number,
    object.duration_ms,
    object.explicit,
    object.popularity,
    object.external_ids.isrc AS isrc,
    object.external_urls.spotify AS spotify_url,
    object.artists AS credits,
    embedded
FROM (
    SELECT true AS embedded, file, line, observed_on, album_id, unnest(tracks.items) AS object FROM album_objects
    UNION ALL
    SELECT false AS embedded, file, line, observed_on, album_id, unnest(tracks) AS object FROM answers
)
WHERE object.id IS NOT NULL
