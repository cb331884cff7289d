-- The same of a table without rows. `halves` has a bit for each half of {stay} days with a sighting, `spread` of them is the time.
CREATE OR REPLACE TEMP TABLE sightings AS
SELECT
    artist_id,
    genre,
    provenance,
    min(observed_on) AS first_seen_on,
    max(observed_on) AS last_seen_on,
    bit_or(1::HUGEINT << ((observed_on - DATE '1970-01-01') // {half} % 126)) AS halves,
    max((observed_on - DATE '1970-01-01') // {half}) - min((observed_on - DATE '1970-01-01') // {half}) + 1 AS spread
FROM staged_artist_genres
GROUP BY artist_id, genre, provenance;
INSERT INTO artist_genres BY NAME
SELECT s.* EXCLUDE (halves, spread), a.artist_no
FROM sightings s
LEFT JOIN known_artists a ON a.artist_id = s.artist_id
ORDER BY a.artist_no
