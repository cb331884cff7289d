-- Where the rows of an artist begin and end in each sorted stretch of snapshots, read once, in the order they lie in; each
-- with the number before it. Everything between is linked by looking one row back.
CREATE OR REPLACE TEMP TABLE rims AS
SELECT
    artist_id,
    observed_on,
    followers,
    is_head,
    coalesce(CASE WHEN NOT is_head THEN earlier_on END, lag(observed_on) OVER w) AS earlier_on,
    coalesce(CASE WHEN NOT is_head THEN earlier_followers END, lag(followers) OVER w) AS earlier_followers
FROM (
    SELECT *
    FROM (
        SELECT
            artist_id,
            observed_on,
            followers,
            coalesce(lag(artist_id) OVER () <> artist_id OR lag(observed_on) OVER () >= observed_on, true) AS is_head,
            coalesce(lead(artist_id) OVER () <> artist_id OR lead(observed_on) OVER () <= observed_on, true) AS is_tail,
            lag(observed_on) OVER () AS earlier_on,
            lag(followers) OVER () AS earlier_followers
        FROM artist_snapshots
        WHERE followers IS NOT NULL
    )
    WHERE is_head OR is_tail
)
WINDOW w AS (PARTITION BY artist_id ORDER BY observed_on)
