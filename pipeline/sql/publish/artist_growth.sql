-- What each artist gained until its last number; instead of what was said before. (To change rows where they lie would
-- write whole columns anew.)
SET VARIABLE ends_first = (SELECT min(until) FROM ends);
SET VARIABLE ends_last = (SELECT max(until) FROM ends);
{befores}

CREATE OR REPLACE TEMP TABLE grown AS
SELECT
    e.*,
    CASE WHEN e.previous_on >= e.until - 2 THEN e.previous_on END AS since_1,
    CASE WHEN e.previous_on >= e.until - 2 THEN e.followers - e.previous_followers END AS gained_1,
    {since_and_gained}
FROM ends e
{joined_befores}
ORDER BY e.artist_no, e.key;
DELETE FROM artist_growth WHERE rowid IN (SELECT place FROM known_growth SEMI JOIN grown USING (key));
INSERT INTO artist_growth BY NAME SELECT * EXCLUDE (key) FROM grown
