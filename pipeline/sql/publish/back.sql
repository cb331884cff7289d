-- Seen again: a last stay that was said to have ended, the day after the last sighting, has not. Whether it has is told
-- below.
CREATE OR REPLACE TEMP TABLE ended AS
SELECT rowid AS place, genre, artist_id, provenance, left_on
FROM genre_membership
WHERE left_on > (SELECT min(known_on) FROM sightings);
{given ended}
CREATE OR REPLACE TEMP TABLE ended AS
SELECT e.place, e.genre, e.provenance
FROM ended e
JOIN sightings s
    ON s.artist_id = e.artist_id AND s.genre = e.genre AND s.provenance = e.provenance AND s.known_on + 1 = e.left_on;
INSERT INTO stays SELECT genre, provenance, count(*) FROM ended GROUP BY genre, provenance;
UPDATE genre_membership m
SET left_on = NULL
FROM ended n
WHERE m.rowid = n.place
