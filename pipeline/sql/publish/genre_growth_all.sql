-- The lists of every genre, from all artists. Where a list ends is found by growth alone; ids are asked for, to order those
-- who grew alike, of those who come that far.
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
INSERT INTO state_leaders BY NAME
WITH growing AS MATERIALIZED (
    SELECT genre, days, artist_no, growth
    FROM (SELECT DISTINCT genre, artist_no FROM artist_genres)
    JOIN ({all_growths}) USING (artist_no)
)
SELECT
    d.genre,
    d.days,
    d.growth,
    g.artist_id,
    g.artist_no,
    g.followers,
    CASE d.days {gained_of_days} END AS gained,
    CASE d.days {since_of_days} END AS since,
    g.until
FROM growing d
JOIN (SELECT genre, days, list_min(max(growth, {kept})) AS least FROM growing GROUP BY genre, days) e
    ON e.genre = d.genre AND e.days = d.days AND d.growth >= e.least
JOIN artist_growth g ON g.artist_no = d.artist_no
QUALIFY row_number() OVER (PARTITION BY d.genre, d.days ORDER BY d.growth DESC, g.artist_id DESC) <= {kept}
ORDER BY d.genre, d.days, d.growth DESC, g.artist_id DESC;
CREATE OR REPLACE TEMP TABLE regrown AS SELECT genre, days FROM state_lists;
{edges}
