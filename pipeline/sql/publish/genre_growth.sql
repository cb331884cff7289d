-- Those of each genre that grew most, told anew where artists have new numbers (`lists`). Who stood there and did not
-- move keeps the order; who moved stands there if it comes before the last of a full list (`edge`), since of those
-- behind it nothing is known. A full list that loses more than it gains is told from all artists (`regrown`).
CREATE OR REPLACE TEMP TABLE lists AS
SELECT genre, days, struct_pack(growth, artist_id) AS edge
FROM (SELECT DISTINCT genre FROM artist_genres SEMI JOIN touched USING (artist_id))
CROSS JOIN (SELECT unnest({days})::INTEGER AS days)
LEFT JOIN (FROM genre_growth WHERE place = {places}) USING (genre, days);
CREATE OR REPLACE TEMP TABLE moved AS
SELECT artist_id, artist_no, followers, gained, gained / (followers - gained) AS growth, since, until, days
FROM (
    SELECT g.*, d.days, CASE d.days {gained_of_days} END AS gained, CASE d.days {since_of_days} END AS since
    FROM (FROM artist_growth SEMI JOIN touched USING (artist_id)) g
    CROSS JOIN (SELECT unnest({days})::INTEGER AS days) d
)
WHERE gained > 0 AND followers - gained >= {least};
CREATE OR REPLACE TEMP TABLE standing AS
SELECT genre, days, artist_id, artist_no, followers, gained, growth, since, until
FROM genre_growth
SEMI JOIN lists USING (genre, days)
ANTI JOIN touched USING (artist_id)
UNION ALL
SELECT l.genre, l.days, m.artist_id, m.artist_no, m.followers, m.gained, m.growth, m.since, m.until
FROM (SELECT DISTINCT genre, artist_no FROM artist_genres SEMI JOIN touched USING (artist_id)) g
JOIN moved m ON m.artist_no = g.artist_no
JOIN lists l ON l.genre = g.genre AND l.days = m.days
WHERE edge.growth IS NULL OR (m.growth, m.artist_id) >= (edge.growth, edge.artist_id);
CREATE OR REPLACE TEMP TABLE regrown AS
SELECT genre, days
FROM lists
LEFT JOIN (SELECT genre, days, count(*) AS places FROM standing GROUP BY genre, days) USING (genre, days)
WHERE edge.growth IS NOT NULL AND coalesce(places, 0) < {places};
DELETE FROM genre_growth g USING lists l WHERE g.genre = l.genre AND g.days = l.days;
INSERT INTO genre_growth BY NAME
SELECT *
FROM (
    SELECT *, row_number() OVER (PARTITION BY genre, days ORDER BY growth DESC, artist_id DESC)::INTEGER AS place
    FROM standing
    ANTI JOIN regrown USING (genre, days)
)
JOIN (
    SELECT genre, unnest({days})::INTEGER AS days, unnest([{counts}]) AS compared
    FROM (SELECT DISTINCT genre, artist_no FROM artist_genres SEMI JOIN lists USING (genre))
    JOIN artist_growth USING (artist_no)
    GROUP BY genre
) USING (genre, days)
WHERE place <= {places}
ORDER BY genre, days, place;
INSERT INTO genre_growth
{leaders}
