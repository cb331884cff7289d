-- Days of artists that are alike: rows that are no part of a history file, first days of stretches, days without a number.
CREATE OR REPLACE TEMP TABLE alike AS
SELECT
    s.kind,
    t.observed_on,
    count(*) AS artists,
    count(*) AS with_followers,
    sum(t.followers)::BIGINT AS followers_total,
    count(t.popularity) AS with_popularity,
    sum(t.popularity)::BIGINT AS popularity_total,
    0::BIGINT AS gained,
    0::BIGINT AS found,
    0::BIGINT AS found_followers
FROM state_snapshots t
JOIN sets s ON s.artist_id = t.artist_id
WHERE t.followers IS NOT NULL
GROUP BY s.kind, t.observed_on;
INSERT INTO alike
SELECT s.kind, r.first_on, 0, 0, 0, 0, 0, sum(r.first_followers - r.earlier_followers),
    count(*) FILTER (r.earlier_on IS NULL), sum(r.first_followers) FILTER (r.earlier_on IS NULL)
FROM rims r
JOIN sets s ON s.artist_id = r.artist_id
GROUP BY s.kind, r.first_on;
INSERT INTO alike
SELECT s.kind, n.observed_on, count(*), 0, 0, count(n.popularity), sum(n.popularity), 0, 0, 0
FROM artist_snapshots n
JOIN sets s ON s.artist_id = n.artist_id
WHERE n.followers IS NULL
GROUP BY s.kind, n.observed_on
