-- The same of history files, in one pass: whatever is not a head is compared with the row before it.
INSERT INTO alike
SELECT s.kind, l.observed_on, count(*), count(*), sum(l.followers), count(l.popularity), sum(l.popularity),
    count(l.gained), sum(l.gained), 0, 0
FROM (
    SELECT
        artist_id,
        observed_on,
        followers,
        popularity,
        CASE WHEN lag(artist_id) OVER () = artist_id AND lag(observed_on) OVER () < observed_on
            THEN followers - lag(followers) OVER () END AS gained
    FROM read_parquet(getvariable('history'), hive_partitioning = false)
    WHERE followers IS NOT NULL
) l
JOIN sets s ON s.artist_id = l.artist_id
GROUP BY s.kind, l.observed_on
