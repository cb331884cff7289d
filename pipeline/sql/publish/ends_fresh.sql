-- The first number of every artist, the last one, and the one before it.
CREATE OR REPLACE TEMP TABLE ends AS
SELECT a.artist_no AS key, e.artist_id, a.artist_no, e.* EXCLUDE (artist_id)
FROM (
    SELECT
        artist_id,
        max(last_on) AS until,
        arg_max(last_followers, last_on) AS followers,
        arg_max_null(coalesce(previous_on, earlier_on), last_on) AS previous_on,
        arg_max_null(coalesce(previous_followers, earlier_followers), last_on) AS previous_followers,
        min(first_on) AS first_on,
        arg_min(first_followers, first_on) AS first_followers
    FROM rims
    GROUP BY artist_id
) e
JOIN artists a ON a.artist_id = e.artist_id
