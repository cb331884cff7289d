-- Growth of those touched, as it has become.
CREATE OR REPLACE TEMP TABLE known_growth AS
FROM known_growth
ANTI JOIN grown USING (key)
UNION ALL BY NAME
SELECT * EXCLUDE (artist_id, artist_no) FROM grown
