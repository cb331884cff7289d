-- One row per answer, in the order of the files (`file`: their places from 0, when they are to be kept apart); the objects it holds under one name per kind. For the strict reader.
CREATE TEMP TABLE answers AS
SELECT *, coalesce(len(artists), len(albums), len(tracks))::INTEGER AS returned, next IS NULL AS nothing_next
FROM (
    SELECT
        CASE WHEN $apart THEN list_position($paths, filename) - 1 ELSE 0 END::INTEGER AS file,
        row_number() OVER () AS line,
        endpoint,
        unparsed,
        try_cast(fetched_at[:10] AS DATE) AS observed_on,
        lower(trim(request.genre)) AS genre,
        try_cast(request.sweep_on[:10] AS DATE) AS sweep_on,
        request.artist_id AS artist_id,
        request."group" AS album_group,
        request.album_id AS album_id,
        request."offset" AS page_offset,
        request."limit" AS page_limit,
        request.known_total AS known_total,
        CASE endpoint WHEN 'search' THEN search.artists.items WHEN 'artists' THEN artists.artists WHEN 'artist' THEN [artist] END AS artists,
        CASE endpoint WHEN 'artist_albums' THEN artist_albums.items WHEN 'albums' THEN albums.albums WHEN 'album' THEN [album] END AS albums,
        CASE endpoint WHEN 'album_tracks' THEN album_tracks.items END AS tracks,
        coalesce(search.artists.total, artist_albums.total, album_tracks.total) AS total,
        coalesce(search.artists.next, artist_albums.next, album_tracks.next) AS next
    FROM read_json($paths, format = 'newline_delimited', compression = 'zstd', columns = $columns, filename = true)
)
