-- The last number {days} days before the last one, or up to {slack} days earlier: on the very day for most.
CREATE OR REPLACE TEMP TABLE before_{days} AS
SELECT e.key, s.observed_on, s.followers
FROM day_{days} s
JOIN ends e ON e.artist_id = s.artist_id AND e.until - {days} = s.observed_on
WHERE s.observed_on BETWEEN getvariable('ends_first') - {days} AND getvariable('ends_last') - {days} AND s.followers IS NOT NULL;
CREATE OR REPLACE TEMP TABLE unseen AS
FROM ends
ANTI JOIN before_{days} USING (key)
WHERE first_on < until - {days};
INSERT INTO before_{days}
SELECT e.key, max(s.observed_on), arg_max(s.followers, s.observed_on)
FROM artist_snapshots s
JOIN unseen e ON e.artist_id = s.artist_id
WHERE
    s.observed_on BETWEEN e.until - {days} - {slack} AND e.until - {days} - 1
    AND s.observed_on BETWEEN getvariable('ends_first') - {days} - {slack} AND getvariable('ends_last') - {days} - 1
    AND s.followers IS NOT NULL
GROUP BY e.key;
