-- New numbers of artists: those from the first new day on. Of an artist with a late day every number is read again.
CREATE OR REPLACE TEMP TABLE moved AS
SELECT t.artist_id, t.since, g.until, g.followers, g.previous_on, g.previous_followers, g.first_on, g.first_followers,
    coalesce(t.since < g.until, false) AS late
FROM touched t
LEFT JOIN known_growth g ON g.artist_id = t.artist_id
WHERE t.since IS NOT NULL;
SET VARIABLE moved_since = (SELECT min(since) FROM moved WHERE NOT late);
CREATE OR REPLACE TEMP TABLE numbers AS
SELECT artist_id, first_on AS observed_on, first_followers AS followers FROM moved WHERE NOT late AND first_on < since
UNION ALL
SELECT artist_id, previous_on, previous_followers FROM moved WHERE NOT late AND previous_on < since AND previous_on > first_on
UNION ALL
SELECT artist_id, until, followers FROM moved WHERE NOT late AND until < since AND until > first_on;
INSERT INTO numbers
SELECT s.artist_id, s.observed_on, s.followers
FROM recent_snapshots s
JOIN moved m ON m.artist_id = s.artist_id
WHERE NOT m.late AND s.observed_on >= m.since AND s.observed_on >= getvariable('moved_since') AND s.followers IS NOT NULL;
INSERT INTO numbers
SELECT s.artist_id, s.observed_on, s.followers
FROM artist_snapshots s
JOIN moved m ON m.artist_id = s.artist_id
WHERE m.late AND s.followers IS NOT NULL;

-- The first, the last and the one before it.
CREATE OR REPLACE TEMP TABLE ends AS
SELECT
    artist_id,
    last_two[1].observed_on AS until,
    last_two[1].followers AS followers,
    last_two[2].observed_on AS previous_on,
    last_two[2].followers AS previous_followers,
    first_on,
    first_followers
FROM (
    SELECT
        artist_id,
        arg_max(struct_pack(observed_on, followers), observed_on, 2) AS last_two,
        min(observed_on) AS first_on,
        arg_min(followers, observed_on) AS first_followers
    FROM numbers
    GROUP BY artist_id
)
