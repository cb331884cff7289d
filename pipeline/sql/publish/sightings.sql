-- Who was seen under which genre: the first and the last of the new days, where it stands, and the last day known before.
CREATE OR REPLACE TEMP TABLE sightings AS
SELECT k.place, k.last_seen_on AS known_on, n.*
FROM (
    SELECT
        key,
        any_value(artist_id) AS artist_id,
        genre,
        provenance,
        min(observed_on) AS first_seen_on,
        max(observed_on) AS last_seen_on
    FROM {sighted}
    GROUP BY key, genre, provenance
) n
LEFT JOIN known_genres k ON k.key = n.key AND k.genre = n.genre AND k.provenance = n.provenance
