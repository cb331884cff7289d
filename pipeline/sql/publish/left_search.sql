-- Left: a complete search that began after the last sighting did not show it.
UPDATE genre_membership m
SET left_on = g.last_seen_on + 1
FROM (
    SELECT g.genre, g.artist_id, g.last_seen_on
    FROM artist_genres g
    JOIN sweeps s ON s.genre = g.genre AND s.shown_on > g.last_seen_on
    WHERE g.provenance = 'search'
) g
WHERE m.left_on IS NULL AND m.provenance = 'search' AND m.genre = g.genre AND m.artist_id = g.artist_id
