-- One row per answer, in the order of the files, its objects under one name per kind. `file`: how many ends of files stand before it.
-- For the strict reader, which fills in what is in braces: where the endpoints to be read have objects, total and next.
CREATE OR REPLACE TEMP TABLE answers AS
SELECT *, coalesce({counts})::INTEGER AS returned, next IS NULL AS nothing_next
FROM (
    SELECT
        (count(*) FILTER (endpoint = $end) OVER (ROWS UNBOUNDED PRECEDING))::INTEGER AS file,
        row_number() OVER () AS line,
        endpoint,
        unparsed,
        fetched_at,
        try_cast(fetched_at[:10] AS DATE) AS observed_on,
        lower(trim(request.genre)) AS genre,
        request.sweep_on AS sweep_told,
        try_cast(request.sweep_on[:10] AS DATE) AS sweep_on,
        request.artist_id AS artist_id,
        request."group" AS album_group,
        request.album_id AS album_id,
        request."offset" AS page_offset,
        request."limit" AS page_limit,
        request.known_total AS known_total,
        {objects},
        coalesce({total}) AS total,
        coalesce({next}) AS next
    FROM read_json($paths, format = 'newline_delimited', compression = 'zstd', columns = $columns)
)
