-- History files are sorted: what is before a row is looked up one row back, as they are read. (Over a UNION, DuckDB would
-- gather all rows for that: hence the files by themselves.)
SET VARIABLE history = (
    SELECT list((SELECT value FROM state_meta WHERE key = 'root') || '/' || path ORDER BY month) FROM state_history
);
INSERT INTO stretches
SELECT artist_id, observed_on, followers, is_head, earlier_on, earlier_followers
FROM (
    SELECT
        artist_id,
        observed_on,
        followers,
        coalesce(lag(artist_id) OVER () <> artist_id OR lag(observed_on) OVER () >= observed_on, true) AS is_head,
        coalesce(lead(artist_id) OVER () <> artist_id OR lead(observed_on) OVER () <= observed_on, true) AS is_tail,
        lag(observed_on) OVER () AS earlier_on,
        lag(followers) OVER () AS earlier_followers
    FROM read_parquet(getvariable('history'), hive_partitioning = false)
    WHERE followers IS NOT NULL
)
WHERE is_head OR is_tail
