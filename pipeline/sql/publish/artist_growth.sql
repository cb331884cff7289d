-- What each artist gained until its last number; instead of what was said before. (To change rows where they lie would
-- write whole columns anew.)
CREATE OR REPLACE TEMP TABLE numbers_before AS
SELECT e.key, s.days, s.observed_on, s.followers, s.place
FROM earlier_days s
JOIN ends e ON e.artist_id = s.artist_id AND e.until - s.days = s.observed_on
WHERE s.followers IS NOT NULL;
CREATE OR REPLACE TEMP TABLE grown AS
SELECT
    e.*,
    CASE WHEN e.previous_on >= e.until - 2 THEN e.previous_on END AS since_1,
    CASE WHEN e.previous_on >= e.until - 2 THEN e.followers - e.previous_followers END AS gained_1,
    {since_and_gained}
FROM ends e
LEFT JOIN (
    SELECT key, {befores}
    FROM numbers_before
    GROUP BY key
) b ON b.key = e.key;

-- Who has no number on the very day is looked for on some days before it.
CREATE OR REPLACE TEMP TABLE unseen AS
SELECT key, artist_id, days, until - days - slack AS first_on, until - days - 1 AS last_on
FROM (
    SELECT key, artist_id, until, first_on,
        unnest([{longer_days}]) AS days, unnest([{slacks}]) AS slack, unnest([{longer_sinces}]) AS since
    FROM grown
    WHERE {any_unseen}
)
WHERE since IS NULL AND first_on < until - days;
{given unseen}
SET VARIABLE unseen_first = (SELECT min(first_on) FROM unseen);
SET VARIABLE unseen_last = (SELECT max(last_on) FROM unseen);
UPDATE grown g
SET {filled}
FROM (
    SELECT key, {befores}
    FROM (
        SELECT e.key, e.days, s.observed_on, s.followers, s.observed_on AS place
        FROM artist_snapshots s
        JOIN unseen e ON e.artist_id = s.artist_id AND s.observed_on BETWEEN e.first_on AND e.last_on
        WHERE s.observed_on BETWEEN getvariable('unseen_first') AND getvariable('unseen_last') AND s.followers IS NOT NULL
    )
    GROUP BY key
) b
WHERE b.key = g.key;
{always}
DELETE FROM artist_growth WHERE rowid IN (SELECT place FROM known_growth SEMI JOIN grown USING (key));
INSERT INTO artist_growth BY NAME SELECT * EXCLUDE (key) FROM grown ORDER BY artist_no, key
