-- First, last and last but one number of an artist in each sorted stretch of snapshots: in a table every row is a stretch.
CREATE OR REPLACE TEMP TABLE stretches AS
SELECT
    artist_id,
    observed_on AS first_on,
    followers AS first_followers,
    observed_on AS last_on,
    followers AS last_followers,
    NULL::DATE AS previous_on,
    NULL::BIGINT AS previous_followers
FROM state_snapshots
WHERE followers IS NOT NULL
