-- The first number of every artist, the last one, and the one before it.
CREATE OR REPLACE TEMP TABLE ends AS
SELECT
    artist_id,
    max(observed_on) AS until,
    arg_max(followers, observed_on) AS followers,
    arg_max_null(earlier_on, observed_on) AS previous_on,
    arg_max_null(earlier_followers, observed_on) AS previous_followers,
    min(observed_on) AS first_on,
    arg_min(followers, observed_on) AS first_followers
FROM rims
GROUP BY artist_id
