-- What the touched days of touched artists are worth to their genres: taken away before the merges, added after them.
{given seen}
INSERT INTO shifts
WITH linked AS (
    SELECT s.*, e.earlier_on, e.earlier_followers
    FROM seen s
    ANTI JOIN often USING (key)
    LEFT JOIN earlier e ON e.key = s.key
    UNION ALL
    SELECT
        s.*,
        coalesce(max(CASE WHEN s.followers IS NOT NULL THEN s.observed_on END) OVER w, e.earlier_on),
        coalesce(last_value(s.followers IGNORE NULLS) OVER w, e.earlier_followers)
    FROM seen s
    SEMI JOIN often USING (key)
    LEFT JOIN earlier e ON e.key = s.key
    WINDOW w AS (PARTITION BY s.key ORDER BY s.observed_on ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
),
entered AS (
    SELECT key, genre, entered_on FROM known_members
    UNION ALL
    SELECT key, '', DATE '0001-01-01' FROM touched WHERE since IS NOT NULL
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
