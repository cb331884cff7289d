-- In a database built from nothing every stay is new. Who was seen in each half of {stay} days, or whose last day is at most
-- {stay} after the first, was in one; only of others every sighting is looked at.
CREATE OR REPLACE TEMP TABLE entering (genre VARCHAR, artist_id VARCHAR, provenance VARCHAR);
CREATE OR REPLACE TEMP VIEW seen_through AS
SELECT *, last_seen_on - first_seen_on <= {stay} OR bit_count(halves) = spread AS is_one
FROM sightings;
CREATE OR REPLACE TEMP VIEW alone AS
SELECT genre, artist_id, provenance, first_seen_on AS low
FROM seen_through
WHERE is_one;
CREATE OR REPLACE TEMP TABLE spans AS
SELECT DISTINCT genre, artist_id, provenance, observed_on AS low, observed_on AS high
FROM staged_artist_genres
SEMI JOIN (FROM seen_through WHERE NOT is_one) USING (genre, artist_id, provenance)
