-- The stays that sightings may change, as spans: all but those that a sighting only makes longer.
CREATE OR REPLACE TEMP TABLE entering AS
SELECT genre, artist_id, provenance, known_on
FROM sightings
WHERE place IS NULL OR first_seen_on < known_on OR last_seen_on > known_on + {stay};
CREATE OR REPLACE TEMP TABLE spans AS
SELECT m.genre, m.artist_id, m.provenance, m.entered_on AS low, coalesce(m.left_on - 1, e.known_on) AS high
FROM genre_membership m
JOIN entering e ON e.genre = m.genre AND e.artist_id = m.artist_id AND e.provenance = m.provenance
UNION ALL
SELECT DISTINCT s.genre, s.artist_id, s.provenance, s.observed_on, s.observed_on
FROM staged_artist_genres s
SEMI JOIN entering e ON e.genre = s.genre AND e.artist_id = s.artist_id AND e.provenance = s.provenance;
-- Most were seen once: then there is nothing to put together, which takes five times as long.
CREATE OR REPLACE TEMP TABLE alone AS
SELECT genre, artist_id, provenance, min(low) AS low
FROM spans
GROUP BY genre, artist_id, provenance
HAVING count(*) = 1
