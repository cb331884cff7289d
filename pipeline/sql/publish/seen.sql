-- The days of touched artists that change, as they are now, and who has more than one.
CREATE OR REPLACE TEMP TABLE seen AS
SELECT t.key, s.observed_on, s.followers, s.popularity
FROM recent_snapshots s
JOIN touched t ON t.artist_id = s.artist_id
WHERE s.observed_on >= t.since AND s.observed_on >= getvariable('touched_since');
CREATE OR REPLACE TEMP TABLE often AS SELECT key FROM seen GROUP BY key HAVING count(*) > 1
