-- One row per artist and day: of several answers on a day the last that knew a number gives it.
CREATE OR REPLACE TEMP TABLE news AS
SELECT
    n.artist_id,
    n.observed_on,
    coalesce(n.followers, p.followers) AS followers,
    coalesce(n.popularity, p.popularity) AS popularity,
    p.artist_id IS NOT NULL AS known
FROM (
    SELECT artist_id, observed_on, arg_max(followers, seq) AS followers, arg_max(popularity, seq) AS popularity
    FROM staged_artist_snapshots
    GROUP BY artist_id, observed_on
) n
LEFT JOIN artist_snapshots p USING (artist_id, observed_on);
DELETE FROM artist_snapshots p USING (FROM news WHERE known) n WHERE p.artist_id = n.artist_id AND p.observed_on = n.observed_on;
INSERT INTO artist_snapshots BY NAME SELECT * EXCLUDE (known) FROM news ORDER BY observed_on, artist_id;
-- The artist shows the numbers of its last day, absent ones too.
UPDATE artists a
SET followers = n.followers, popularity = n.popularity, last_seen_on = n.observed_on
FROM (SELECT DISTINCT ON (artist_id) * FROM news ORDER BY artist_id, observed_on DESC) n
WHERE a.artist_id = n.artist_id AND n.observed_on >= a.last_seen_on;
