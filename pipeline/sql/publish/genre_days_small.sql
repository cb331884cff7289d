-- Every day of every genre at once.
DELETE FROM genre_days;
INSERT INTO genre_days
WITH linked AS (
    SELECT
        artist_id AS key,
        observed_on,
        followers,
        popularity,
        max(CASE WHEN followers IS NOT NULL THEN observed_on END) OVER w AS earlier_on,
        last_value(followers IGNORE NULLS) OVER w AS earlier_followers
    FROM artist_snapshots
    WINDOW w AS (PARTITION BY artist_id ORDER BY observed_on ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
),
entered AS (
    SELECT artist_id AS key, genre, min(first_seen_on) AS entered_on
    FROM artist_genres
    GROUP BY artist_id, genre
    UNION ALL
    SELECT DISTINCT artist_id, '', DATE '0001-01-01' FROM artist_snapshots
),
{counted}SELECT
    genre,
    observed_on,
    count(*),
    count(followers),
    sum(followers),
    count(popularity),
    sum(popularity),
    count(*) FILTER (is_compared),
    sum(followers - earlier_followers) FILTER (is_compared),
    count(*) FILTER (is_found),
    sum(followers) FILTER (is_found)
FROM counted
GROUP BY genre, observed_on
ORDER BY genre, observed_on
