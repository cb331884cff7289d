-- Where the numbers of an artist begin and end in each sorted stretch of snapshots: in a table every row is a stretch.
CREATE OR REPLACE TEMP TABLE stretches AS
SELECT
    artist_id,
    observed_on,
    followers,
    true AS is_head,
    NULL::DATE AS earlier_on,
    NULL::BIGINT AS earlier_followers
FROM state_snapshots
WHERE followers IS NOT NULL
