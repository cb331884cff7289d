-- What each row would add: all of a day that is not known, and of a known one what nobody knows yet.
CREATE TEMP TABLE compared AS
WITH days AS (
    SELECT artist_id, observed_on, max(followers) AS followers, max(popularity) AS popularity
    FROM live_artist_snapshots
    WHERE artist_id IN (SELECT artist_id FROM merged)
    GROUP BY artist_id, observed_on
), artists AS (
    SELECT artist_id, max(name) AS name, max(image_url) AS image_url, max(len(genres)) AS genres
    FROM live_artists
    WHERE artist_id IN (SELECT artist_id FROM merged)
    GROUP BY artist_id
), fitted AS (
    SELECT
        m.artist_id,
        m.day,
        m.told,
        m.received,
        d.artist_id IS NOT NULL AS known_day,
        a.artist_id IS NOT NULL AS known_artist,
        CASE WHEN d.artist_id IS NULL OR a.name IS NULL THEN m.name END AS name,
        CASE WHEN d.followers IS NULL THEN m.followers END AS followers,
        CASE WHEN d.popularity IS NULL THEN m.popularity END AS popularity,
        CASE WHEN d.artist_id IS NULL OR a.genres IS NULL THEN m.genres END AS genres,
        CASE WHEN d.artist_id IS NULL OR a.image_url IS NULL THEN m.image_url END AS image_url
    FROM merged m
    LEFT JOIN days d ON d.artist_id = m.artist_id AND d.observed_on = m.day
    LEFT JOIN artists a ON a.artist_id = m.artist_id
)
SELECT
    *,
    CASE WHEN told
        THEN NOT known_day OR followers IS NOT NULL OR popularity IS NOT NULL OR name IS NOT NULL OR coalesce(len(genres), 0) > 0
        ELSE NOT known_artist
    END AS adds
FROM fitted
