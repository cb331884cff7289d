-- Sightings, and the stays that they may change, as spans: all but those that a sighting only makes longer.
CREATE OR REPLACE TEMP TABLE sighted AS
SELECT DISTINCT genre, artist_id, provenance, observed_on FROM staged_artist_genres;
CREATE OR REPLACE TEMP TABLE entering AS
SELECT n.genre, n.artist_id, n.provenance, any_value(g.last_seen_on) AS last_seen_on
FROM sighted n
LEFT JOIN artist_genres g ON g.genre = n.genre AND g.artist_id = n.artist_id AND g.provenance = n.provenance
WHERE g.genre IS NULL OR n.observed_on NOT BETWEEN g.last_seen_on AND g.last_seen_on + {stay}
GROUP BY ALL;
CREATE OR REPLACE TEMP TABLE spans AS
SELECT m.genre, m.artist_id, m.provenance, m.entered_on AS low, coalesce(m.left_on - 1, e.last_seen_on) AS high
FROM genre_membership m
JOIN entering e ON e.genre = m.genre AND e.artist_id = m.artist_id AND e.provenance = m.provenance
UNION ALL
SELECT s.genre, s.artist_id, s.provenance, s.observed_on, s.observed_on
FROM sighted s
SEMI JOIN entering e ON e.genre = s.genre AND e.artist_id = s.artist_id AND e.provenance = s.provenance;
-- Most were seen once: then there is nothing to put together, which takes five times as long.
CREATE OR REPLACE TEMP TABLE alone AS
SELECT genre, artist_id, provenance, min(low) AS low
FROM spans
GROUP BY genre, artist_id, provenance
HAVING count(*) = 1
