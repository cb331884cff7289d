-- Ends of stretches, each with the number before it, which for a head is the last one of an earlier stretch.
CREATE OR REPLACE TEMP TABLE rims AS
SELECT
    artist_id,
    observed_on,
    followers,
    is_head,
    CASE WHEN is_head THEN lag(observed_on) OVER w ELSE earlier_on END AS earlier_on,
    CASE WHEN is_head THEN lag(followers) OVER w ELSE earlier_followers END AS earlier_followers
FROM stretches
WINDOW w AS (PARTITION BY artist_id ORDER BY observed_on);
DROP TABLE stretches
