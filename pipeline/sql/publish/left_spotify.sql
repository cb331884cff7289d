-- Left: the genres that an artist's answers gave last are without this one.
CREATE OR REPLACE TEMP TABLE gone AS
SELECT g.genre, g.artist_id, g.last_seen_on
FROM known_genres g
JOIN told_genres a ON a.key = g.key
WHERE g.provenance = 'spotify' AND NOT list_contains(a.genres, g.genre);
{given gone}
UPDATE genre_membership m
SET left_on = g.last_seen_on + 1
FROM gone g
WHERE m.left_on IS NULL AND m.provenance = 'spotify' AND m.genre = g.genre AND m.artist_id = g.artist_id
