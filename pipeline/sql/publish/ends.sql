-- Artists with new days: the first number, the last and the one before it. Most have one new number, behind those known.
CREATE OR REPLACE TEMP TABLE ends AS
SELECT
    t.key,
    t.artist_id,
    t.artist_no,
    s.observed_on AS until,
    s.followers,
    CASE WHEN g.until < s.observed_on THEN g.until ELSE g.previous_on END AS previous_on,
    CASE WHEN g.until < s.observed_on THEN g.followers ELSE g.previous_followers END AS previous_followers,
    CASE WHEN g.first_on < s.observed_on THEN g.first_on ELSE s.observed_on END AS first_on,
    CASE WHEN g.first_on < s.observed_on THEN g.first_followers ELSE s.followers END AS first_followers
FROM seen s
ANTI JOIN often USING (key)
JOIN touched t ON t.key = s.key
LEFT JOIN known_growth g ON g.key = s.key
WHERE s.followers IS NOT NULL AND NOT coalesce(t.since < g.until, false);

-- Of the others all that is known is put together; of those with a late day every number is read again.
CREATE OR REPLACE TEMP TABLE moved AS
SELECT
    t.key,
    t.artist_id,
    t.artist_no,
    t.since,
    g.until,
    g.followers,
    g.previous_on,
    g.previous_followers,
    g.first_on,
    g.first_followers,
    coalesce(t.since < g.until, false) AS late
FROM touched t
LEFT JOIN known_growth g ON g.key = t.key
WHERE t.since IS NOT NULL AND (t.since < g.until OR t.key IN (SELECT key FROM often));
{given moved}
CREATE OR REPLACE TEMP TABLE numbers AS
WITH more AS (FROM moved WHERE NOT late)
SELECT key, first_on AS observed_on, first_followers AS followers FROM more WHERE first_on < since
UNION ALL
SELECT key, previous_on, previous_followers FROM more WHERE previous_on < since AND previous_on > first_on
UNION ALL
SELECT key, until, followers FROM more WHERE until < since AND until > first_on
UNION ALL
SELECT s.key, s.observed_on, s.followers FROM seen s SEMI JOIN more USING (key) WHERE s.followers IS NOT NULL;
INSERT INTO numbers
SELECT m.key, s.observed_on, s.followers
FROM artist_snapshots s
JOIN moved m ON m.artist_id = s.artist_id
WHERE m.late AND s.followers IS NOT NULL;
INSERT INTO ends
SELECT
    key,
    m.artist_id,
    m.artist_no,
    last_two[1].observed_on,
    last_two[1].followers,
    last_two[2].observed_on,
    last_two[2].followers,
    n.first_on,
    n.first_followers
FROM (
    SELECT
        key,
        arg_max(struct_pack(observed_on, followers), observed_on, 2) AS last_two,
        min(observed_on) AS first_on,
        arg_min(followers, observed_on) AS first_followers
    FROM numbers
    GROUP BY key
) n
JOIN moved m USING (key)
