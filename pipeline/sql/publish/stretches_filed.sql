-- In a history file each artist is a stretch. It is sorted: what was before a row is looked up one row back, as it is read.
-- (Over a UNION, DuckDB would gather all rows for that: hence each file by itself.)
INSERT INTO stretches
SELECT
    artist_id,
    min(observed_on),
    arg_min(followers, observed_on),
    max(observed_on),
    arg_max(followers, observed_on),
    CASE WHEN count(*) > 1 THEN arg_max(before_on, observed_on) END,
    CASE WHEN count(*) > 1 THEN arg_max(before, observed_on) END
FROM (
    SELECT artist_id, observed_on, followers, lag(observed_on) OVER () AS before_on, lag(followers) OVER () AS before
    FROM read_parquet({file}, hive_partitioning = false)
    WHERE followers IS NOT NULL AND observed_on <= {last_on}
)
GROUP BY artist_id
