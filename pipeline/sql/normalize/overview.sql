-- One row per endpoint: answers that are not as declared although the strict reader took them, and objects to be found in the others.
SELECT
    endpoint,
    count(*) FILTER (
        unparsed IS NOT NULL OR observed_on IS NULL OR returned IS NULL
        OR (endpoint = 'search' AND (genre IS NULL OR sweep_on IS NULL OR page_offset IS NULL))
        OR (endpoint = 'artist_albums' AND (artist_id IS NULL OR album_group IS NULL OR page_offset IS NULL))
        OR (endpoint = 'album_tracks' AND (album_id IS NULL OR page_offset IS NULL))
        OR is_odd_day(fetched_at, observed_on) OR is_odd_day(sweep_told, sweep_on) OR is_odd(genre) OR is_odd(album_group) OR is_odd(next)
        OR is_odd_id(artist_id) OR is_odd_id(album_id) OR page_offset < 0 OR page_limit < 0 OR known_total < 0 OR total < 0
    ) AS doubtful,
    sum(returned)::BIGINT AS objects
FROM answers
GROUP BY endpoint
