-- Days of artists that are alike, summed before they are counted for each of their genres.
CREATE OR REPLACE TEMP TABLE alike AS
SELECT
    s.kind,
    l.observed_on,
    count(*) AS artists,
    count(*) AS with_followers,
    sum(followers)::BIGINT AS followers_total,
    count(popularity) AS with_popularity,
    sum(popularity)::BIGINT AS popularity_total,
    count(gained) AS compared,
    sum(gained)::BIGINT AS gained,
    0 AS found,
    0 AS found_followers
FROM (
    SELECT
        artist_id,
        observed_on,
        followers,
        popularity,
        CASE WHEN lag(artist_id) OVER () = artist_id AND lag(observed_on) OVER () < observed_on
            THEN followers - lag(followers) OVER () END AS gained
    FROM artist_snapshots
    WHERE followers IS NOT NULL
) l
JOIN sets s ON s.artist_id = l.artist_id
GROUP BY s.kind, l.observed_on;
INSERT INTO alike
SELECT s.kind, r.observed_on, 0, 0, 0, 0, 0, count(r.earlier_on), sum(r.followers - r.earlier_followers),
    count(*) FILTER (r.earlier_on IS NULL), sum(r.followers) FILTER (r.earlier_on IS NULL)
FROM rims r
JOIN sets s ON s.artist_id = r.artist_id
WHERE r.is_head
GROUP BY s.kind, r.observed_on;
INSERT INTO alike
SELECT s.kind, n.observed_on, count(*), 0, 0, count(n.popularity), sum(n.popularity), 0, 0, 0, 0
FROM artist_snapshots n
JOIN sets s ON s.artist_id = n.artist_id
WHERE n.followers IS NULL
GROUP BY s.kind, n.observed_on;
INSERT INTO shifts
SELECT
    genre,
    observed_on,
    sum(artists),
    sum(with_followers),
    coalesce(sum(followers_total), 0),
    sum(with_popularity),
    coalesce(sum(popularity_total), 0),
    sum(compared),
    coalesce(sum(gained), 0),
    sum(found),
    coalesce(sum(found_followers), 0)
FROM alike
JOIN (SELECT kind, unnest(list_append(genres, '')) AS genre FROM kinds) USING (kind)
GROUP BY genre, observed_on
