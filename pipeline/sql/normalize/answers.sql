-- One row per answer, in the order of the file; the objects it holds under one name per kind.
CREATE OR REPLACE TEMP TABLE answers AS
SELECT
    line,
    endpoint,
    unparsed,
    try_cast(fetched_at[:10] AS DATE) AS observed_on,
    lower(trim(request.genre)) AS genre,
    try_cast(request.sweep_on AS DATE) AS sweep_on,
    request.artist_id AS artist_id,
    request."group" AS album_group,
    request.album_id AS album_id,
    request."offset" AS page_offset,
    request."limit" AS page_limit,
    CASE endpoint WHEN 'search' THEN search.artists.items WHEN 'artists' THEN artists.artists WHEN 'artist' THEN [artist] END AS artists,
    CASE endpoint WHEN 'artist_albums' THEN artist_albums.items WHEN 'albums' THEN albums.albums WHEN 'album' THEN [album] END AS albums,
    CASE endpoint WHEN 'album_tracks' THEN album_tracks.items END AS tracks,
    CASE endpoint
        WHEN 'search' THEN search.artists.total WHEN 'artist_albums' THEN artist_albums.total WHEN 'album_tracks' THEN album_tracks.total
    END AS total,
    CASE endpoint
        WHEN 'search' THEN search.artists.next WHEN 'artist_albums' THEN artist_albums.next WHEN 'album_tracks' THEN album_tracks.next
    END IS NULL AS nothing_next
FROM (SELECT row_number() OVER () AS line, * FROM {source})
