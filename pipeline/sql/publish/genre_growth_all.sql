-- The lists of every genre, from all artists.
CREATE OR REPLACE TEMP TABLE edges (genre VARCHAR, days INTEGER, edge STRUCT(growth DOUBLE, artist_id VARCHAR));
DELETE FROM state_leaders;
DELETE FROM state_lists;
INSERT INTO state_lists (genre, days, compared)
FROM (
    SELECT genre, unnest({days})::INTEGER AS days, unnest([{counts}]) AS compared
    FROM (SELECT DISTINCT genre, artist_no FROM artist_genres)
    JOIN artist_growth USING (artist_no)
    GROUP BY genre
)
WHERE compared > 0
ORDER BY genre, days;
CREATE OR REPLACE TEMP TABLE regrown AS SELECT genre, days FROM state_lists;
{leaders}
