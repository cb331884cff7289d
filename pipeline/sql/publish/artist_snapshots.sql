-- One row per artist and day. Most often they are of a day that nobody knew a number of: then there are none to look for.
CREATE OR REPLACE TEMP TABLE met AS
SELECT DISTINCT observed_on
FROM state_snapshots
WHERE observed_on IN (SELECT DISTINCT observed_on FROM arrived);
{given met}
MERGE INTO state_snapshots p
USING (
    FROM arrived
    SEMI JOIN met USING (observed_on)
    ORDER BY observed_on, artist_id
) n
ON p.observed_on = n.observed_on AND p.artist_id = n.artist_id
WHEN MATCHED THEN UPDATE SET followers = coalesce(n.followers, p.followers), popularity = coalesce(n.popularity, p.popularity)
WHEN NOT MATCHED THEN INSERT BY NAME;
DELETE FROM arrived WHERE observed_on IN (FROM met);
{always}
INSERT INTO state_snapshots BY NAME FROM arrived
