-- What the touched days of touched artists are worth to their genres: taken away before the merges, added after them.
CREATE OR REPLACE TEMP TABLE seen AS
SELECT s.artist_id, s.observed_on, s.followers, s.popularity
FROM recent_snapshots s
JOIN touched t ON t.artist_id = s.artist_id
WHERE s.observed_on >= t.since AND s.observed_on >= getvariable('touched_since');
CREATE OR REPLACE TEMP TABLE often AS SELECT artist_id FROM seen GROUP BY artist_id HAVING count(*) > 1;
INSERT INTO shifts
WITH linked AS (
    SELECT s.*, e.earlier_on, e.earlier_followers
    FROM seen s
    ANTI JOIN often USING (artist_id)
    LEFT JOIN earlier e ON e.artist_id = s.artist_id
    UNION ALL
    SELECT
        s.*,
        coalesce(max(CASE WHEN s.followers IS NOT NULL THEN s.observed_on END) OVER w, e.earlier_on),
        coalesce(last_value(s.followers IGNORE NULLS) OVER w, e.earlier_followers)
    FROM seen s
    SEMI JOIN often USING (artist_id)
    LEFT JOIN earlier e ON e.artist_id = s.artist_id
    WINDOW w AS (PARTITION BY s.artist_id ORDER BY s.observed_on ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
),
entered AS (
    SELECT artist_id, genre, min(first_seen_on) AS entered_on
    FROM known_genres
    SEMI JOIN seen USING (artist_id)
    GROUP BY artist_id, genre
    UNION ALL
    SELECT DISTINCT artist_id, '', DATE '0001-01-01' FROM seen
),
{counted}SELECT
    genre,
    observed_on,
    {sign} * count(*),
    {sign} * count(followers),
    {sign} * coalesce(sum(followers), 0),
    {sign} * count(popularity),
    {sign} * coalesce(sum(popularity), 0),
    {sign} * count(*) FILTER (is_compared),
    {sign} * coalesce(sum(followers - earlier_followers) FILTER (is_compared), 0),
    {sign} * count(*) FILTER (is_found),
    {sign} * coalesce(sum(followers) FILTER (is_found), 0)
FROM counted
GROUP BY genre, observed_on
