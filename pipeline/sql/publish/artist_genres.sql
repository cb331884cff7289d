-- One row per artist, genre and provenance: first and last day seen under it.
UPDATE artist_genres p
SET first_seen_on = least(n.first_seen_on, p.first_seen_on), last_seen_on = greatest(n.last_seen_on, p.last_seen_on)
FROM (
    FROM sightings
    WHERE place IS NOT NULL
    ORDER BY place
) n
WHERE p.rowid = n.place AND (n.first_seen_on < p.first_seen_on OR n.last_seen_on > p.last_seen_on);
INSERT INTO artist_genres BY NAME
SELECT n.artist_id, a.artist_no, n.genre, n.provenance, n.first_seen_on, n.last_seen_on
FROM sightings n
LEFT JOIN known_artists a ON a.key = n.key
WHERE n.place IS NULL
ORDER BY a.artist_no
