-- The same of a history file: whatever is not the first day of a stretch is compared with the row before it. Sums of a
-- kind lie side by side, by its number and the day, as rows of an artist do: where to add is counted, not looked up.
SET perfect_ht_threshold = 22;
INSERT INTO alike
SELECT r.kind, l.observed_on, count(*), count(*), sum(l.followers), count(l.popularity), sum(l.popularity),
    sum(CASE WHEN l.observed_on > r.first_on THEN l.followers - l.before END), 0, 0
FROM (
    SELECT artist_id, observed_on, followers, popularity, lag(followers) OVER () AS before
    FROM read_parquet({file}, hive_partitioning = false)
    WHERE followers IS NOT NULL AND observed_on <= {last_on}
) l
JOIN (
    SELECT artist_id, first_on, kind
    FROM rims
    JOIN sets USING (artist_id)
    WHERE first_on BETWEEN {first_on} AND {last_on}
) r ON r.artist_id = l.artist_id
GROUP BY r.kind, l.observed_on;
RESET perfect_ht_threshold
