-- Those of each genre that grew most. Who was touched leaves its lists, and stands there again if it comes before the
-- last that is known (`edge`): of those behind it nothing is known. A list that became too short is told from all
-- artists (`regrown`), one that became too long is cut.
CREATE OR REPLACE TEMP TABLE recounted AS
SELECT genre, days, sum(compared)::BIGINT AS compared
FROM compared
GROUP BY genre, days
HAVING sum(compared) <> 0;
{given recounted}
MERGE INTO state_lists p
USING recounted n
ON p.genre = n.genre AND p.days = n.days
WHEN MATCHED THEN UPDATE SET compared = p.compared + n.compared
WHEN NOT MATCHED THEN INSERT (genre, days, compared) VALUES (n.genre, n.days, n.compared);
DELETE FROM state_lists WHERE compared = 0;
{always}
DELETE FROM state_leaders WHERE artist_no IN (SELECT artist_no FROM touched);
-- Of many who were touched few come before the end of a list: they are found before days are taken apart.
CREATE OR REPLACE TEMP TABLE floors AS
SELECT genre, {floors}
FROM state_lists
GROUP BY genre;
CREATE OR REPLACE TEMP TABLE candidates AS
SELECT g.genre, g.key
FROM known_members g
JOIN known_growth k ON k.key = g.key
JOIN floors f ON f.genre = g.genre
WHERE {any_leading};
CREATE OR REPLACE TEMP TABLE moved AS
SELECT key, t.artist_no, t.artist_id, g.followers, g.gained, g.gained / (g.followers - g.gained) AS growth, g.since, g.until, g.days
FROM (
    SELECT key, followers, until, unnest({days})::INTEGER AS days, unnest([{gains}]) AS gained, unnest([{sinces}]) AS since
    FROM known_growth
    SEMI JOIN candidates USING (key)
) g
JOIN touched t USING (key)
WHERE gained > 0 AND followers - gained >= {least} AND t.artist_no IS NOT NULL;
INSERT INTO state_leaders BY NAME
SELECT l.genre, l.days, m.artist_id, m.artist_no, m.followers, m.gained, m.growth, m.since, m.until
FROM candidates g
JOIN moved m ON m.key = g.key
JOIN state_lists l ON l.genre = g.genre AND l.days = m.days
WHERE l.edge_growth IS NULL OR (m.growth, m.artist_id) >= (l.edge_growth, l.edge_id)
ORDER BY l.genre, l.days;
CREATE OR REPLACE TEMP TABLE lengths AS
SELECT genre, days, count(*) AS places FROM state_leaders GROUP BY genre, days;
CREATE OR REPLACE TEMP TABLE regrown AS
SELECT l.genre, l.days
FROM state_lists l
LEFT JOIN lengths n ON n.genre = l.genre AND n.days = l.days
WHERE l.edge_growth IS NOT NULL AND coalesce(n.places, 0) < {places};
CREATE OR REPLACE TEMP TABLE edges AS
SELECT genre, days, min(struct_pack(growth, artist_id)) AS edge
FROM (
    SELECT *, row_number() OVER (PARTITION BY genre, days ORDER BY growth DESC, artist_id DESC) AS place
    FROM state_leaders
    SEMI JOIN (FROM lengths WHERE places > {most}) USING (genre, days)
)
WHERE place <= {kept}
GROUP BY genre, days;
{given edges}
DELETE FROM state_leaders s
USING edges e
WHERE e.genre = s.genre AND e.days = s.days AND (s.growth, s.artist_id) < (e.edge.growth, e.edge.artist_id);
{leaders}
