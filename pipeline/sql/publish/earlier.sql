-- The last number of each touched artist before the days that may change: from the two kept, else from its history.
SET VARIABLE touched_since = (SELECT min(since) FROM touched);
CREATE OR REPLACE TEMP TABLE earlier AS
SELECT
    t.key,
    CASE WHEN g.until < t.since THEN g.until ELSE g.previous_on END AS earlier_on,
    CASE WHEN g.until < t.since THEN g.followers ELSE g.previous_followers END AS earlier_followers
FROM touched t
JOIN known_growth g ON g.key = t.key
WHERE g.until < t.since OR g.previous_on < t.since;
CREATE OR REPLACE TEMP TABLE late AS
SELECT t.key, t.artist_id, t.since
FROM touched t
JOIN known_growth g ON g.key = t.key
WHERE g.previous_on >= t.since AND g.first_on < t.since;
{given late}
INSERT INTO earlier
SELECT late.key, max(s.observed_on), arg_max(s.followers, s.observed_on)
FROM artist_snapshots s
JOIN late ON late.artist_id = s.artist_id
WHERE s.observed_on < late.since AND s.followers IS NOT NULL
GROUP BY late.key
